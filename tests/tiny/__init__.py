"""Tiny checkpoints with random weights, in the layouts that people have.

`write_sd1`, `write_sd2`, `write_sdxl`, `write_sdxl_refiner` and `write_vae` write one file in the original
layout: safetensors, or, if its name ends with .ckpt or .pt, a pickle. `write_folder` writes a folder in
diffusers' format. All return the networks whose weights they have written, as diffusers' modules. A file
takes 7 to 13 MB in fp32.
"""

from tests.tiny.files import (
    save,
    weights_of,
    write_sd1,
    write_sd2,
    write_sdxl,
    write_sdxl_refiner,
    write_vae,
)
from tests.tiny.folders import write_folder, write_tokenizer
from tests.tiny.networks import Networks, make, make_vae

__all__ = [
    "Networks",
    "make",
    "make_vae",
    "save",
    "weights_of",
    "write_folder",
    "write_sd1",
    "write_sd2",
    "write_sdxl",
    "write_sdxl_refiner",
    "write_tokenizer",
    "write_vae",
]
