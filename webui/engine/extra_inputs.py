"""What a UNet of more than the usual inputs is given beside the latents: to inpaint, or to be instructed."""

from __future__ import annotations

from typing import Any, cast

import torch
from torch import Tensor

from webui.engine.decoding import Decoder
from webui.engine.model import Model


def is_instructed(model: Model) -> bool:
    """Whether its UNet takes a picture's latents: instruct-pix2pix."""
    return 0 < model.extra_channels <= model.latent_channels


def is_inpainting(model: Model) -> bool:
    """Whether its UNet takes a mask and the latents of the picture around it."""
    return model.extra_channels > model.latent_channels


def of_latents(model: Model, latents: Tensor) -> Tensor:
    """What an instructed UNet takes of a picture whose latents are given: these as the VAE has them."""
    config = cast(Any, model.vae.config)
    return (latents / config.scaling_factor + (config.shift_factor or 0.0))[:, : model.extra_channels]


def without_picture(model: Model, decoder: Decoder, height: int, width: int) -> Tensor | None:
    """What it is given where there is no picture, of a size in latents; None if it takes nothing.

    To one that inpaints, all of a grey picture is masked; one that is instructed sees nothing.
    """
    device = model.placement.device
    if is_inpainting(model):
        pixels = (1, 3, height * model.scale, width * model.scale)
        grey = decoder.encode(torch.zeros(pixels, device=device))
        return torch.cat([torch.ones_like(grey[:, :1]), grey], 1)
    if is_instructed(model):
        return torch.zeros(1, model.extra_channels, height, width, device=device)
    return None
