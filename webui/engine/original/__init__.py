"""Checkpoints in one file, in the layout of the first releases of SD 1.x, SD 2.x, SDXL and its refiner."""

from webui.engine.original.alone import vae_alone
from webui.engine.original.configs import configs, configs_of
from webui.engine.original.convert import convert
from webui.engine.original.names import PARTS, part_of
from webui.engine.original.networks import build, fill, renamed, settle

__all__ = [
    "PARTS",
    "build",
    "configs",
    "configs_of",
    "convert",
    "fill",
    "part_of",
    "renamed",
    "settle",
    "vae_alone",
]
