"""Canny's edges (J. Canny, "A Computational Approach to Edge Detection", 1986).

Thresholds mean what they mean in OpenCV, as whose output they were trained on: Sobel's 3x3 gradients of 8 bit
pixels, not blurred, |dx| + |dy|, of the colour channel that changes most.
"""

from __future__ import annotations

import numpy as np
from PIL import Image

from webui.imaging.preprocessors.arrays import shown
from webui.imaging.preprocessors.preprocessor import Options

SHARE = 1 << 15
TAN_22 = 13573
"""The tangent of 22.5 degrees, of SHARE; that of 67.5 degrees is 2 more."""


def canny(image: Image.Image, _: Image.Image | None, options: Options) -> Image.Image:
    """White edges, one pixel wide, on black. Thresholds are 1 to 255, in any order."""
    low, high = sorted((options.threshold_a, options.threshold_b))
    return shown(255.0 * edges(np.asarray(image.convert("RGB")), low, high))


def edges(pixels: np.ndarray, low: float, high: float) -> np.ndarray:
    """Where the edges are: those steeper than `high`, and what hangs together with them above `low`.

    `pixels`: bytes, height x width x channels. Booleans, height x width.
    """
    across, down = _gradients(pixels)
    steep = np.abs(across) + np.abs(down)
    ridge = (steep > low) & _ridges(across, down, steep)
    return _connected(ridge, ridge & (steep > high))


def _gradients(pixels: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Across and down, in each place of the channel that changes most."""
    from scipy import ndimage

    across = down = most = np.zeros(pixels.shape[:2], np.int32)
    for number in range(pixels.shape[2]):
        channel = pixels[..., number].astype(np.int32)
        dx, dy = (ndimage.sobel(channel, axis, mode="nearest") for axis in (1, 0))
        steep = np.abs(dx) + np.abs(dy)
        steeper = steep > most
        across, down = np.where(steeper, dx, across), np.where(steeper, dy, down)
        most = np.maximum(most, steep)
    return across, down


def _ridges(across: np.ndarray, down: np.ndarray, steep: np.ndarray) -> np.ndarray:
    """Where the gradient is not less steep than before and behind, in its own direction.

    Of two that are alike the one further left or up is taken, of two on a diagonal neither.
    """
    around = np.pad(steep, 1)

    def beside(rows: int, columns: int) -> np.ndarray:
        height, width = steep.shape
        return around[1 + rows : 1 + rows + height, 1 + columns : 1 + columns + width]

    wide, high = np.abs(across).astype(np.int64), np.abs(down).astype(np.int64) * SHARE
    level, upright = high < wide * TAN_22, high > wide * (TAN_22 + 2 * SHARE)
    along = (steep > beside(0, -1)) & (steep >= beside(0, 1))
    across_rows = (steep > beside(-1, 0)) & (steep >= beside(1, 0))
    falling = (steep > beside(-1, -1)) & (steep > beside(1, 1))
    rising = (steep > beside(-1, 1)) & (steep > beside(1, -1))
    diagonal = np.where((across < 0) == (down < 0), falling, rising)
    return np.where(level, along, np.where(upright, across_rows, diagonal))


def _connected(candidates: np.ndarray, certain: np.ndarray) -> np.ndarray:
    """Those of `candidates` that touch a `certain` one, directly or through others, corners too."""
    from scipy import ndimage

    labels = np.empty(candidates.shape, np.int32)
    ndimage.label(candidates, structure=np.ones((3, 3)), output=labels)
    kept = np.zeros(int(labels.max(initial=0)) + 1, bool)
    kept[labels[certain]] = True
    kept[0] = False
    return kept[labels]
