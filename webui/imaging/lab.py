"""Colours as eyes see them: CIE L*a*b* (1976) under daylight, D65, of 8 bit sRGB (IEC 61966-2-1)."""

from __future__ import annotations

import numpy as np

TO_XYZ = np.array(
    [[0.4124564, 0.3575761, 0.1804375], [0.2126729, 0.7151522, 0.0721750], [0.0193339, 0.1191920, 0.9503041]],
    np.float32,
)
FROM_XYZ = np.linalg.inv(TO_XYZ.astype(np.float64)).astype(np.float32)
WHITE = TO_XYZ.sum(1)
CUBE, LINE = 6 / 29, 4 / 29
"""Below CUBE the cube root is replaced by a line."""


def _linear(values: np.ndarray) -> np.ndarray:
    return np.where(values <= 0.04045, values / 12.92, ((values + 0.055) / 1.055) ** 2.4).astype(np.float32)


LINEAR = _linear(np.arange(256) / 255)
"""Light of each value that a byte can have."""


def to_lab(rgb: np.ndarray) -> np.ndarray:
    """Lightness 0 to 100, a and b about -128 to 127, of bytes with red, green and blue last."""
    light = LINEAR[rgb] @ TO_XYZ.T / WHITE
    rooted = np.where(light > CUBE**3, np.cbrt(light), light / (3 * CUBE**2) + LINE)
    x, y, z = np.moveaxis(rooted, -1, 0)
    return np.stack([116 * y - 16, 500 * (x - y), 200 * (y - z)], -1).astype(np.float32)


def from_lab(lab: np.ndarray) -> np.ndarray:
    """The bytes of such colours; those that no screen can show become the nearest in each channel."""
    lightness, a, b = np.moveaxis(lab, -1, 0)
    middle = (lightness + 16) / 116
    rooted = np.stack([middle + a / 500, middle, middle - b / 200], -1)
    light = np.where(rooted > CUBE, rooted**3, 3 * CUBE**2 * (rooted - LINE)) * WHITE
    linear = np.clip(light @ FROM_XYZ.T, 0, 1)
    values = np.where(linear <= 0.0031308, 12.92 * linear, 1.055 * linear ** (1 / 2.4) - 0.055)
    return np.rint(255 * np.clip(values, 0, 1)).astype(np.uint8)
