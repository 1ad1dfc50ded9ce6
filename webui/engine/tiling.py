"""Pictures whose edges meet: what leaves a convolution's window on the right comes in again on the left."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import torch
from diffusers.models.autoencoders.autoencoder_kl import AutoencoderKL
from diffusers.models.autoencoders.vae import DecoderOutput
from diffusers.models.downsampling import Downsample2D
from torch import Tensor, nn
from torch.nn import functional as F

from webui.engine.adapter import Adapter


class Tiling(Adapter):
    """`with Tiling(unet, vae):` all convolutions pad with the picture's other side, as A1111's Tiling does.

    It tells layers how to pad and leaves their forwards alone, so that whatever else is wrapped around those
    (fp8 storage, group offload) works as ever; layers added inside the `with` are not told.

    A VAE that works in tiles can't see the other side from within one. There the picture is continued by one
    overlap beyond its right and lower edge, and the surplus is faded into the left and upper: the seam is
    then what the borders between tiles are.
    """

    def __init__(self, *networks: nn.Module) -> None:
        super().__init__()
        self._networks = networks

    def _change(self) -> None:
        for network in self._networks:
            for module in network.modules():
                self._change_layer(module)
            if isinstance(network, AutoencoderKL):
                decode, encode = network.tiled_decode, network._tiled_encode  # pyright: ignore[reportPrivateUsage]
                self._set(
                    network,
                    tiled_decode=partial(self._decode, network, decode),
                    _tiled_encode=partial(self._encode, network, encode),
                )

    def _change_layer(self, module: nn.Module) -> None:
        if isinstance(module, nn.Conv2d):
            self._set(module, padding_mode="circular")
        elif isinstance(module, Downsample2D) and module.padding == 0 and isinstance(module.conv, nn.Conv2d):
            # A VAE's encoder pads by itself before it calls these.
            self._hook(module.conv.register_forward_pre_hook(_padded_anew))

    def _decode(
        self, vae: AutoencoderKL, run: Callable[..., Any], latents: Tensor, return_dict: bool = True
    ) -> DecoderOutput | tuple[Tensor]:
        overlap = int(vae.tile_latent_min_size * vae.tile_overlap_factor)
        rgb = self._in_tiles(lambda wider: run(wider, return_dict=False)[0], latents, overlap)
        return DecoderOutput(rgb) if return_dict else (rgb,)

    def _encode(self, vae: AutoencoderKL, run: Callable[[Tensor], Tensor], pixels: Tensor) -> Tensor:
        overlap = int(vae.tile_sample_min_size * vae.tile_overlap_factor)
        return self._in_tiles(run, pixels, overlap)

    def _in_tiles(self, run: Callable[[Tensor], Tensor], x: Tensor, overlap: int) -> Tensor:
        height, width = x.shape[-2:]
        down, right = min(overlap, height), min(overlap, width)
        self.eject()  # within a tile nothing is to meet
        try:
            wider = run(F.pad(x, (0, right, 0, down), mode="circular"))
        finally:
            self.inject()
        scale = wider.shape[-1] / (width + right)
        folded = _folded(wider, round(width * scale))
        return _folded(folded.transpose(-1, -2), round(height * scale)).transpose(-1, -2)


def _padded_anew(_: nn.Module, inputs: tuple[Tensor]) -> Tensor:
    """What was padded with zeros on the right and below, padded with what is on the left and above."""
    return F.pad(inputs[0][..., :-1, :-1], (0, 1, 0, 1), mode="circular")


def _folded(x: Tensor, width: int) -> Tensor:
    """The first `width` columns, into the left of which the surplus fades, as diffusers fades its tiles."""
    surplus = x.shape[-1] - width
    share = torch.arange(surplus, device=x.device, dtype=x.dtype) / max(surplus, 1)
    seam = x[..., width:] * (1 - share) + x[..., :surplus] * share
    return torch.cat([seam, x[..., surplus:width]], -1)
