"""Tiling: pictures that can be moved across their own edges, and networks that are as before."""

import pytest
import torch
from diffusers import DDIMScheduler
from torch import nn

from tests.engine.networks import demo_unet, demo_vae, noise, run, state
from webui.config import BUILT_IN_CHECKPOINTS, DEMO
from webui.engine import storage
from webui.engine.tiling import Tiling

STEPS = 3


@pytest.fixture(scope="module")
def unet():
    return demo_unet()


@pytest.fixture(scope="module")
def vae():
    return demo_vae()


@pytest.fixture(autouse=True)
def inference_mode():
    with torch.inference_mode():
        yield


def moved(x, down, right):
    return x.roll((down, right), (2, 3))


def decoded(vae, latents):
    return vae.decode(latents, return_dict=False)[0]


def encoded(vae, pixels):
    return vae.encode(pixels).latent_dist.mode()


def drawn(unet, vae, latents):
    """Pictures in a few steps, shape (batch, 3, height, width)."""
    scheduler = DDIMScheduler.from_pretrained(BUILT_IN_CHECKPOINTS / DEMO / "scheduler")
    scheduler.set_timesteps(STEPS)
    text = torch.zeros(len(latents), 77, unet.config.cross_attention_dim)
    for timestep in scheduler.timesteps:
        out = unet(latents, timestep, encoder_hidden_states=text, return_dict=False)[0]
        latents = scheduler.step(out, timestep, latents, return_dict=False)[0]
    return decoded(vae, latents)


def seams(pictures):
    """How large the jump across the edges is, against that between neighbours: left-right, top-bottom."""
    return [jump(pictures), jump(pictures.transpose(-1, -2))]


def jump(pictures):
    across = (pictures[..., 0] - pictures[..., -1]).abs().mean()
    return float(across / pictures.diff(dim=-1).abs().mean())


@pytest.mark.parametrize(("size", "stride"), [(3, 1), (3, 2), (5, 1), (1, 1)])
def test_a_convolution_knows_no_edges(size, stride):
    conv = nn.Conv2d(2, 3, size, stride=stride, padding=size // 2)
    x = noise(1, 2, 8, 12)
    with Tiling(conv):
        plain, shifted = conv(x), conv(moved(x, 4, 6))
    assert torch.equal(shifted, moved(plain, 4 // stride, 6 // stride))
    if size > 1:
        assert not torch.equal(conv(moved(x, 4, 6)), moved(conv(x), 4 // stride, 6 // stride))


@pytest.mark.parametrize(("height", "width"), [(16, 16), (8, 12)])
def test_moved_noise_gives_the_moved_picture(unet, vae, height, width):
    latents = noise(1, 4, height, width)
    with Tiling(unet, vae):
        picture, other = drawn(unet, vae, latents), drawn(unet, vae, moved(latents, 8, 4))
    torch.testing.assert_close(other, moved(picture, 64, 32), rtol=0, atol=1e-3)


def test_without_it_that_is_another_picture(unet, vae):
    latents = noise(1, 4, 16, 16)
    picture, other = drawn(unet, vae, latents), drawn(unet, vae, moved(latents, 8, 4))
    assert (other - moved(picture, 64, 32)).abs().mean() > 0.1


def test_the_edges_of_a_picture_continue_each_other(unet, vae):
    latents = noise(3, 4, 16, 16)
    with Tiling(unet, vae):
        picture = drawn(unet, vae, latents)
    assert max(seams(picture)) < 1.8
    with Tiling(unet):
        half = drawn(unet, vae, latents)
    assert min(seams(half)) > 3 * max(seams(picture))


def test_the_encoder_knows_no_edges(vae):
    picture = noise(1, 3, 64, 96)
    with Tiling(vae):
        latents = encoded(vae, picture)
        torch.testing.assert_close(encoded(vae, moved(picture, 24, 40)), moved(latents, 3, 5))
    assert (encoded(vae, moved(picture, 24, 40)) - moved(encoded(vae, picture), 3, 5)).abs().max() > 0.1


@pytest.fixture
def tiled_vae(vae):
    """Works in tiles of 64 pixels."""
    before = dict(vars(vae))
    storage.tile(vae, 64)
    vae.use_tiling = True
    yield vae
    vars(vae).update(before)


@pytest.mark.parametrize(("height", "width"), [(24, 32), (9, 21), (4, 20)])
def test_a_vae_in_tiles_gives_edges_that_meet(tiled_vae, height, width):
    latents = noise(2, 4, height, width)
    plain = decoded(tiled_vae, latents)
    with Tiling(tiled_vae):
        picture = decoded(tiled_vae, latents)
        back = encoded(tiled_vae, picture)
    assert picture.shape == plain.shape == (2, 3, height * 8, width * 8)
    assert back.shape == latents.shape
    assert max(seams(picture)) < 2 < min(seams(plain))


def test_in_tiles_the_middle_of_the_picture_is_as_ever(tiled_vae):
    latents = noise(1, 4, 24, 32)
    plain = decoded(tiled_vae, latents)
    with Tiling(tiled_vae):
        picture = decoded(tiled_vae, latents)
    assert torch.equal(picture[..., 16:128, 16:176], plain[..., 16:128, 16:176])


def test_in_tiles_it_returns_what_is_asked_for(tiled_vae):
    latents = noise(1, 4, 9, 9)
    with Tiling(tiled_vae):
        expected = decoded(tiled_vae, latents)
        assert torch.equal(tiled_vae.decode(latents).sample, expected)
        assert torch.equal(tiled_vae.tiled_decode(latents, return_dict=False)[0], expected)


def test_the_networks_are_left_as_they_were(unet, tiled_vae):
    before, plain = state(unet, tiled_vae), run(unet)
    latents = noise(1, 4, 12, 12)
    picture = decoded(tiled_vae, latents)
    with Tiling(unet, tiled_vae):
        assert not torch.equal(run(unet), plain)
        decoded(tiled_vae, latents)
    assert state(unet, tiled_vae) == before
    assert torch.equal(run(unet), plain)
    assert torch.equal(decoded(tiled_vae, latents), picture)


def test_they_are_left_so_after_an_exception_too(unet, tiled_vae):
    before = state(unet, tiled_vae)
    with pytest.raises(RuntimeError), Tiling(unet, tiled_vae):
        decoded(tiled_vae, noise(1, 3, 12, 12))  # a channel is missing
    assert state(unet, tiled_vae) == before


@pytest.mark.parametrize("way", ["fp8", "streamed", "channels last", "all"])
def test_however_the_weights_are_held(way):
    unet = demo_unet()
    if way in ("channels last", "all"):
        unet.to(memory_format=torch.channels_last)
    if way in ("fp8", "all"):
        storage.store_fp8(unet)
    if way in ("streamed", "all"):
        storage.stream(unet, torch.device("cpu"))
    plain, latents = run(unet), noise(2, 4, 16, 16)
    with Tiling(unet):
        torch.testing.assert_close(
            run(unet, latents=moved(latents, 4, 8)), moved(run(unet, latents=latents), 4, 8)
        )
    assert torch.equal(run(unet), plain)
