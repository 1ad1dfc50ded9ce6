"""Decoding: in tiles where memory runs out, in 32 bits where 16 give no numbers."""

from contextlib import contextmanager

import numpy as np
import pytest
import torch
from PIL import Image

from webui.engine.decoding import Decoder
from webui.engine.protocol import EngineError

LATENTS = torch.zeros(1, 4, 16, 16)


class Lender:
    """Lends the demo model's VAE and notes in which number format; `spoil` may change what it gives."""

    def __init__(self, vae, monkeypatch):
        self.asked: list[torch.dtype] = []
        self.tiled: list[bool] = []
        self.spoil = lambda picture: picture
        self.vae = vae
        plain = vae.decode

        def decode(latents, **options):
            self.tiled.append(vae.use_tiling)
            return (self.spoil(plain(latents.float(), **options)[0]),)

        monkeypatch.setattr(vae, "decode", decode)
        plain_encode = vae.encode

        def encode(pixels):
            self.tiled.append(vae.use_tiling)
            found = plain_encode(pixels.float())
            found.latent_dist.mean = self.spoil(found.latent_dist.mean)
            return found

        monkeypatch.setattr(vae, "encode", encode)

    def __call__(self, dtype):
        @contextmanager
        def lend():
            self.asked.append(dtype)
            yield self.vae

        return lend()


@pytest.fixture
def lender(model, monkeypatch):
    before = model.vae.use_tiling
    yield Lender(model.vae, monkeypatch)
    model.vae.use_tiling = before


def decoder(lender, tiled=False):
    return Decoder(lender, torch.float16, lambda: tiled)


def nan(picture):
    return picture * float("nan")


@torch.inference_mode()
def test_a_vae_that_gives_no_numbers_runs_in_32_bits_from_then_on(lender):
    told, decode = [], decoder(lender)
    spoils = iter([nan])
    lender.spoil = lambda picture: next(spoils, lambda same: same)(picture)
    decode.decode(LATENTS, told.append)
    decode.decode(LATENTS, told.append)
    assert lender.asked == [torch.float16, torch.float32, torch.float32]
    assert len(told) == 1
    assert "32 bits" in told[0]


@torch.inference_mode()
def test_a_vae_that_never_gives_numbers_is_named(lender):
    lender.spoil = nan
    with pytest.raises(EngineError, match="Choose another SD VAE"):
        decoder(lender).decode(LATENTS)


@torch.inference_mode()
def test_latents_that_are_no_numbers_are_not_the_vaes_fault(lender):
    decode = decoder(lender)
    with pytest.raises(EngineError, match="precision to fp32"):
        decode.decode(nan(LATENTS))
    decode.decode(LATENTS)
    assert lender.asked == [torch.float16]


@torch.inference_mode()
def test_where_memory_runs_out_it_goes_on_in_tiles_and_says_so(lender):
    told = []
    runs = iter([True])

    def run_out(picture):
        if next(runs, False):
            raise MemoryError
        return picture

    lender.spoil = run_out
    image = decoder(lender).decode(LATENTS, told.append)
    assert lender.tiled == [False, True]
    assert "in tiles" in told[0]
    assert np.asarray(image).shape == (128, 128, 3)


@torch.inference_mode()
@pytest.mark.parametrize("tiled", [True, False])
def test_tiles_are_taken_where_they_are_asked_for(lender, tiled):
    decoder(lender, tiled).decode(LATENTS)
    assert lender.tiled == [tiled]


# The other way

PIXELS = torch.linspace(-1, 1, 64).expand(1, 3, 64, 64)


@torch.inference_mode()
def test_encoding_goes_on_in_32_bits_where_16_give_no_numbers(lender):
    told, code = [], decoder(lender)
    spoils = iter([nan])
    lender.spoil = lambda latents: next(spoils, lambda same: same)(latents)
    assert torch.isfinite(code.encode(PIXELS, told.append)).all()
    code.decode(LATENTS, told.append)
    assert lender.asked == [torch.float16, torch.float32, torch.float32]
    assert len(told) == 1


@torch.inference_mode()
def test_encoding_goes_on_in_tiles_where_memory_runs_out(lender):
    told, runs = [], iter([True])

    def run_out(latents):
        if next(runs, False):
            raise MemoryError
        return latents

    lender.spoil = run_out
    assert decoder(lender).encode(PIXELS, told.append).shape == (1, 4, 8, 8)
    assert lender.tiled == [False, True]
    assert told == ["Memory ran out while the picture was encoded, so that it was encoded in tiles."]


@torch.inference_mode()
def test_a_vae_that_encodes_no_numbers_is_named(lender):
    lender.spoil = nan
    with pytest.raises(EngineError, match="Choose another SD VAE"):
        decoder(lender).encode(PIXELS)


@torch.inference_mode()
def test_encoding_leaves_nothing_to_chance_and_decoding_comes_back(lender):
    code = decoder(lender)
    image = Image.fromarray(np.asarray(PIXELS[0].permute(1, 2, 0).add(1).mul(127.5), np.uint8))
    latents = code.encode_picture(image)
    assert torch.equal(latents, code.encode_picture(image))
    assert abs(np.asarray(code.decode(latents)).astype(int) - np.asarray(image).astype(int)).mean() < 8


@torch.inference_mode()
def test_seamless_pictures_are_encoded_so(lender):
    """Shifted by a latent's width, a pattern has the same latents, shifted: its edges are no edges."""
    code = decoder(lender)
    shifted = PIXELS.roll(8 * 4, -1)
    seam = code.encode(PIXELS, seamless=True).roll(4, -1) - code.encode(shifted, seamless=True)
    hard = code.encode(PIXELS).roll(4, -1) - code.encode(shifted)
    assert float(seam.abs().max()) < 0.1 * float(hard.abs().max())
