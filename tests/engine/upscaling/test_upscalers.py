"""Pictures enlarged to any size: by networks, by Pillow, in tiles, with alpha, until someone says stop."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from PIL import Image

from tests.conftest import Recorder
from tests.engine.upscaling.conftest import CPU
from tests.engine.upscaling.reference import compact_outcome, esrgan_outcome
from tests.engine.upscaling.weights import compact, esrgan, write
from webui.engine.conditioning import Interrupted
from webui.engine.protocol import EngineError
from webui.engine.upscaling.upscalers import MOST_PIXELS, Upscalers, _sizes


def picture(width=40, height=30, mode="RGB"):
    """Smooth, with an edge."""
    y, x = np.mgrid[:height, :width] / max(width, height)
    channels = [np.sin(x * 7 + y * 3), np.cos(y * 9), (x > 0.4).astype(float), np.hypot(x, y) * 2 - 1]
    pixels = np.stack([channel * 120 + 128 for channel in channels], -1).clip(0, 255).astype(np.uint8)
    return Image.fromarray(pixels[..., : len(mode)])


def values(image):
    return np.asarray(image).astype(int)


def as_tensor(image):
    return torch.from_numpy(np.array(image.convert("RGB"), np.float32)).permute(2, 0, 1)[None] / 255


def as_values(tensor):
    return (tensor[0].permute(1, 2, 0).clamp(0, 1) * 255).round().numpy().astype(int)


@pytest.mark.parametrize(("name", "method"), [("None", 1), ("lanczos", 1), ("Nearest", 0)])
def test_those_without_a_file_are_pillows(upscalers, name, method):
    image = picture()
    made = upscalers.enlarged(name, image, 77, 91, Recorder())
    assert made == image.resize((77, 91), Image.Resampling(method))
    assert upscalers.enlarged(name, image, *image.size, Recorder()) == image
    assert upscalers.residents() == ()


def test_a_network_enlarges_by_its_scale(upscalers, four):
    image, observer = picture(), Recorder()
    made = upscalers.enlarged("4x_small", image, 160, 120, observer, four)
    expected = as_values(compact_outcome(compact(convolutions=3), as_tensor(image)))
    assert np.abs(values(made) - expected).max() <= 1
    assert values(made).std() > 20
    assert observer.steps == [(1, 0, 1), (1, 1, 1)]


def test_beyond_its_scale_it_runs_again_and_lanczos_does_the_rest(upscalers, two):
    image, observer = picture(), Recorder()
    made = upscalers.enlarged("2x_small", image, 100, 76, observer, two)
    weights, kind = esrgan(doublings=1, blocks=1), {"doublings": 1, "blocks": 1}
    once = Image.fromarray(as_values(esrgan_outcome(weights, as_tensor(image), **kind)).astype(np.uint8))
    twice = Image.fromarray(as_values(esrgan_outcome(weights, as_tensor(once), **kind)).astype(np.uint8))
    assert twice.size == (160, 120)
    assert np.abs(values(made) - values(twice.resize((100, 76), Image.Resampling.LANCZOS))).max() <= 3
    assert [step for _, step, _ in observer.steps] == [0, 1, 1, 2]
    assert {steps for *_, steps in observer.steps} == {2}


def test_one_that_only_cleans_runs_once_and_also_at_the_same_size(upscalers, one):
    image = picture()
    weights = compact(convolutions=1, scale=1)
    expected = as_values(compact_outcome(weights, as_tensor(image), scale=1))
    made = upscalers.enlarged("1x_small", image, *image.size, Recorder(), one)
    assert np.abs(values(made) - expected).max() <= 1
    larger = upscalers.enlarged("1x_small", image, 80, 60, Recorder(), one)
    assert larger == made.resize((80, 60), Image.Resampling.LANCZOS)


def test_what_is_to_be_smaller_needs_no_network(upscalers, tmp_path):
    missing = write(tmp_path / "gone.pth", {})
    made = upscalers.enlarged("gone", picture(), 20, 15, Recorder(), missing)
    assert made == picture().resize((20, 15), Image.Resampling.LANCZOS)


def test_a_network_for_one_channel_enlarges_each_colour(upscalers, tmp_path):
    file = write(tmp_path / "grey.pth", compact(channels=1, scale=2))
    made = upscalers.enlarged("grey", picture(), 80, 60, Recorder(), file)
    for channel in "RGB":
        band = picture().getchannel(channel)
        x = torch.from_numpy(np.array(band, np.float32))[None, None] / 255
        expected = as_values(compact_outcome(compact(channels=1, scale=2), x, scale=2))[..., 0]
        assert np.abs(values(made.getchannel(channel)) - expected).max() <= 1


def test_alpha_is_enlarged_by_itself(upscalers, four):
    image = picture(mode="RGBA")
    made = upscalers.enlarged("4x_small", image, 160, 120, Recorder(), four)
    assert made.mode == "RGBA"
    alpha = image.getchannel("A").resize((160, 120), Image.Resampling.LANCZOS)
    assert values(made.getchannel("A")).tolist() == values(alpha).tolist()
    colours = upscalers.enlarged("4x_small", image.convert("RGB"), 160, 120, Recorder(), four)
    assert made.convert("RGB") == colours


@pytest.mark.parametrize("size", [(1, 1), (3, 200), (2, 17)])
def test_the_smallest_pictures_are_enlarged(upscalers, tmp_path, size):
    squares = write(tmp_path / "2x.pth", esrgan(unshuffle=2, blocks=1))
    made = upscalers.enlarged("2x", picture(*size), size[0] * 2, size[1] * 2, Recorder(), squares)
    assert made.size == (size[0] * 2, size[1] * 2)


def test_tiles_make_the_same_picture_and_are_told_as_steps(upscalers, store, four):
    image = picture(150, 100)
    store.update({"ESRGAN_tile": 0})
    whole = upscalers.enlarged("4x_small", image, 600, 400, Recorder(), four)
    store.update({"ESRGAN_tile": 64, "ESRGAN_tile_overlap": 10})
    observer = Recorder()
    tiled = upscalers.enlarged("4x_small", image, 600, 400, observer, four)
    assert np.abs(values(whole) - values(tiled)).max() <= 1
    assert observer.steps[-1] == (1, 6, 6)
    assert upscalers.tiles(image.size) == 6
    assert [step for _, step, _ in observer.steps] == list(range(7))


@pytest.mark.parametrize("wish", ["interrupt_at", "skip_at"])
def test_it_stops_between_tiles(upscalers, store, four, wish):
    store.update({"ESRGAN_tile": 64})
    observer = Recorder(**{wish: (1, 2)})
    with pytest.raises(Interrupted):
        upscalers.enlarged("4x_small", picture(150, 100), 600, 400, observer, four)
    assert observer.steps[-1][1] == 2


class Scarce(torch.nn.Module):
    """Runs out of memory where more than `most` pixels are to be enlarged at once."""

    def __init__(self, module, most):
        super().__init__()
        self.module, self.most = module, most
        self.seen = []

    def forward(self, x):
        self.seen.append(max(x.shape[-2:]))
        if max(x.shape[-2:]) > self.most:
            raise torch.OutOfMemoryError("CUDA out of memory.")
        return self.module(x)


def scarce(upscalers, file, most):
    """Has the network of a file run out of memory."""
    with upscalers._lent(file) as held:
        network = Scarce(held.network.run, most)
        held.network = replace(held.network, run=network)
    return network


@pytest.mark.parametrize(("tile", "said"), [(192, [96, 64]), (0, [150, 75])])
def test_where_memory_runs_out_the_tiles_get_smaller(store, four, tile, said):
    freed = []
    upscalers = Upscalers(lambda: CPU, store, lambda: freed.append(1))
    store.update({"ESRGAN_tile": tile, "ESRGAN_tile_overlap": 12})
    image = picture(300, 100)
    expected = upscalers.enlarged("4x_small", image, 1200, 400, Recorder(), four)
    scarce(upscalers, four, 80)
    observer = Recorder()
    made = upscalers.enlarged("4x_small", image, 1200, 400, observer, four)
    assert np.abs(values(made) - values(expected)).max() <= 1
    assert observer.notices == [
        f"Memory ran out; enlarged in tiles of {side} pixels instead." for side in said
    ]
    assert len(freed) == 2


def test_where_memory_runs_out_for_the_smallest_tiles_too_the_way_out_is_said(upscalers, four):
    network = scarce(upscalers, four, 10)
    with pytest.raises(EngineError, match="isn't enough memory"):
        upscalers.enlarged("4x_small", picture(300, 100), 1200, 400, Recorder(), four)
    assert network.seen == [192, 96, 64]


def test_in_halves_what_is_no_number_is_computed_in_32_bits(upscalers, four):
    image = picture()
    expected = upscalers.enlarged("4x_small", image, 160, 120, Recorder(), four)

    def overflowing(x):
        return network.run(x) if x.dtype == torch.float32 else network.run(x) * torch.inf

    with upscalers._lent(four) as held:
        network = held.network
        network.module.half()
        held.dtype, held.network = torch.float16, replace(network, run=overflowing)
    made = upscalers.enlarged("4x_small", image, 160, 120, Recorder(), four)
    # The weights have been through 16 bits.
    assert np.abs(values(made) - values(expected)).max() <= 2


def test_weights_that_are_no_numbers_are_refused(upscalers, tmp_path):
    broken = {name: weight * torch.nan for name, weight in compact().items()}
    file = write(tmp_path / "broken.pth", broken)
    with pytest.raises(EngineError, match=r'^The upscaler "broken" gave numbers that are none'):
        upscalers.enlarged("broken", picture(), 160, 120, Recorder(), file)


def test_a_size_beyond_all_measure_is_refused(upscalers, four):
    with pytest.raises(EngineError, match=r"^20000x20000 is too large: the limit is 268,435,456 pixels\.$"):
        upscalers.enlarged("Lanczos", picture(), 20_000, 20_000, Recorder())
    with pytest.raises(EngineError, match="has no file any more"):
        upscalers.enlarged("4x_gone", picture(), 100, 100, Recorder())


def test_what_a_network_makes_on_its_way_is_within_measure(upscalers):
    assert _sizes((30, 20), 100, 80, 2) == [(30, 20), (60, 40)]
    assert _sizes((30, 20), 30, 20, 4) == [(30, 20)]
    assert _sizes((30, 20), 90, 60, 1) == [(30, 20)]
    assert _sizes((8000, 8000), 9000, 9000, 4) == [(2250, 2250)]
    last = _sizes((10, 16_000), 16_000, 16_000, 4)[-1]
    assert last[0] * last[1] * 16 <= MOST_PIXELS


def test_the_last_network_is_kept_and_let_go(upscalers, four, two):
    upscalers.enlarged("4x_small", picture(), 160, 120, Recorder(), four)
    [resident] = upscalers.residents()
    assert (resident.model, resident.part, resident.place, resident.in_use) == (
        "4x_small.pth",
        "upscaler",
        "RAM",
        False,
    )
    assert resident.size == sum(4 * weight.numel() for weight in compact(convolutions=3).values())
    upscalers.unload("another.safetensors")
    assert upscalers.residents()
    upscalers.enlarged("2x_small", picture(), 80, 60, Recorder(), two)
    assert [resident.model for resident in upscalers.residents()] == ["2x_small.pth"]
    with upscalers._lent(two):
        upscalers.unload()
        assert [resident.in_use for resident in upscalers.residents()] == [True]
    upscalers.unload()
    assert upscalers.residents() == ()


def test_a_file_that_was_replaced_is_read_anew(upscalers, tmp_path):
    image = picture()
    first = write(tmp_path / "x.pth", compact(seed=1))
    made = upscalers.enlarged("x", image, 160, 120, Recorder(), first)
    second = write(tmp_path / "x.pth", compact(seed=2))
    assert second.modified > first.modified
    assert upscalers.enlarged("x", image, 160, 120, Recorder(), second) != made


def test_another_precision_holds_from_the_next_picture_on(store, four):
    placements = [CPU, replace(CPU, dtype=torch.bfloat16), replace(CPU, dtype=torch.bfloat16)]
    upscalers = Upscalers(lambda: placements[0], store, lambda: None)
    networks = []
    for _ in range(3):
        upscalers.enlarged("4x_small", picture(), 160, 120, Recorder(), four)
        with upscalers._lent(four) as held:
            networks.append(held.network)
            # Not in bf16, nor in halves on a CPU, whatever models are drawn in.
            assert held.dtype == torch.float32
        placements.pop(0)
    assert networks[0] is not networks[1]
    assert networks[1] is networks[2]
