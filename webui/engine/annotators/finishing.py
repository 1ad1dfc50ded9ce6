"""What is made of a network's map: normals of depth, strokes of soft edges, steps of greys."""

from __future__ import annotations

import numpy as np
from PIL import Image

from webui.imaging.preprocessors.arrays import grey, shown
from webui.imaging.preprocessors.preprocessor import Options
from webui.imaging.preprocessors.shading import normals_of

STEPS = 2
STROKE, THRESHOLD, ROUND = 3.0, 127, 4
LINES = (
    ((0, 0, 0), (1, 1, 1), (0, 0, 0)), ((0, 1, 0), (0, 1, 0), (0, 1, 0)),
    ((1, 0, 0), (0, 1, 0), (0, 0, 1)), ((0, 0, 1), (0, 1, 0), (1, 0, 0)),
)  # fmt: skip
"""Short lines in four directions."""


def as_it_is(image: Image.Image, _: Options) -> Image.Image:
    """The map itself."""
    return image.convert("RGB")


def normals(depth: Image.Image, options: Options) -> Image.Image:
    """Which way surfaces face; what is further than the first number (0 to 1) counts as flat background."""
    return normals_of(np.maximum(grey(depth) / 255, options.threshold_a))


def stepped(edges: Image.Image, _: Options) -> Image.Image:
    """Soft edges in a few greys, so that nothing of the picture is hidden in faint differences."""
    levels = np.floor(grey(edges) / 255 * (STEPS + 1))
    return shown(np.minimum(levels, STEPS) / STEPS * 255)


def strokes(edges: Image.Image, _: Options) -> Image.Image:
    """Soft edges thinned to their ridges, and those drawn with a pen."""
    from scipy import ndimage

    smooth = ndimage.gaussian_filter(grey(edges), STROKE)
    ridges = np.zeros(smooth.shape, bool)
    for line in LINES:
        ridges |= smooth == ndimage.grey_dilation(smooth, footprint=np.array(line))
    thin = np.where(ridges & (smooth > THRESHOLD), 255.0, 0.0)
    return shown(255.0 * (ndimage.gaussian_filter(thin, STROKE) > ROUND))
