"""What preprocessors do to the finished picture: bring back what of the control image was to stay."""

from __future__ import annotations

import numpy as np
from PIL import Image, ImageFilter

from webui.imaging.lab import from_lab, to_lab
from webui.imaging.preprocessors.arrays import colours, shown
from webui.imaging.preprocessors.preprocessor import Options

GRAIN = 8
"""Variation is told in latents, which are so many pixels wide."""
SHARPENING = 50
"""Percent, for a sharpness of 1."""
BAND = 256
"""Rows that are looked at together."""


def colour_fixed(drawn: Image.Image, control: Image.Image, options: Options) -> Image.Image:
    """`drawn` with the colours of `control`, as far as they change slowly; of its own it keeps the detail.

    A box of `threshold_a` latents on either side is as wide as the Gaussian that parts the two.
    """
    blur = ImageFilter.GaussianBlur(GRAIN * options.threshold_a / 3**0.5)
    shift = colours(control.filter(blur)) - colours(drawn.filter(blur))
    return shown(colours(drawn) + shift)


def colour_fixed_sharply(drawn: Image.Image, control: Image.Image, options: Options) -> Image.Image:
    """The same, sharpened by `threshold_b`."""
    percent = round(SHARPENING * options.threshold_b)
    return colour_fixed(drawn, control, options).filter(ImageFilter.UnsharpMask(2, percent, 0))


def relit(drawn: Image.Image, control: Image.Image, options: Options) -> Image.Image:
    """The colours of `drawn` under the CIE lightness of `control`, to the power of gamma."""
    made = [
        _relit(own, other, options.threshold_a)
        for own, other in zip(_bands(drawn), _bands(control), strict=True)
    ]
    return Image.fromarray(np.concatenate(made))


def intensified(drawn: Image.Image, control: Image.Image, options: Options) -> Image.Image:
    """`drawn` with each pixel's strongest colour as strong as in `control`, to the power of gamma."""
    own = colours(drawn)
    wanted = 255 * (colours(control).max(-1, keepdims=True) / 255) ** options.threshold_a
    return shown(own * wanted / np.maximum(own.max(-1, keepdims=True), 1))


def _relit(own: np.ndarray, other: np.ndarray, gamma: float) -> np.ndarray:
    lab = to_lab(own)
    lab[..., 0] = 100 * np.clip(to_lab(other)[..., 0] / 100, 0, 1) ** gamma
    return from_lab(lab)


def _bands(image: Image.Image) -> list[np.ndarray]:
    """The picture's rows, some at a time: colours of another kind take much memory."""
    return np.array_split(np.asarray(image.convert("RGB")), -(-image.height // BAND))
