r"""Emphasis in a text: (word), (word:1.2), [word], and BREAK, which ends a chunk.

A1111's rules. Every bracket multiplies the weight of what it holds: (x) by 1.1, [x] by 1 / 1.1, (x:1.2) by
1.2. One that is never closed reaches to the end, one that was never opened is text, and the two kinds don't
mind each other: `(a [b) c]`. A backslash before a bracket or a backslash makes it text; others vanish.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import groupby
from operator import itemgetter

import numpy as np

from webui.params.guidance import Emphasis

STEP = 1.1
MOST = 1000.0
"""Weights are kept within ±MOST, so that no number format overflows."""

_SIGN = re.compile(r"\\[()\[\]\\]|\\|\(|\[|:\s*([+-]?[.\d]+)\s*\)|\)|\]|[^\\()\[\]:]+|:")
_BREAK = re.compile(r"\bBREAK\b")


@dataclass(frozen=True)
class Span:
    """A text that is of one weight."""

    text: str
    weight: float


@dataclass(frozen=True)
class _Range:
    """Pieces `start` to `end` (not included), whose weight is multiplied."""

    start: int
    end: int
    factor: float


@dataclass
class _Reader:
    """Reads sign after sign."""

    pieces: list[str | None] = field(default_factory=list[str | None])
    """Texts, and None for each BREAK."""
    ranges: list[_Range] = field(default_factory=list[_Range])
    round: list[int] = field(default_factory=list[int])
    square: list[int] = field(default_factory=list[int])
    """Where the brackets that are open begin."""

    def read(self, sign: str, weight: str | None) -> None:
        """Take the next sign; `weight` is the number in one like ":1.2)"."""
        if sign == "(":
            self.round.append(len(self.pieces))
        elif sign == "[":
            self.square.append(len(self.pieces))
        elif weight and self.round:
            self._weigh(sign, weight)
        elif sign == ")" and self.round:
            self._close(self.round, STEP)
        elif sign == "]" and self.square:
            self._close(self.square, 1 / STEP)
        elif sign[0] == "\\":
            self.pieces.append(sign[1:])
        else:
            self._say(sign)

    def end(self) -> None:
        """Close what is open."""
        while self.round:
            self._close(self.round, STEP)
        while self.square:
            self._close(self.square, 1 / STEP)

    def _weigh(self, sign: str, weight: str) -> None:
        try:
            factor = float(weight)
        except ValueError:  # 1.2.3 is no number: text, and the bracket is one without a weight.
            self.pieces.append(sign[:-1])
            factor = STEP
        self._close(self.round, factor)

    def _close(self, opened: list[int], factor: float) -> None:
        self.ranges.append(_Range(opened.pop(), len(self.pieces), factor))

    def _say(self, text: str) -> None:
        first, *others = _BREAK.split(text)
        self.pieces.append(first.rstrip() if others else first)
        for place, other in enumerate(others, 1):
            self.pieces += [None, other.strip() if place < len(others) else other.lstrip()]


def stretches(text: str, emphasis: Emphasis = "Original") -> list[list[Span]]:
    """`text` in weighted spans, in a list for each stretch between BREAKs. At least one list.

    With "None" all signs are text, BREAK as well; with "Ignore" they are heeded, but all weights are 1.
    """
    if emphasis == "None":
        return [[Span(text, 1.0)] if text else []]
    reader = _Reader()
    for sign in _SIGN.finditer(text):
        reader.read(sign[0], sign[1])
    reader.end()
    weights = [1.0] * len(reader.pieces) if emphasis == "Ignore" else _weights(reader)
    return _joined(reader.pieces, weights)


def _weights(reader: _Reader) -> Sequence[float]:
    weights = np.ones(len(reader.pieces))
    with np.errstate(all="ignore"):
        for each in reader.ranges:
            weights[each.start : each.end] *= each.factor
    return np.nan_to_num(weights).clip(-MOST, MOST).tolist()


def _joined(pieces: Sequence[str | None], weights: Sequence[float]) -> list[list[Span]]:
    """Neighbours of the same weight are one span: `(un)(happy)` is one word."""
    found: list[list[tuple[str, float]]] = [[]]
    for piece, weight in zip(pieces, weights, strict=True):
        if piece is None:
            found.append([])
        else:
            found[-1].append((piece, weight))
    return [list(_spans(stretch)) for stretch in found]


def _spans(pieces: Sequence[tuple[str, float]]) -> Iterator[Span]:
    for weight, run in groupby(pieces, itemgetter(1)):
        text = "".join(piece for piece, _ in run)
        if text:
            yield Span(text, weight)
