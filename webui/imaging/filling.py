"""What is masked, filled with the colours around it."""

from __future__ import annotations

import numpy as np
from PIL import Image

Pixels = np.ndarray
"""Floats, height x width x channels."""


def filled(image: Image.Image, mask: Image.Image) -> Image.Image:
    """`image` (RGB) with what is white in `mask` filled from around it: smooth, and without what was there.

    Where the mask is grey the two are mixed; where it is black nothing changes. If all is masked the fill is
    the picture's mean colour.

    Push-pull of Gortler et al., "The Lumigraph" (1996), 3.3: colours and weights are halved until every pixel
    has a colour, and on the way back each gap is filled from the level above.
    """
    colours = np.asarray(image.convert("RGB"), np.float32)
    weights = 1 - np.asarray(mask, np.float32)[..., None] / 255
    if not weights.any():
        colours, weights = np.broadcast_to(colours.mean((0, 1)), colours.shape), np.ones_like(weights)
    seen = (weights >= 1).astype(np.float32)  # what shows through half is no colour to go by
    known = seen if seen.any() else weights
    fill = _filled(np.where(known > 0, colours, 0) * known, known)
    mixed = colours * weights + fill * (1 - weights)
    return Image.fromarray(np.clip(np.rint(mixed), 0, 255).astype(np.uint8))


def _filled(weighted: Pixels, weights: Pixels) -> Pixels:
    """Colours for every pixel, of colours times `weights`."""
    if weights.all() or weights.size == 1:
        return weighted / np.maximum(weights, 1e-6)
    height, width, _ = weights.shape
    coarse = _filled(*_balanced(_halved(weighted), _halved(weights)))
    above = _doubled(coarse, height, width)
    return weighted + above * (1 - np.minimum(weights, 1))


def _balanced(weighted: Pixels, weights: Pixels) -> tuple[Pixels, Pixels]:
    """With weights of up to 1: a pixel that is half seen is as good as one that is whole."""
    capped = np.minimum(weights, 1)
    return weighted * (capped / np.maximum(weights, 1e-6)), capped


def _halved(pixels: Pixels) -> Pixels:
    """The sums of squares of four; what is missing at an odd edge counts nothing."""
    height, width, _ = pixels.shape
    even = np.pad(pixels, ((0, height % 2), (0, width % 2), (0, 0)))
    return even[::2, ::2] + even[1::2, ::2] + even[::2, 1::2] + even[1::2, 1::2]


def _doubled(pixels: Pixels, height: int, width: int) -> Pixels:
    """Twice as wide and high, smoothly, cut to `height` x `width`."""
    size = (2 * pixels.shape[1], 2 * pixels.shape[0])
    bands = [Image.fromarray(np.ascontiguousarray(band)) for band in np.moveaxis(pixels, -1, 0)]
    wide = [np.asarray(band.resize(size, Image.Resampling.BILINEAR)) for band in bands]
    return np.stack(wide, -1)[:height, :width]
