"""What becomes of a script's cells, gathered for their grids."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from PIL import Image

from webui.infotext.pairs import quote
from webui.scripts.grid import MAX_SIDE, Content, compose
from webui.scripts.plan import Layout, Place, ScriptPlan


class Gathering:
    """Files and sentences by place: pictures themselves aren't kept, they may be thousands."""

    def __init__(self, planned: ScriptPlan) -> None:
        self._layout = planned.layout
        self._facts = planned.facts
        self._contents: dict[Place, Content] = {}
        self._largest = (0, 0)

    def picture(self, place: Place, file: Path | None, size: tuple[int, int]) -> None:
        """A cell has a picture; of several the first is shown."""
        if self._contents.setdefault(place, file) == file:
            self._largest = max(self._largest[0], size[0]), max(self._largest[1], size[1])

    def failure(self, place: Place, sentence: str) -> None:
        """A cell could not be drawn; one that has a picture shows that."""
        self._contents.setdefault(place, sentence)

    def grids(self, max_side: int | None) -> Iterator[Image.Image]:
        """The grid of all, and those of the layers where they are wanted; none without a single picture."""
        if self._layout is None or not all(self._largest):
            return
        yield self._grid(self._layout, None, max_side)
        for layer in range(len(self._layout.layers)) if self._layout.sub_grids else ():
            yield self._grid(self._layout, layer, max_side)

    def _grid(self, layout: Layout, layer: int | None, max_side: int | None) -> Image.Image:
        side = min(MAX_SIDE, max_side or MAX_SIDE)
        return compose(layout, self._largest, self._contents.get, layer=layer, max_side=side)

    def infotext(self, first: str) -> str:
        """The grid's, from that of the first picture."""
        return ", ".join((first, *(f"{key}: {quote(value)}" for key, value in self._facts)))
