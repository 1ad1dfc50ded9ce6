"""Texts beside a grid: wrapped, and written smaller, until they fit."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass, replace

from PIL import ImageDraw

from webui.scripts.fonts import Font, Fonts
from webui.scripts.plan import Label

DARK, PALE = (26, 26, 26), (150, 150, 150)
SMALLEST = 9
MAX_SIGNS = 500
"""Of one label: more could not be read beside a picture."""
MANY_SIGNS = 50_000
"""Of all labels together: where they are thousands, the room for each is small."""


@dataclass(frozen=True)
class Written:
    """Labels set as lines within a width. `lines`: each with its font and whether it is active."""

    lines: tuple[tuple[str, Font, bool], ...]
    leading: int
    """Pixels from one line to the next."""

    @property
    def height(self) -> int:
        """Pixels from top to bottom."""
        return len(self.lines) * self.leading

    def draw(self, canvas: ImageDraw.ImageDraw, centre: tuple[int, int]) -> None:
        """Write them, centred."""
        y = centre[1] - self.height // 2
        for text, font, active in self.lines:
            left, width = centre[0] - round(font.getlength(text) / 2), round(font.getlength(text))
            canvas.text((left, y), text, DARK if active else PALE, font)
            if not active:
                middle = y + self.leading // 2
                canvas.line((left, middle, left + width, middle), PALE, max(1, self.leading // 16))
            y += self.leading


def write(
    labels: Sequence[Label], size: int, width: int, height: int, fonts: Fonts, among: int = 1
) -> Written:
    """`labels` set within `width` x `height` pixels, in letters of `size` pixels or smaller.

    Where the smallest letters don't fit either, the end is left out, and where no word would fit, all of it.
    `among`: how many are written in all.
    """
    if width < 2 * SMALLEST:
        return Written((), SMALLEST)
    labels = [_cut(label, max(20, min(MAX_SIGNS, MANY_SIGNS // among))) for label in labels]
    size = max(SMALLEST, size)
    while True:
        leading = round(size * 1.35)
        lines = [line for label in labels for line in _lines(label, size, width, fonts)]
        fits = len(lines) * leading <= height and all(
            font.getlength(text) <= width for text, font, _ in lines
        )
        if fits or size == SMALLEST:
            room = max(1, height // leading)
            return Written(tuple(_shortened(lines, room, width)), leading)
        size = max(SMALLEST, size * 9 // 10)


def _lines(label: Label, size: int, width: int, fonts: Fonts) -> list[tuple[str, Font, bool]]:
    if not label.text:
        return []
    font = fonts.of(label.text, size)
    return [(line, font, label.active) for line in _wrapped(label.text, font, width)]


def _cut(label: Label, signs: int) -> Label:
    text = " ".join(label.text[: 2 * signs].split())
    return replace(label, text=text if len(text) <= signs else f"{text[:signs]}…")


def _wrapped(text: str, font: Font, width: int) -> list[str]:
    lines = [""]
    for word in text.split(" "):
        wider = f"{lines[-1]} {word}".lstrip()
        if font.getlength(wider) <= width:
            lines[-1] = wider
        else:
            lines += _broken(word, font, width)
    return [line for line in lines if line]


def _broken(word: str, font: Font, width: int) -> list[str]:
    """A word in pieces that fit, one piece if it fits as a whole."""
    pieces: list[str] = []
    while len(word) > 1 and font.getlength(word) > width:
        fitting = bisect_right(range(len(word)), width, key=lambda end: font.getlength(word[:end])) - 1
        pieces.append(word[: max(1, fitting)])
        word = word[max(1, fitting) :]
    return [*pieces, word]


def _shortened(lines: list[tuple[str, Font, bool]], room: int, width: int) -> list[tuple[str, Font, bool]]:
    if len(lines) <= room:
        return lines
    text, font, active = lines[room - 1]
    while text and font.getlength(f"{text}…") > width:
        text = text[:-1]
    return [*lines[: room - 1], (f"{text}…", font, active)]
