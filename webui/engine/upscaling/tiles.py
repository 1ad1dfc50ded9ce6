"""A picture enlarged by a network piece by piece, and the pieces joined without seams.

Neighbours share twice the overlap. In the middle half of what they share one fades into the other, so that
nothing comes from a piece's outermost pixels, around which it couldn't see. Networks that look no further
than half the overlap give the same whole and in tiles.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from itertools import groupby
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from webui.imaging.boxes import Box
from webui.imaging.tiles import Size, tiles

SMALLEST = 64
"""Pixels on a side of a tile, at least."""

Pixels = NDArray[np.floating[Any]]
"""(height, width, 3), in [0, 255]."""


@dataclass(frozen=True)
class Cutting:
    """How pictures are cut: into tiles of `side` pixels, at least SMALLEST; 0: not at all.

    Neighbours share twice the overlap, but no more than half of themselves.
    """

    side: int
    overlap: int

    def boxes(self, size: Size) -> list[Box]:
        """The tiles of a picture of `size`, row by row."""
        if not self.side:
            return [Box(0, 0, *size)]
        side = max(self.side, SMALLEST)
        return tiles(size, (side, side), 2 * min(self.overlap, side // 4))

    def smaller(self, size: Size) -> Cutting | None:
        """Tiles of half the side, for a picture of `size`; None: they are as small as they may be."""
        side = min(self.side or max(size), max(size))
        return None if side <= SMALLEST else Cutting(max(side // 2, SMALLEST), self.overlap)


def enlarged(
    image: Image.Image,
    scale: int,
    cutting: Cutting,
    enlarge: Callable[[Image.Image], Pixels],
    tell: Callable[[int], None],
) -> Image.Image:
    """`image` (RGB) `scale` times as large, made by `enlarge` from its tiles.

    `tell` hears how many tiles are done, before each and after the last; what it raises ends the work.
    """
    boxes = cutting.boxes(image.size)
    canvas = np.empty((image.height * scale, image.width * scale, 3), np.uint8)

    def pieces() -> Iterator[tuple[Box, Pixels]]:
        for number, box in enumerate(boxes):
            tell(number)
            yield box.scaled(scale), enlarge(image.crop(box))

    _join(pieces(), canvas)
    tell(len(boxes))
    return Image.fromarray(canvas)


def _join(pieces: Iterable[tuple[Box, Pixels]], canvas: NDArray[np.uint8]) -> None:
    """Put the pieces onto the canvas, each row of them first made one. Only a row is held in floats."""
    bottom = 0
    for top, row in groupby(pieces, key=lambda piece: piece[0].top):
        strip: Pixels = np.empty((0, 0, 3), np.float32)
        right = 0
        for box, piece in row:
            if not strip.size:
                strip = np.empty((box.height, canvas.shape[1], 3), np.float32)
            _fade(strip.swapaxes(0, 1), piece.swapaxes(0, 1), box.left, right)
            right = box.right
        _fade(canvas, strip, top, bottom)
        bottom = top + len(strip)


def _fade(onto: Pixels | NDArray[np.uint8], piece: Pixels, start: int, covered: int) -> None:
    """Put `piece` at `start` of the first axis of `onto`, of which all before `covered` is there."""
    shared = max(0, covered - start)
    weight = _ramp(shared)[:, None, None]
    mixed = onto[start : start + shared] * (1 - weight) + piece[:shared] * weight
    whole = np.concatenate([mixed, piece[shared:]])
    onto[start : start + len(piece)] = whole.round() if onto.dtype == np.uint8 else whole


def _ramp(length: int) -> Pixels:
    """0 for a quarter of `length`, then up to 1, which it is for the last quarter."""
    places = (np.arange(length, dtype=np.float32) + 0.5) / max(length, 1)
    return np.clip(places * 2 - 0.5, 0, 1)
