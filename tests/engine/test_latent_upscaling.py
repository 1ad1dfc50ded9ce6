"""Latents enlarged as they are."""

import pytest
import torch
from torch.nn.functional import interpolate

from webui.catalog.upscalers import LATENT
from webui.engine.latent_upscaling import MODES, enlarged, enlarges_latents


@pytest.fixture
def latents():
    return torch.randn(2, 4, 9, 6, generator=torch.Generator().manual_seed(1))


@pytest.mark.parametrize(
    ("name", "mode", "antialias"),
    [
        ("Latent", "bilinear", False),
        ("Latent (antialiased)", "bilinear", True),
        ("Latent (bicubic)", "bicubic", False),
        ("Latent (bicubic antialiased)", "bicubic", True),
        ("Latent (nearest)", "nearest", False),
        ("Latent (nearest-exact)", "nearest-exact", False),
    ],
)
@pytest.mark.parametrize("size", [(13, 17), (5, 4), (6, 9)])
def test_each_mode_is_torchs(latents, name, mode, antialias, size):
    made = enlarged(latents, name, *size)
    assert made.shape == (2, 4, size[1], size[0])
    assert made.equal(interpolate(latents, size=(size[1], size[0]), mode=mode, antialias=antialias))


def test_those_that_the_page_offers_are_those_there_are():
    assert tuple(MODES) == LATENT
    assert not enlarges_latents("Lanczos")
