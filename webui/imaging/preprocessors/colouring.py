"""Colours without shapes, and shapes without colours."""

from __future__ import annotations

import numpy as np
from PIL import Image

from webui.imaging.lab import to_lab
from webui.imaging.preprocessors.arrays import colours, shown
from webui.imaging.preprocessors.preprocessor import Options

CELL = 64
"""Pixels on a side: as T2I-Adapter's colour model was trained."""
BAND = 256
"""Rows that are looked at together."""
STRETCH = 256
"""Pixels between the places where shuffling is settled."""


def gridded(image: Image.Image, _: Image.Image | None, __: Options) -> Image.Image:
    """Squares of CELL pixels, each of one colour."""
    cells = max(1, image.width // CELL), max(1, image.height // CELL)
    return image.resize(cells, Image.Resampling.BICUBIC).resize(image.size, Image.Resampling.NEAREST)


def luminance(image: Image.Image, _: Image.Image | None, options: Options) -> Image.Image:
    """CIE lightness as grey, to the power of gamma."""
    # Band by band: colours of a whole picture, as floats of several kinds, take too much memory.
    bands = np.array_split(np.asarray(image.convert("RGB")), -(-image.height // BAND))
    lightness = np.concatenate([to_lab(band)[..., 0] for band in bands]) / 100
    return shown(255 * np.clip(lightness, 0, 1) ** options.threshold_a)


def intensity(image: Image.Image, _: Image.Image | None, options: Options) -> Image.Image:
    """The strongest of the three colours as grey, to the power of gamma."""
    return shown(255 * (colours(image).max(-1) / 255) ** options.threshold_a)


def shuffled(image: Image.Image, _: Image.Image | None, __: Options) -> Image.Image:
    """The picture drawn out along random smooth curves: its colours and textures, not what it shows.

    The same each time. Made as ControlNet 1.1's training data for shuffle were.
    """
    from scipy import ndimage

    random = np.random.default_rng(0)
    rows = _smooth(random, image.size) * (image.height - 1)
    columns = _smooth(random, image.size) * (image.width - 1)
    bands = [
        ndimage.map_coordinates(np.asarray(band, np.float32), (rows, columns), order=1, mode="nearest")
        for band in image.convert("RGB").split()
    ]
    return shown(np.stack(bands, -1))


def _smooth(random: np.random.Generator, size: tuple[int, int]) -> np.ndarray:
    """Random numbers from 0 to 1, all of that range, that change slowly over `size` (width, height)."""
    coarse = tuple(side // STRETCH + 3 for side in size)
    numbers = Image.fromarray(random.random(coarse[::-1], np.float32))
    # The middle of a larger field: the edges of an enlarged one are flat.
    box = (1.0, 1.0, 1 + max(1.0, size[0] / STRETCH), 1 + max(1.0, size[1] / STRETCH))
    field = np.asarray(numbers.resize(size, Image.Resampling.BICUBIC, box))
    least, most = float(field.min()), float(field.max())
    return (field - least) / max(most - least, 1e-6)
