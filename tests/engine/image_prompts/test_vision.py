"""What CLIP's image encoders are shown, and the files that they come from."""

import pytest
import torch
from PIL import Image
from safetensors.torch import save_file
from transformers import CLIPImageProcessor

from tests.engine.image_prompts import tiny
from tests.engine.image_prompts.test_join import made_up
from webui.catalog.identify import identify
from webui.catalog.image_encoders import Sight, sights_of
from webui.engine.image_prompts.network import read_adapter
from webui.engine.image_prompts.vision import _config, read_vision, seen, shown
from webui.engine.weights import WeightsError


@pytest.mark.parametrize("size", [(60, 40), (33, 70), (28, 28), (301, 90), (500, 20)])
def test_pictures_are_shown_as_clips_own_processor_does(size):
    image = made_up(3, size)
    theirs = CLIPImageProcessor(size={"shortest_edge": 28}, crop_size=28)(image, return_tensors="pt")
    torch.testing.assert_close(
        shown(image, 28), theirs["pixel_values"], atol=0.05 if size[1] < 25 else 1e-6, rtol=0
    )


def test_what_is_transparent_is_flattened():
    image = Image.new("RGBA", (40, 40), (255, 0, 0, 0))
    assert shown(image, 28).shape == (1, 3, 28, 28)


def test_a_file_in_both_layouts(tmp_path):
    network = tiny.write_vision(tmp_path)
    (tmp_path / "open").mkdir()
    save_file(tiny.open_clip(network), tmp_path / "open" / "a.safetensors")
    (tmp_path / "open" / "config.json").write_text((tmp_path / "config.json").read_text())
    image = made_up()
    for projected in (True, False):
        sight = Sight(tiny.PROJECTION if projected else tiny.HIDDEN, projected)
        expected = seen(network, image, sight)
        assert expected.shape == ((2, tiny.PROJECTION) if projected else (2, tiny.PATCHES, tiny.HIDDEN))
        for file in (tmp_path / "model.safetensors", tmp_path / "open" / "a.safetensors"):
            assert identify(file).kind == "clip-vision"
            torch.testing.assert_close(seen(read_vision(file), image, sight), expected)


@pytest.mark.parametrize(
    ("width", "projection", "heads", "activation"),
    [(1280, 1024, 16, "gelu"), (1664, 1280, 16, "gelu"), (1024, 768, 16, "quick_gelu"), (192, 64, 3, "gelu")],
)
def test_what_shapes_dont_tell(tmp_path, width, projection, heads, activation):
    """Of ViT-H, ViT-bigG and ViT-L: narrow weights in all but the widths, since the others are known."""
    names = {
        "vision_model.embeddings.class_embedding": (width,),
        "vision_model.embeddings.patch_embedding.weight": (width, 3, 14, 14),
        "vision_model.embeddings.position_embedding.weight": (5, width),
        "vision_model.encoder.layers.0.mlp.fc1.weight": (4, width),
        "visual_projection.weight": (projection, width),
    }
    assert sights_of(names) == (Sight(width, False), Sight(projection, True))
    config = _config(names, {"num_attention_heads": 7, "hidden_act": "relu"})
    assert (config.num_attention_heads, config.hidden_act) == (heads, activation)
    assert (config.image_size, config.num_hidden_layers) == (28, 1)


def test_layers_with_a_gap_are_no_encoders(tmp_path):
    weights = dict(tiny.write_vision(tmp_path).state_dict())
    weights["vision_model.encoder.layers.900.x"] = torch.ones(1)
    save_file(weights, tmp_path / "model.safetensors")
    with pytest.raises(WeightsError, match="layers are not those of a CLIP image encoder"):
        read_vision(tmp_path / "model.safetensors")


@pytest.mark.parametrize(
    "parts",
    [
        {"image_proj": {"proj.0.weight": torch.ones(4, 4), "norm.weight": torch.ones(4)}},
        {"image_proj": {"perceiver_resampler.proj_in.weight": torch.ones(4, 4)}},
    ],
)
def test_faces_are_refused(tmp_path, parts):
    layers = {"ip_adapter": {"1.to_k_ip.weight": torch.ones(4, 4), "1.to_v_ip.weight": torch.ones(4, 4)}}
    file = tiny.write_adapter(tmp_path / "face.bin", {**parts, **layers})
    found = identify(file)
    assert found.kind == "ip-adapter"
    assert "FaceID" in found.problem
    with pytest.raises(WeightsError, match=r"none that is known|lacks the weights"):
        read_adapter(file)


def test_a_file_that_tells_of_more_than_it_holds(tmp_path):
    vast = torch.zeros(1).expand(2**16, 2**16)
    parts = {"image_proj": {"proj.weight": vast}, "ip_adapter": {"1.to_k_ip.weight": torch.ones(4, 4)}}
    with pytest.raises(WeightsError, match="more weights than it holds"):
        read_adapter(tiny.write_adapter(tmp_path / "a.bin", parts))
