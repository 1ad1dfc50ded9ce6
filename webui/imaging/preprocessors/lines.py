"""Lines and soft edges by filters alone."""

from __future__ import annotations

import numpy as np
from PIL import Image, ImageOps

from webui.imaging.preprocessors.arrays import colours, grey, shown, stretched
from webui.imaging.preprocessors.preprocessor import Options

LINE_SIGMA = 6.0
FAINT, LEAST_CONTRAST, DARK = 8, 16, 127
"""Of a drawing's contrast: what is no line, how little it is taken to be, and what a usual line becomes."""
XDOG_SIGMAS = 0.5, 5.0
EDGE_SIGMA = 1.0
WHITEST = 99.0
"""The percentile of edges that is white."""


def inverted(image: Image.Image, _: Image.Image | None, __: Options) -> Image.Image:
    """Black for white: what ControlNets want of drawings on paper."""
    return ImageOps.invert(image.convert("RGB"))


def thresholded(image: Image.Image, _: Image.Image | None, options: Options) -> Image.Image:
    """White where it is lighter than the threshold, black elsewhere."""
    return shown(255.0 * (grey(image) > options.threshold_a))


def drawing(image: Image.Image, _: Image.Image | None, __: Options) -> Image.Image:
    """White lines on black, of dark lines on white: what is darker than around it in every colour."""
    pixels = colours(image)
    darker = (_blurred(pixels, LINE_SIGMA) - pixels).min(-1).clip(0, 255)
    lines = darker[darker > FAINT]
    contrast = max(LEAST_CONTRAST, float(np.median(lines)) if lines.size else 0.0)
    return shown(darker / contrast * DARK)


def scribbled(image: Image.Image, _: Image.Image | None, options: Options) -> Image.Image:
    """White strokes on black; a higher threshold leaves fewer.

    The difference of two Gaussians, cut at a threshold: the first step of XDoG (Winnemöller et al. 2012).
    """
    pixels = colours(image)
    narrow, wide = (_blurred(pixels, sigma) for sigma in XDOG_SIGMAS)
    return shown(255.0 * (2 * (wide - narrow).min(-1) > options.threshold_a))


def softened(image: Image.Image, _: Image.Image | None, __: Options) -> Image.Image:
    """White edges on black, the lighter the steeper: Sobel's gradients of a slightly blurred picture."""
    from scipy import ndimage

    pixels = _blurred(colours(image), EDGE_SIGMA)
    across, down = (ndimage.sobel(pixels, axis, mode="nearest") for axis in (1, 0))
    steep = np.hypot(across, down).max(-1)
    # What is less than a step of 1 in 255 is rounding.
    return shown(255 * stretched(np.where(steep > 4, steep, 0), 0, WHITEST))


def _blurred(pixels: np.ndarray, sigma: float) -> np.ndarray:
    from scipy import ndimage

    return ndimage.gaussian_filter(pixels, (sigma, sigma, 0), mode="reflect")
