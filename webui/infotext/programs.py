"""Which program wrote a text, as far as it tells."""

from __future__ import annotations

import re
from collections.abc import Mapping

DARKROOM = "Darkroom"
A1111 = "AUTOMATIC1111"
CIVITAI = "CivitAI"
COMFYUI = "ComfyUI"
FOOOCUS = "Fooocus"
INVOKEAI = "InvokeAI"
NOVELAI = "NovelAI"
SD_NEXT = "SD.Next"

NOISE_ON_CPU = (DARKROOM, COMFYUI, FOOOCUS, INVOKEAI)
"""Programs that draw their noise on the CPU unless they say otherwise. All others use the GPU."""

VERSIONS = (
    (re.compile(r"Darkroom\b"), DARKROOM),
    (re.compile(r"Fooocus"), FOOOCUS),
    (re.compile(r"ComfyUI"), COMFYUI),
    (re.compile(r"neo|\d.*-neo"), "Forge Neo"),
    (re.compile(r"classic"), "Forge Classic"),
    (re.compile(r"f\d"), "Forge"),
)
"""How the version begins, and whose it is. A1111's is v1.10.1."""


def program_of(pairs: Mapping[str, str]) -> str:
    """The name of the program that wrote these pairs: A1111 where they don't tell; "" if there are none."""
    if not pairs:
        return ""
    told = {key.lower(): value for key, value in pairs.items()}
    if "SD.Next" in told.get("app", ""):
        return SD_NEXT
    version = told.get("version", "")
    if any(key.startswith("civitai ") for key in told) and not version.startswith("v"):
        return CIVITAI
    return next((name for pattern, name in VERSIONS if pattern.match(version)), A1111)
