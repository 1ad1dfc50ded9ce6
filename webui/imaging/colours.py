"""Colours brought back to those of another picture."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
from PIL import Image

from webui.imaging.lab import from_lab, to_lab

LOOKED_AT = 2**20
"""Pixels: larger pictures are judged by a smaller copy."""
AT_ONCE = 2**20
LEVELS = np.arange(-128.0, 129.0, 0.5, dtype=np.float32)


def corrected(image: Image.Image, like: Image.Image) -> Image.Image:
    """`image` (RGB) with the colours of `like`, and its own lightness.

    What A1111's color correction comes to: the distributions of a and b in L*a*b* are made those of `like`,
    each for itself, by matching their histograms; lightness stays that of the picture.
    """
    source, wanted = _sample(image), _sample(like)
    curves = [_matching(source[:, channel], wanted[:, channel]) for channel in (1, 2)]
    pixels = np.asarray(image.convert("RGB"))
    made = np.empty_like(pixels)
    rows = max(1, AT_ONCE // image.width)
    for start, end in pairwise([*range(0, image.height, rows), image.height]):
        lab = to_lab(pixels[start:end])
        for channel, curve in enumerate(curves, 1):
            lab[..., channel] = np.interp(lab[..., channel], LEVELS, curve)
        made[start:end] = from_lab(lab)
    return Image.fromarray(made)


def _sample(image: Image.Image) -> np.ndarray:
    """The picture's colours in L*a*b*, as rows."""
    small = reduced(image.convert("RGB"), LOOKED_AT)
    return to_lab(np.asarray(small).reshape(-1, 3))


def reduced(image: Image.Image, pixels: int) -> Image.Image:
    """`image` with about `pixels` pixels at most, of its own proportions."""
    scale = (pixels / (image.width * image.height)) ** 0.5
    if scale >= 1:
        return image
    size = max(1, round(image.width * scale)), max(1, round(image.height * scale))
    return image.resize(size, Image.Resampling.BOX)


def _matching(source: np.ndarray, wanted: np.ndarray) -> np.ndarray:
    """What each of LEVELS becomes, so that `source` is distributed as `wanted` (histogram specification)."""
    source, wanted = np.sort(source), np.sort(wanted)
    # The middle of equal values' ranks: a single colour has a single place.
    below = np.searchsorted(source, LEVELS, "left")
    rank = (below + np.searchsorted(source, LEVELS, "right")) / (2 * len(source))
    return np.interp(rank, (np.arange(len(wanted)) + 0.5) / len(wanted), wanted).astype(np.float32)
