"""A large picture as overlapping tiles, and put together again."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import groupby

import numpy as np
from PIL import Image

from webui.imaging.boxes import Box

Size = tuple[int, int]


def tiles(size: Size, tile: Size, overlap: int) -> list[Box]:
    """Boxes of `tile` (width, height), evenly spread, that cover a picture of `size` row by row.

    Neighbours share `overlap` pixels or more. A tile is cut where the picture is smaller.

    Raises:
        ValueError: the overlap leaves nothing of a tile.
    """
    if not 0 <= overlap < min(tile):
        raise ValueError(f"tiles of {tile[0]}x{tile[1]} can't overlap by {overlap}")
    columns, rows = (_stretches(*sides, overlap) for sides in zip(size, tile, strict=True))
    return [Box(left, top, right, bottom) for top, bottom in rows for left, right in columns]


def _stretches(length: int, tile: int, overlap: int) -> list[tuple[int, int]]:
    """Where tiles begin and end along one side."""
    tile = min(tile, length)
    more = -(-(length - tile) // max(1, tile - overlap))
    starts = [round(number * (length - tile) / more) for number in range(more + 1)] if more else [0]
    return [(start, start + tile) for start in starts]


def joined(size: Size, pieces: Iterable[tuple[Box, Image.Image]]) -> Image.Image:
    """A picture of `size` from what was made of its tiles, in the order of `tiles`, each of its box's size.

    Where tiles overlap one passes into the next, linearly: pixels where all agree stay as they are.
    """
    whole: Image.Image | None = None
    bottom = 0
    for top, row in groupby(pieces, key=lambda piece: piece[0].top):
        strip = _strip(size[0], row)
        whole = whole or Image.new(strip.mode, size)
        seam = Image.fromarray(_ramp(bottom - top, strip.height)[:, None].repeat(strip.width, 1))
        whole.paste(strip, (0, top), seam)
        bottom = top + strip.height
    if whole is None:
        raise ValueError("there are no tiles")
    return whole


def _strip(width: int, row: Iterable[tuple[Box, Image.Image]]) -> Image.Image:
    """One row of tiles as a picture of its own."""
    strip: Image.Image | None = None
    right = 0
    for box, image in row:
        strip = strip or Image.new(image.mode, (width, box.height))
        seam = Image.fromarray(_ramp(right - box.left, box.width)[None, :].repeat(box.height, 0))
        strip.paste(image, (box.left, 0), seam)
        right = box.right
    assert strip is not None  # groups have something in them
    return strip


def _ramp(shared: int, length: int) -> np.ndarray:
    """How much of a tile shows along one side, 0 to 255: less where it shares pixels with the one before."""
    at = (np.arange(length, dtype=np.float32) + 0.5) / max(shared, 1)
    return np.rint(255 * np.minimum(at, 1)).astype(np.uint8) if shared > 0 else np.full(length, 255, np.uint8)
