"""Previews: near enough to the picture, made once for a VAE, and never a burden."""

import io
from types import SimpleNamespace

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from PIL import Image
from safetensors.torch import load_file

from tests.loading import decode
from webui.engine import previews
from webui.engine.previews import (
    PreviewBudget,
    PreviewDecoder,
    jpegs,
    load_or_fit,
    made_up_pictures,
    normalized,
)


@pytest.fixture(scope="module")
def fitted(model):
    with torch.inference_mode():
        return previews.fit(model.vae, model.scale)


@pytest.fixture
def small_fits(monkeypatch):
    """A fit from few pictures, where only the file it is kept in matters."""
    monkeypatch.setattr(previews, "SAMPLES", 2)


def same(a: PreviewDecoder, b: PreviewDecoder) -> bool:
    return torch.equal(a.weight, b.weight) and torch.equal(a.bias, b.bias)


def random_decoder(block: int) -> PreviewDecoder:
    generator = torch.Generator().manual_seed(0)
    weight = torch.randn(3 * block**2, 4, 3, 3, generator=generator) * 0.02
    return PreviewDecoder(weight, torch.randn(3 * block**2, generator=generator) * 0.02)


@torch.inference_mode()
def test_shows_what_the_vae_decodes(fitted, model):
    """Pictures that the fit has not seen, through the VAE's encoder: preview and decoding are alike."""
    unseen = made_up_pictures(4, 128, seed=1)
    latents = normalized(model.vae, model.vae.encode(unseen).latent_dist.mode())
    shown = fitted(latents).numpy().astype(int)
    decoded = np.stack([np.asarray(decode(model, row)) for row in latents.split(1)]).astype(int)
    assert shown.shape == decoded.shape == (4, 128, 128, 3)
    difference, contrast = abs(shown - decoded), abs(decoded - decoded.mean((1, 2), keepdims=True))
    assert difference.mean() < 13  # of 255; measured: 10
    assert difference.mean() < contrast.mean() / 3


@pytest.mark.parametrize("block", [8, 4, 2])
def test_coarser_is_the_average_of_each_four_pixels(block):
    decoder = random_decoder(block)
    latents = torch.randn(2, 4, 6, 5, generator=torch.Generator().manual_seed(1))
    fine, coarse = (
        decoder(latents).permute(0, 3, 1, 2).float(),
        decoder.coarser()(latents).permute(0, 3, 1, 2),
    )
    assert fine.min() > 0  # nothing was clamped, which would hide a difference
    assert fine.max() < 255
    assert decoder.coarser().block == block // 2
    # Both are rounded down to whole levels, before and after averaging.
    difference = coarse.float() - F.avg_pool2d(fine, 2)
    assert difference.abs().max() < 1
    assert difference.mean().abs() < 0.1
    assert coarse.float().std() > 5


@pytest.mark.parametrize(
    ("height", "width", "block"),
    [(16, 16, 8), (32, 32, 8), (33, 8, 4), (8, 64, 4), (128, 128, 2), (1024, 1024, 1)],
)
def test_previews_get_no_wider_than_they_need_to_be(height, width, block):
    decoder = random_decoder(8)
    assert decoder.fitting(torch.zeros(1, 4, height, width)).block == block
    if height * width < 2000:
        shown = decoder.fitting(torch.zeros(1, 4, height, width))(torch.zeros(1, 4, height, width))
        assert shown.shape == (1, height * block, width * block, 3)


def test_jpegs():
    pictures = torch.zeros(2, 16, 24, 3, dtype=torch.uint8)
    pictures[1] = 200
    images = [Image.open(io.BytesIO(file)) for file in jpegs(pictures)]
    assert [(image.format, image.size) for image in images] == [("JPEG", (24, 16))] * 2
    assert [round(float(np.asarray(image).mean())) for image in images] == [0, 200]


def test_made_up_pictures_are_the_same_everywhere_and_all_different():
    pictures = made_up_pictures(3, 32)
    assert torch.equal(pictures, made_up_pictures(3, 32))
    assert pictures.shape == (3, 3, 32, 32)
    assert -1 <= float(pictures.min()) < float(pictures.max()) <= 1
    assert not torch.equal(pictures[0], pictures[1])


# Kept on disk


@torch.inference_mode()
def test_is_fitted_once_and_kept(model, tmp_path, small_fits, monkeypatch):
    file = tmp_path / "cache" / "previews" / "vae.safetensors"
    first = load_or_fit(model.vae, model.scale, file)
    assert torch.equal(load_file(file)["weight"], first.weight)
    assert [path.name for path in file.parent.iterdir()] == ["vae.safetensors"]
    monkeypatch.setattr(previews, "fit", None)  # it can't be fitted again
    assert same(load_or_fit(model.vae, model.scale, file), first)


@pytest.mark.parametrize("content", [b"", b"cut off", b"\x02\x00\x00\x00\x00\x00\x00\x00{}"])
@torch.inference_mode()
def test_a_damaged_file_is_replaced(model, tmp_path, small_fits, content):
    file = tmp_path / "vae.safetensors"
    file.write_bytes(content)
    decoder = load_or_fit(model.vae, model.scale, file)
    assert torch.equal(load_file(file)["weight"], decoder.weight)


@torch.inference_mode()
def test_does_without_a_folder_it_cannot_make(model, tmp_path, small_fits):
    (tmp_path / "cache").write_text("in the way")
    decoder = load_or_fit(model.vae, model.scale, tmp_path / "cache" / "previews" / "vae.safetensors")
    assert decoder.block == 8


@torch.inference_mode()
def test_does_without_a_file_it_cannot_write(model, tmp_path, small_fits):
    (tmp_path / "vae.part").mkdir()  # as on a full disk, it is safetensors that fails
    assert load_or_fit(model.vae, model.scale, tmp_path / "vae.safetensors").block == 8
    assert not (tmp_path / "vae.safetensors").exists()


# The budget, on a clock of our own


@pytest.fixture
def clock(monkeypatch):
    clock = SimpleNamespace(now=100.0)
    monkeypatch.setattr(previews, "time", SimpleNamespace(perf_counter=lambda: clock.now))
    return clock


@pytest.mark.parametrize(("step", "cost"), [(0.5, 0.002), (0.05, 0.004), (0.01, 0.03)])
def test_the_budget_keeps_its_share(clock, step, cost):
    budget, shown = PreviewBudget(), 0
    for _ in range(2000):
        clock.now += step
        if budget.allows():
            clock.now += cost
            budget.spend(cost)
            shown += 1
    share = shown * cost / (clock.now - 100)
    assert share <= previews.SHARE + cost / (clock.now - 100)
    assert shown == 2000 or share > previews.SHARE * 0.9  # what may be spent is spent


def test_the_first_preview_always_fits(clock):
    budget = PreviewBudget()
    assert budget.allows()
    budget.spend(1.0)
    assert not budget.allows()
    clock.now += 49
    assert not budget.allows()
    clock.now += 2
    assert budget.allows()
