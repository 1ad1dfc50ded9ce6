"""Views: which part of a picture is seen, in shares of its sides."""

from __future__ import annotations

from typing import NamedTuple


class View(NamedTuple):
    """A part of a picture: (0, 0, 1, 1) is the whole. It may reach beyond the picture's edges."""

    left: float
    top: float
    width: float
    height: float

    @classmethod
    def of(cls, box: tuple[float, float, float, float], size: tuple[int, int]) -> View:
        """The part that `box` (left, top, right, bottom in pixels) is of a picture of `size`."""
        left, top, right, bottom = box
        width, height = size
        return cls(left / width, top / height, (right - left) / width, (bottom - top) / height)

    def part(self, inner: View) -> View:
        """What `inner`, a view of what is seen here, is of the whole picture."""
        return View(
            self.left + inner.left * self.width,
            self.top + inner.top * self.height,
            inner.width * self.width,
            inner.height * self.height,
        )


WHOLE = View(0.0, 0.0, 1.0, 1.0)
