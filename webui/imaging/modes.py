"""Pictures of every kind of pixels, as 8 bit RGB or RGBA."""

from __future__ import annotations

import numpy as np
from PIL import Image

SIXTEEN_BITS = 65_535
SCALED = ((np.arange(SIXTEEN_BITS + 1) * 255 + SIXTEEN_BITS // 2) // SIXTEEN_BITS).astype(np.uint8)
"""What each grey of 16 bits is in 8."""
MOST = 1e30
"""Floats beyond it are taken for it, so that the span of all can be told."""
UPRIGHT = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
"""What undoes each of EXIF's orientations."""


def upright(image: Image.Image, orientation: int) -> Image.Image:
    """`image` turned as EXIF's `orientation` asks for, 1 to 8; as it is for any other number."""
    turn = UPRIGHT.get(orientation)
    return image if turn is None else image.transpose(turn)


def plain(image: Image.Image) -> Image.Image:
    """`image` as RGB, or as RGBA if any of it is transparent; greys of more than 8 bits scaled down.

    Raises:
        ValueError: its pixels are of a kind that can't be turned into RGB.
    """
    image.load()
    if image.mode.startswith("I") or image.mode == "F":
        image = Image.fromarray(_eight_bits(image))
    made = image.convert("RGBA" if image.has_transparency_data else "RGB")
    if made.mode == "RGBA" and _opaque(made):
        made = made.convert("RGB")
    made.info = {}
    return made


def _opaque(image: Image.Image) -> bool:
    return image.getchannel("A").getextrema() == (255, 255)


def _eight_bits(image: Image.Image) -> np.ndarray:
    """Greys from 0 to 255: of 16 bits by what these can hold, of 32 bits and floats by what is there."""
    greys = np.asarray(image)
    if image.mode.startswith("I;16"):
        return SCALED[greys]
    greys = np.clip(np.nan_to_num(greys.astype(np.float32)), -MOST, MOST)
    low, high = min(0.0, float(greys.min())), float(greys.max())
    top = next((top for top in _tops(image.mode) if high <= top), high)
    scaled = (greys - low) * (255 / max(top - low, 1e-9))
    return np.clip(np.rint(scaled), 0, 255).astype(np.uint8)


def _tops(mode: str) -> tuple[float, ...]:
    """What the lightest grey may be: as programs write floats, or whole numbers."""
    return (1.0, 255.0) if mode == "F" else (255.0, SIXTEEN_BITS)
