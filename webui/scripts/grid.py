"""Grids: the pictures of a script laid out with their legends, as large as is sensible."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from PIL import Image, ImageDraw

from webui.scripts.fonts import Fonts
from webui.scripts.legend import Written, write
from webui.scripts.plan import Label, Layout, Place

MAX_PIXELS = 89_000_000
"""Larger pictures make Pillow, and so most tools that read a picture's parameters, warn of a bomb."""
MAX_SIDE = 32_767
"""Beyond it browsers show nothing."""
PAPER, EMPTY = (255, 255, 255), (238, 238, 238)

Content = Path | str | None
"""A cell's picture, or why there is none, or nothing."""


@dataclass(frozen=True)
class Sheet:
    """Measures of one layer, in pixels: its cells, the room for legends at the left and above, the gap.

    `scale`: how much smaller than drawn pictures are pasted.
    """

    width: int
    height: int
    columns: int
    rows: int
    left: int
    above: int
    gap: int
    scale: float

    @property
    def size(self) -> tuple[int, int]:
        """Width and height of the whole layer."""
        across = self.columns * (self.width + self.gap) - self.gap
        down = self.rows * (self.height + self.gap) - self.gap
        return self.left + across, self.above + down

    def corner(self, column: int, row: int) -> tuple[int, int]:
        """Where a cell begins."""
        return self.left + column * (self.width + self.gap), self.above + row * (self.height + self.gap)


def compose(
    layout: Layout,
    cell: tuple[int, int],
    content: Callable[[Place], Content],
    *,
    layer: int | None = None,
    max_side: int = MAX_SIDE,
) -> Image.Image:
    """The grid of all layers side by side, or of one.

    `cell`: width and height of the largest picture. A grid of more than MAX_PIXELS, or wider or higher than
    `max_side`, is made of smaller cells.
    """
    fonts = Fonts()
    layers = range(len(layout.layers)) if layer is None else (layer,)
    sheet, titles = _measured(layout, cell, len(layers), max_side)
    wide, high = sheet.size
    gap = max(sheet.gap, _letters(sheet) if len(layers) > 1 else 0)
    grid = Image.new("RGB", (len(layers) * (wide + gap) - gap, titles + high), PAPER)
    for at, number in enumerate(layers):
        left = at * (wide + gap)
        if titles:
            labels = layout.layers[number]
            title = write(labels, _letters(sheet) * 5 // 4, wide, titles, fonts, len(layers))
            title.draw(ImageDraw.Draw(grid), (left + wide // 2, titles // 2))
        grid.paste(_layer(layout, sheet, number, content, fonts), (left, titles))
    return grid


def _measured(layout: Layout, cell: tuple[int, int], layers: int, max_side: int) -> tuple[Sheet, int]:
    """The largest sheet that fits, and the height of the titles above it."""
    scale = 1.0
    while True:
        sheet = _sheet(layout, cell, scale)
        titles = _letters(sheet) * 3 if any(layout.layers) and layers > 1 else 0
        wide, high = sheet.size
        wide, high = layers * (wide + max(sheet.gap, _letters(sheet))), high + titles
        excess = max(math.sqrt(wide * high / MAX_PIXELS), wide / max_side, high / max_side)
        if excess <= 1 or (sheet.width, sheet.height) == (1, 1):
            return sheet, titles
        scale /= excess * 1.01


def _sheet(layout: Layout, cell: tuple[int, int], scale: float) -> Sheet:
    width, height = (max(1, int(side * scale)) for side in cell)
    size = _letter_size(width, height)
    lines = max(map(len, layout.columns), default=0)
    above = max(size * 3, round(size * 1.35) * (lines + 1)) if lines else 0
    left = max(width * 3 // 4, size * 5) if any(layout.rows) else 0
    gap = int(layout.margin * scale)
    return Sheet(width, height, len(layout.columns), len(layout.rows), left, above, gap, scale)


def _letters(sheet: Sheet) -> int:
    return _letter_size(sheet.width, sheet.height)


def _letter_size(width: int, height: int) -> int:
    return max(12, (width + height) // 28)


def _layer(
    layout: Layout, sheet: Sheet, layer: int, content: Callable[[Place], Content], fonts: Fonts
) -> Image.Image:
    picture = Image.new("RGB", sheet.size, PAPER)
    canvas = ImageDraw.Draw(picture)
    for centre, written in _legends(layout, sheet, fonts):
        written.draw(canvas, centre)
    for row in range(sheet.rows):
        for column in range(sheet.columns):
            corner = sheet.corner(column, row)
            picture.paste(_cell(sheet, content((column, row, layer)), fonts), corner)
    return picture


def _legends(layout: Layout, sheet: Sheet, fonts: Fonts) -> Iterator[tuple[tuple[int, int], Written]]:
    """What is written above the columns and left of the rows, with the middle of its place."""
    size, pad = _letters(sheet), max(1, _letters(sheet) // 3)
    among = sheet.columns + sheet.rows
    for column, labels in enumerate(layout.columns if sheet.above else ()):
        x, _ = sheet.corner(column, 0)
        written = write(labels, size, sheet.width - 2 * pad, sheet.above - pad, fonts, among)
        yield (x + sheet.width // 2, sheet.above // 2), written
    for row, labels in enumerate(layout.rows if sheet.left else ()):
        _, y = sheet.corner(0, row)
        written = write(labels, size, sheet.left - 2 * pad, sheet.height, fonts, among)
        yield (sheet.left // 2, y + sheet.height // 2), written


def _cell(sheet: Sheet, content: Content, fonts: Fonts) -> Image.Image:
    """One cell: its picture in the middle, or a sentence, or nothing."""
    cell = Image.new("RGB", (sheet.width, sheet.height), EMPTY)
    if isinstance(content, Path) and (picture := _picture(content, sheet)):
        free = (sheet.width - picture.width) // 2, (sheet.height - picture.height) // 2
        # Around a smaller picture the paper shows; an empty cell is told from it.
        cell.paste(PAPER, (0, 0, *cell.size))
        cell.paste(picture, free)
    elif isinstance(content, str):
        size = _letters(sheet)
        room = max(1, sheet.width - size), max(1, sheet.height - size)
        written = write([Label(content)], size * 3 // 4, *room, fonts, sheet.columns * sheet.rows)
        written.draw(ImageDraw.Draw(cell), (sheet.width // 2, sheet.height // 2))
    return cell


def _picture(file: Path, sheet: Sheet) -> Image.Image | None:
    """The picture of a file, as large as it is to be pasted; None if it has gone or can't be read."""
    try:
        with Image.open(file) as opened:
            picture = opened.convert("RGB")
    except (OSError, ValueError, Image.DecompressionBombError):
        return None
    width, height = (max(1, int(side * sheet.scale)) for side in picture.size)
    if (width, height) != picture.size:
        picture = picture.resize((width, height), Image.Resampling.LANCZOS, reducing_gap=2.0)
    if width > sheet.width or height > sheet.height:
        picture.thumbnail((sheet.width, sheet.height))
    return picture
