"""Pictures as arrays, and back: what most preprocessors begin and end with."""

from __future__ import annotations

import numpy as np
from PIL import Image


def colours(image: Image.Image) -> np.ndarray:
    """Red, green and blue, 0 to 255 in float32: height x width x 3."""
    return np.asarray(image.convert("RGB"), np.float32)


def grey(image: Image.Image) -> np.ndarray:
    """How light it is (ITU-R BT.601), 0 to 255 in float32: height x width."""
    return np.asarray(image.convert("L"), np.float32)


def shown(values: np.ndarray) -> Image.Image:
    """The picture of values from 0 to 255, height x width or height x width x 3; beyond they are cut off."""
    image = Image.fromarray(np.rint(np.clip(values, 0, 255)).astype(np.uint8))
    return image.convert("RGB")


def stretched(values: np.ndarray, low: float, high: float) -> np.ndarray:
    """`values` with their `low`th percentile at 0 and their `high`th at 1; 0 if all are alike."""
    least, most = np.percentile(values, (low, high))
    if most - least < 1e-6:
        return np.zeros_like(values)
    return np.clip((values - least) / (most - least), 0, 1)
