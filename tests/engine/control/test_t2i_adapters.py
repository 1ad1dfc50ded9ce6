"""T2I-Adapters from files of every layout."""

import pytest
import torch

from tests.tiny import controls as tiny
from webui.engine.control.t2i_adapters import t2i_adapter
from webui.engine.weights import WeightsError


@pytest.mark.parametrize("grey", [False, True])
@pytest.mark.parametrize("kind", ["full_adapter", "light_adapter", "full_adapter_xl"])
def test_each_layout_gives_the_same_bits(tmp_path, models, kind, grey):
    adapter = tiny.make_adapter(models["sd1"].unet, kind, grey=grey)
    tiny.save(tiny.adapter_names(adapter), tmp_path / "a.pth", torch.float32)
    tiny.write_diffusers(tmp_path / "b.safetensors", adapter)
    pixels = torch.rand(1, 1 if grey else 3, 64, 64, generator=torch.Generator().manual_seed(1))
    expected = adapter(pixels)
    for name in ("a.pth", "b.safetensors"):
        found = t2i_adapter(tmp_path / name)(pixels)
        assert len(found) == len(expected)
        assert all(torch.equal(mine, theirs) for mine, theirs in zip(found, expected, strict=True)), name


@pytest.mark.parametrize(
    "changes", [{"body.0.block1.weight": None}, {"conv_in.weight": torch.zeros(32, 7, 3, 3)}]
)
def test_broken_files_are_told(tmp_path, sd1, changes):
    weights = tiny.adapter_names(tiny.make_adapter(sd1.unet)) | changes
    kept = {name: weight for name, weight in weights.items() if weight is not None}
    tiny.save(kept, tmp_path / "a.safetensors", torch.float32)
    with pytest.raises(WeightsError):
        t2i_adapter(tmp_path / "a.safetensors")
