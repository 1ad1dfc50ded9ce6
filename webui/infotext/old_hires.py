"""Hires fix as A1111 told it before January 2023: the size is the final one, beside it the first pass's."""

from __future__ import annotations

import math
from collections.abc import Mapping

from webui.infotext.key import size

FIRST, SIZE, RESIZE = "First pass size", "Size", "Hires resize"
USUAL = 512 * 512
"""Pixels of a first pass that is told as 0x0."""
GRAIN = 64


def converted(pairs: Mapping[str, str]) -> dict[str, str]:
    """The pairs as A1111 writes them since: the first pass's size as the picture's, the final one as resized.

    They stay as they are where nothing tells of a first pass, or its sizes are none.
    """
    if FIRST not in pairs or RESIZE in pairs:
        return dict(pairs)
    try:
        first, (width, height) = size(pairs[FIRST]), size(pairs.get(SIZE, "512x512"))
    except ValueError:
        return dict(pairs)
    if width < 1 or height < 1:
        return dict(pairs)
    if not all(first):
        scale = math.sqrt(USUAL / (width * height))
        first = math.ceil(scale * width / GRAIN) * GRAIN, math.ceil(scale * height / GRAIN) * GRAIN
    others = {key: value for key, value in pairs.items() if key != FIRST}
    return {**others, SIZE: f"{first[0]}x{first[1]}", RESIZE: f"{width}x{height}"}
