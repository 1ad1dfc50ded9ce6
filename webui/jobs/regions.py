"""The masks of regional prompts, opened when their job's turn comes."""

from __future__ import annotations

from collections.abc import Callable

from PIL import Image

from webui.jobs.pictures import Source, refused
from webui.params import GenerationParams

MOST = 2048
"""Pixels on a side: more would only take memory, since what is drawn are latents."""

Find = Callable[[str], Source]
"""Finds a picture of the job's owner by name."""


def region_masks(params: GenerationParams, find: Find) -> tuple[Image.Image | None, ...]:
    """For each region its mask, L, or None where it is a rectangle; none at all where all are.

    Raises:
        InvalidParamsError: one is gone, or can't be read.
    """
    masks = tuple(_opened(number, region.mask, find) for number, region in enumerate(params.regions, 1))
    return masks if any(masks) else ()


def _opened(number: int, name: str, find: Find) -> Image.Image | None:
    if not name:
        return None
    with refused("regions", f"Region {number}: "):
        mask = find(name).read_mask()
    mask.thumbnail((MOST, MOST), Image.Resampling.BOX)
    return mask
