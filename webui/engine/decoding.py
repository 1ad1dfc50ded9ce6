"""Latents -> pictures and back, with whatever VAE is chosen, in a number format that holds."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import Any, cast

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

    def encode(self, pixels: Tensor) -> Tensor:
        """Latents, as the UNet knows them, of pictures (batch, 3, height, width) in [-1, 1]."""
        latents = self._encoded(pixels)
        if not torch.isfinite(latents).all() and self._dtype != torch.float32:
            self._dtype = torch.float32
            latents = self._encoded(pixels)
        return latents

    def _encoded(self, pixels: Tensor) -> Tensor:
        with self._lend(self._dtype) as vae:
            vae.use_tiling = self._tiled()
            known = cast(Any, vae.encode(pixels.to(vae.dtype))).latent_dist.mode().float()
            return normalized(vae, known)

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
        rgb = self._in_time(latents, tell, seamless)
        if not torch.isfinite(rgb).all() and self._dtype != torch.float32:
            tell("The VAE gave numbers that are none (NaN) in 16 bits, so that it now runs in 32 bits.")
            self._dtype = torch.float32
            rgb = self._in_time(latents, tell, seamless)
        if not torch.isfinite(rgb).all():
            raise EngineError("The VAE gave numbers that are none (NaN). Choose another SD VAE.")
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

    def _in_time(self, latents: Tensor, tell: Callable[[str], None], seamless: bool) -> Tensor:
        try:
            return self._decoded(latents, seamless, tiled=None)
        except Exception as error:
            if not is_out_of_memory(error):
                raise
        tell("Memory ran out while the picture was decoded, so that it was decoded in tiles.")
        return self._decoded(latents, seamless, tiled=True)

    def _decoded(self, latents: Tensor, seamless: bool, tiled: bool | None) -> Tensor:
        """RGB of shape (3, height, width) in [-1, 1]."""
        with self._lend(self._dtype) as vae, Tiling(vae) if seamless else nullcontext():
            config = cast(Any, vae.config)
            vae.use_tiling = self._tiled() if tiled is None else tiled
            unscaled = latents / config.scaling_factor + (config.shift_factor or 0.0)
            return vae.decode(unscaled.to(vae.dtype), return_dict=False)[0][0].float()


def _nobody(_: str) -> None:
    pass
