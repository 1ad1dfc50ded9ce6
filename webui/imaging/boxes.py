"""Boxes: parts of a picture, in pixels."""

from __future__ import annotations

from typing import NamedTuple


class Box(NamedTuple):
    """A part of a picture, as Pillow has it: `right` and `bottom` are the first pixels beyond."""

    left: int
    top: int
    right: int
    bottom: int

    @property
    def width(self) -> int:
        """In pixels."""
        return self.right - self.left

    @property
    def height(self) -> int:
        """In pixels."""
        return self.bottom - self.top

    @property
    def size(self) -> tuple[int, int]:
        """Width and height."""
        return self.width, self.height

    def scaled(self, factor: int) -> Box:
        """The same part of a picture that is `factor` times as wide and high."""
        return Box(*(factor * edge for edge in self))
