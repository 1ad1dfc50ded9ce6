"""Latents -> pictures and back, with whatever VAE is chosen, in a number format that holds."""

from __future__ import annotations

from collections.abc import Callable, Generator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from functools import partial
from pathlib import Path
from typing import Any, cast

import numpy as np
import torch
from diffusers.models.autoencoders.autoencoder_kl import AutoencoderKL
from PIL import Image
from torch import Tensor

from webui.engine import previews
from webui.engine.devices import is_out_of_memory
from webui.engine.previews import PreviewDecoder, normalized
from webui.engine.protocol import EngineError
from webui.engine.tiling import Tiling

Lend = Callable[[torch.dtype], AbstractContextManager[AutoencoderKL]]
"""Has the VAE in a number format, on its device, for a block."""


class Decoder:
    """One VAE at work. `tiled` tells whether to work in tiles, which needs less memory."""

    def __init__(self, lend: Lend, dtype: torch.dtype, tiled: Callable[[], bool]) -> None:
        self._lend = lend
        self._dtype = dtype
        self._tiled = tiled

    def encode(
        self, pixels: Tensor, notice: Callable[[str], None] | None = None, *, seamless: bool = False
    ) -> Tensor:
        """Latents, as the UNet knows them, of pictures (batch, 3, height, width) in [-1, 1].

        What the VAE holds most likely, without chance. `seamless`: the pictures' edges meet. Where numbers or
        memory fail it goes on as `decode` does.

        Raises:
            EngineError: the latents are no numbers (NaN), in 32 bits either.
        """
        tell = notice or _nobody
        latents = self._in_time(partial(self._encoded, pixels, seamless), "encoded", tell)
        if self._worsened(latents, tell):
            latents = self._in_time(partial(self._encoded, pixels, seamless), "encoded", tell)
        return _numbers(latents)

    def encode_picture(
        self, image: Image.Image, notice: Callable[[str], None] | None = None, *, seamless: bool = False
    ) -> Tensor:
        """The same for a picture, RGB, whose sides are multiples of what a latent is wide."""
        return self.encode(pixels_of(image), notice, seamless=seamless)

    def decode(
        self, latents: Tensor, notice: Callable[[str], None] | None = None, *, seamless: bool = False
    ) -> Image.Image:
        """The picture that latents of shape (1, channels, height, width) stand for.

        `seamless`: its edges are to meet. Where the VAE gives numbers that are none, it goes on in 32 bits;
        where memory runs out, in tiles.

        Raises:
            EngineError: the latents are no numbers (NaN), or the picture isn't in 32 bits either.
        """
        if not torch.isfinite(latents).all():
            raise EngineError(
                "The model gave numbers that are none (NaN). Set the precision to fp32 in the Settings tab."
            )
        tell = notice or _nobody
        rgb = self._in_time(partial(self._decoded, latents, seamless), "decoded", tell)
        if self._worsened(rgb, tell):
            rgb = self._in_time(partial(self._decoded, latents, seamless), "decoded", tell)
        _numbers(rgb)
        pixels = rgb.permute(1, 2, 0).add(1).mul(127.5).round().clamp(0, 255).to(torch.uint8)
        return Image.fromarray(pixels.cpu().numpy())

    def fit_preview(self, kept: Path) -> PreviewDecoder:
        """The preview decoder of this VAE: kept in a file, or fitted, not in fp16: some give NaN."""
        with self._lend(self._dtype) as vae:
            device, scale = vae.device, 2 ** (len(cast(Any, vae.config).block_out_channels) - 1)
        if decoder := previews.kept_in(kept, device):
            return decoder
        dtype = torch.float32 if self._dtype == torch.float16 else self._dtype
        with self._lend(dtype) as vae:
            return previews.load_or_fit(vae, scale, kept)

    def _worsened(self, made: Tensor, tell: Callable[[str], None]) -> bool:
        """Whether `made` has numbers that are none, and it is worth trying again in 32 bits from now on."""
        if self._dtype == torch.float32 or torch.isfinite(made).all():
            return False
        tell("The VAE gave numbers that are none (NaN) in 16 bits, so that it now runs in 32 bits.")
        self._dtype = torch.float32
        return True

    def _in_time(
        self, run: Callable[[bool | None], Tensor], done: str, tell: Callable[[str], None]
    ) -> Tensor:
        """What `run` gives, in tiles (True) if memory runs out otherwise."""
        try:
            return run(None)
        except Exception as error:
            if not is_out_of_memory(error):
                raise
        tell(f"Memory ran out while the picture was {done}, so that it was {done} in tiles.")
        return run(True)

    def _encoded(self, pixels: Tensor, seamless: bool, tiled: bool | None) -> Tensor:
        with self._at_work(seamless, tiled) as vae:
            given = pixels.to(vae.device, vae.dtype)
            return normalized(vae, cast(Any, vae.encode(given)).latent_dist.mode().float())

    def _decoded(self, latents: Tensor, seamless: bool, tiled: bool | None) -> Tensor:
        """RGB of shape (3, height, width) in [-1, 1]."""
        with self._at_work(seamless, tiled) as vae:
            config = cast(Any, vae.config)
            unscaled = latents / config.scaling_factor + (config.shift_factor or 0.0)
            return vae.decode(unscaled.to(vae.dtype), return_dict=False)[0][0].float()

    @contextmanager
    def _at_work(self, seamless: bool, tiled: bool | None) -> Generator[AutoencoderKL]:
        with self._lend(self._dtype) as vae, Tiling(vae) if seamless else nullcontext():
            vae.use_tiling = self._tiled() if tiled is None else tiled
            yield vae


def pixels_of(image: Image.Image, device: torch.device | None = None) -> Tensor:
    """`image` as a VAE takes it: shape (1, 3, height, width), in [-1, 1], grey being 0."""
    pixels = torch.from_numpy(np.asarray(image.convert("RGB"), np.float32)).to(device)
    return pixels.permute(2, 0, 1)[None].contiguous() / 127.5 - 1


def _numbers(made: Tensor) -> Tensor:
    if torch.isfinite(made).all():
        return made
    raise EngineError("The VAE gave numbers that are none (NaN). Choose another SD VAE.")


def _nobody(_: str) -> None:
    pass
