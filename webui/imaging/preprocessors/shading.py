"""Depth and normals guessed from light and dark: baselines for those who have no depth model.

Under light from all sides what lies deeper gets less of it (Langer and Zucker, "Shape-from-shading on a
cloudy day", 1994). A dark jacket counts as a hole, so that a network's map is always to be preferred.
"""

from __future__ import annotations

import numpy as np
from PIL import Image

from webui.imaging.preprocessors.arrays import grey, shown, stretched
from webui.imaging.preprocessors.preprocessor import Options

RADIUS = 1 / 40
"""How far around a pixel is looked, of the shorter side."""
FLAT = 0.02
"""The variance of light below which a part counts as one surface."""
RELIEF = 0.35
"""How far the nearest is before the furthest, of the shorter side."""


def depth(image: Image.Image, _: Image.Image | None, __: Options) -> Image.Image:
    """Light is near, dark is far."""
    return shown(255 * _heights(image))


def normals(image: Image.Image, _: Image.Image | None, __: Options) -> Image.Image:
    """Which way surfaces face, as ControlNet 1.1 wants it: red to the left, green up, blue to the viewer."""
    from scipy import ndimage

    return normals_of(ndimage.gaussian_filter(_heights(image), min(image.size) * RADIUS / 4))


def normals_of(heights: np.ndarray) -> Image.Image:
    """The same of heights, 0 for the furthest to 1 for the nearest."""
    heights = heights * (RELIEF * min(heights.shape))
    down, across = (_slope(heights, axis) for axis in (0, 1))
    facing = np.stack([across, down, np.ones_like(heights)], -1)
    facing /= np.linalg.norm(facing, axis=-1, keepdims=True)
    return shown(127.5 * (facing + 1))


def _slope(heights: np.ndarray, axis: int) -> np.ndarray:
    """How much is risen along `axis` in each place, for each pixel."""
    return np.gradient(heights, axis=axis) if heights.shape[axis] > 1 else np.zeros_like(heights)


def _heights(image: Image.Image) -> np.ndarray:
    """0 for the furthest to 1 for the nearest, without texture but with the edges of what is shown.

    The guided filter of He et al. (2010), the picture its own guide.
    """
    from scipy import ndimage

    light = grey(image) / 255
    size = 2 * max(1, round(min(image.size) * RADIUS)) + 1
    mean = ndimage.uniform_filter(light, size)
    variance = np.maximum(ndimage.uniform_filter(light * light, size) - mean * mean, 0)
    own = variance / (variance + FLAT)
    weight, offset = ndimage.uniform_filter(own, size), ndimage.uniform_filter(mean * (1 - own), size)
    return stretched(weight * light + offset, 1, 99)
