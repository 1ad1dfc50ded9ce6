"""Files of upscalers become networks that compute what the published ones do, whatever their layout."""

import time

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.engine.upscaling.reference import compact_outcome, esrgan_outcome
from tests.engine.upscaling.weights import BSRGAN, FIRST, REAL, compact, esrgan, write
from webui.engine.protocol import EngineError
from webui.engine.upscaling.network import build, read_network

ESRGANS = [
    {"layout": FIRST},
    {"layout": FIRST, "doublings": 0},
    {"layout": FIRST, "doublings": 1},
    {"layout": FIRST, "doublings": 3, "blocks": 1},
    {"layout": FIRST, "plus": True},
    {"layout": FIRST, "channels": 1},
    {"layout": BSRGAN},
    {"layout": BSRGAN, "doublings": 1},
    {"layout": REAL},
    {"layout": REAL, "unshuffle": 2},
    {"layout": REAL, "unshuffle": 4},
    {"layout": REAL, "doublings": 3, "blocks": 3, "width": 12, "growth": 6},
]


def picture(height=13, width=10, channels=3, seed=5):
    return torch.rand(1, channels, height, width, generator=torch.Generator().manual_seed(seed))


@pytest.mark.parametrize("how", ESRGANS, ids=str)
def test_an_esrgan_of_any_layout_computes_what_the_published_network_does(how):
    weights = esrgan(**how)
    x = picture(channels=how.get("channels", 3))
    network = build(weights)
    told = {name: how[name] for name in ("layout", "blocks", "doublings", "unshuffle") if name in how}
    expected = esrgan_outcome(weights, x, **told)
    assert network.scale == 2 ** how.get("doublings", 2) // how.get("unshuffle", 1)
    assert network.channels == how.get("channels", 3)
    made = network.run(x)
    assert made.shape == (*x.shape[:2], x.shape[2] * network.scale, x.shape[3] * network.scale)
    assert (made - expected).abs().max() < 1e-5
    assert expected.std() > 0.05


@pytest.mark.parametrize(
    "how",
    [{}, {"scale": 1}, {"scale": 2, "convolutions": 0}, {"channels": 1}, {"scale": 3, "width": 5}],
    ids=str,
)
def test_a_compact_network_computes_what_the_published_one_does(how):
    weights = compact(**how)
    x = picture(channels=how.get("channels", 3))
    network = build(weights)
    scale = how.get("scale", 4)
    assert (network.scale, network.channels) == (scale, how.get("channels", 3))
    assert (network.run(x) - compact_outcome(weights, x, scale=scale)).abs().max() < 1e-5


@pytest.mark.parametrize("wrapper", ["", "params", "params_ema", "state_dict"])
@pytest.mark.parametrize("prefix", ["", "module."])
@pytest.mark.parametrize("weights", [esrgan(FIRST), compact()], ids=["esrgan", "compact"])
def test_a_torch_file_may_wrap_the_weights_and_prefix_their_names(tmp_path, wrapper, prefix, weights):
    named = {f"{prefix}{name}": weight for name, weight in weights.items()}
    file = write(tmp_path / "4x_any.pth", {wrapper: named} if wrapper else named)
    expected = build(weights).run(picture())
    assert torch.equal(read_network(file).run(picture()), expected)


def test_the_averaged_weights_are_taken_where_a_file_holds_both(tmp_path):
    better = esrgan(seed=1)
    file = write(tmp_path / "both.pth", {"params": esrgan(seed=2), "params_ema": better})
    assert torch.equal(read_network(file).run(picture()), build(better).run(picture()))


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_a_file_in_halves_is_read_as_it_is(tmp_path, dtype):
    halves = {name: weight.to(dtype) for name, weight in esrgan().items()}
    network = read_network(write(tmp_path / "half.safetensors", halves))
    assert {parameter.dtype for parameter in network.module.parameters()} == {dtype}
    assert not network.module.training
    assert network.size == sum(2 * weight.numel() for weight in halves.values())


def without(weights, ending):
    return {name: weight for name, weight in weights.items() if not name.endswith(ending)}


@pytest.mark.parametrize(
    "weights",
    [
        {"conv.weight": torch.zeros(3, 3, 3, 3)},
        without(esrgan(), "conv_hr.weight"),
        without(esrgan(), "conv_last.weight"),
        without(esrgan(FIRST), "RDB2.conv3.0.bias"),
        esrgan(unshuffle=4, doublings=1),
        {**esrgan(), "attention.weight": torch.zeros(8)},
        {**esrgan(), "conv_last.weight": torch.zeros(0, 8, 3, 3)},
        {**esrgan(FIRST), "model.999.weight": torch.zeros(3, 8, 3, 3)},
        {**compact(), "body.8.weight": torch.zeros(47, 8, 3, 3), "body.8.bias": torch.zeros(47)},
        {**compact(), "body.9999.weight": torch.zeros(48, 8, 3, 3)},
        esrgan(channels=4),
    ],
    ids=range(11),
)
def test_what_is_no_network_that_is_known_is_refused_by_name_and_the_way_out(tmp_path, weights):
    with pytest.raises(EngineError, match=r'^"odd" is .*\.$'):
        read_network(write(tmp_path / "odd.pth", weights))


def many(name, count):
    return {name.format(number): torch.zeros(1) for number in range(count)}


@pytest.mark.parametrize(
    "others",
    [
        many("body.{}.x", 3000),
        many("body.{}.rdb1.conv1.weight", 3000),
        many("conv_up{}.weight", 3000),
        {"body.7.rdb1.conv1.weight": torch.zeros(1)},
    ],
    ids=["of no block", "of many blocks", "of many doublings", "of a block that is not the next"],
)
def test_made_up_names_are_not_built(others):
    begun = time.perf_counter()
    assert build(others | esrgan(layout=REAL)) is None
    assert time.perf_counter() - begun < 1


def test_a_damaged_file_is_refused_by_name(tmp_path):
    file = write(tmp_path / "cut.pth", esrgan())
    file.path.write_bytes(file.path.read_bytes()[:2000])
    with pytest.raises(EngineError, match=r'^The upscaler "cut" can\'t be loaded: its file is damaged'):
        read_network(file)
    file.path.unlink()
    with pytest.raises(EngineError, match=r'^The upscaler "cut" can\'t be loaded: '):
        read_network(file)


names = st.sampled_from(
    [
        "conv_first",
        "conv_last",
        "body.0.rdb1.conv1",
        "conv_up1",
        "model.0",
        "model.10",
        "body.0",
        "body.1",
        "x",
    ]
)
shapes = st.lists(st.integers(0, 6), max_size=5).map(tuple)


@given(st.dictionaries(names.map("{}.weight".format), shapes, max_size=6))
@settings(max_examples=150, deadline=None)
def test_any_names_and_shapes_are_a_network_or_none(found):
    network = build({name: torch.zeros(shape) for name, shape in found.items()})
    assert network is None or network.scale >= 1
