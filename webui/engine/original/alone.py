"""A VAE in a file of its own."""

from __future__ import annotations

from pathlib import Path

from torch import nn

from webui.engine.original.configs import configs
from webui.engine.original.convert import convert
from webui.engine.original.names import part_of
from webui.engine.original.networks import build, fill
from webui.engine.weights import WeightsError, load


def vae_alone(file: Path, family: str = "sd1") -> nn.Module:
    """The VAE in a file, in the original layout (with or without its prefix there) or in diffusers'.

    `family`: that of the checkpoint it is used with, one of PARTS. A VAE's file doesn't tell how its latents
    are to be scaled, and SDXL's are scaled otherwise than SD 1.x's.

    Raises:
        WeightsError: the file is damaged or holds no VAE.
    """
    weights = {name: weight for name, weight in load(file).items() if part_of(name, family) == "vae"}
    if not weights:
        raise WeightsError("its file holds no VAE")
    config = configs(family, {name: tuple(weight.shape) for name, weight in weights.items()})["vae"]
    return fill(build("vae", config), convert("vae", family, weights, config), "vae")
