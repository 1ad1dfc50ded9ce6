"""FreeU: diffusers' numbers inside, nothing left of it afterwards."""

import pytest
import torch

from tests.engine.networks import demo_unet, noise, run, state
from webui.engine import storage
from webui.engine.freeu import FreeU
from webui.engine.stepcache import StepCache

WEIGHTS = {"b1": 1.3, "b2": 1.4, "s1": 0.9, "s2": 0.2}


@pytest.fixture(scope="module")
def unet():
    return demo_unet()


@pytest.fixture(scope="module")
def expected():
    """What diffusers gives with FreeU on."""
    twin = demo_unet()
    twin.enable_freeu(**WEIGHTS)
    return run(twin)


def test_it_is_diffusers(unet, expected):
    assert not torch.allclose(run(unet), expected, atol=0.01)
    with FreeU(unet, **WEIGHTS):
        assert torch.equal(run(unet), expected)


def test_the_weights_come_in_this_order(unet, expected):
    with FreeU(unet, 1.3, 1.4, 0.9, 0.2):
        assert torch.equal(run(unet), expected)


def test_ones_change_rounding_only(unet):
    with FreeU(unet, 1, 1, 1, 1):
        torch.testing.assert_close(run(unet), plain := run(unet))
    torch.testing.assert_close(run(unet), plain, rtol=0, atol=1e-4)


@pytest.mark.parametrize("zero", WEIGHTS)
def test_zero_is_a_weight_like_others(unet, zero):
    """diffusers would take it for "off"."""
    plain = run(unet)
    with FreeU(unet, **{**WEIGHTS, zero: 0}):
        none = run(unet)
    with FreeU(unet, **{**WEIGHTS, zero: 1e-5}):
        little = run(unet)
    torch.testing.assert_close(none, little, rtol=0, atol=0.02)
    assert (none - plain).abs().mean() > 10 * (none - little).abs().mean()


def test_nothing_is_left_of_it(unet):
    before, plain = state(unet), run(unet)
    with FreeU(unet, **WEIGHTS):
        assert state(unet) != before
    assert state(unet) == before
    assert torch.equal(run(unet), plain)


def test_nor_after_an_exception(unet):
    before = state(unet)
    with pytest.raises(RuntimeError), FreeU(unet, **WEIGHTS):
        run(unet, latents=noise(2, 3, 16, 16))
    assert state(unet) == before


def test_one_that_was_on_comes_back(unet, expected):
    with FreeU(unet, **WEIGHTS):
        with FreeU(unet, 1, 1, 0.5, 0.5):
            assert not torch.equal(run(unet), expected)
        assert torch.equal(run(unet), expected)


@pytest.mark.parametrize("cache_first", [True, False])
def test_with_a_step_cache(unet, expected, cache_first):
    adapters = [StepCache(unet, 3), FreeU(unet, **WEIGHTS)]
    cache = adapters[0]
    first, second = adapters if cache_first else adapters[::-1]
    before = state(unet)
    with first, second:
        for _ in range(4):
            cache.next_step()
            assert torch.equal(run(unet), expected)
    assert state(unet) == before


@pytest.mark.parametrize(("height", "width"), [(20, 12), (17, 9)])
def test_sizes_that_are_no_powers_of_two(unet, height, width):
    with FreeU(unet, **WEIGHTS):
        out = run(unet, height=height, width=width)
    assert torch.isfinite(out).all()
    assert not torch.allclose(out, run(unet, height=height, width=width), atol=0.01)


def test_however_the_weights_are_held():
    unet = demo_unet().to(memory_format=torch.channels_last)
    storage.store_fp8(unet)
    storage.stream(unet, torch.device("cpu"))
    plain = run(unet)
    with FreeU(unet, **WEIGHTS):
        assert not torch.allclose(run(unet), plain, atol=0.01)
    assert torch.equal(run(unet), plain)
