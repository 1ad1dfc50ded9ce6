"""Which signs of a prompt mean something over the steps, and which are text.

`[from:to:when]` and `[a|b]` do. Brackets of emphasis are text until the words of a step are known, and so is
everything that doesn't fit together: A1111 never refuses a prompt. Its rules, which are kept here:

- A bracket whose counterpart is missing is text, and so are all brackets around it.
- Round brackets hold one ":" at most and no "|", else they are text.
- Square brackets without ":" and "|" are emphasis; with "|" only they alternate; with one or two ":", the
  last before a number, they edit. All others are text.
- Whatever stands around a bracket that is text only for want of meaning is text as well. What stands within
  it keeps its meaning.
- If a "|" is left over, or a backslash at a line's end, the whole prompt is text.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import groupby

TEXT, OPEN, COLON, BAR, WHEN, CLOSE = "TEXT", "_OPEN", "_COLON", "_BAR", "WHEN", "_CLOSE"

_SIGN = re.compile(r"(?:[^\\\[\]():|]|\\.)++|[\\\[\]():|]")
_NUMBER = re.compile(r"\s*[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?\s*")
_COUNTERPART = {")": "(", "]": "["}


@dataclass(frozen=True)
class Sign:
    """A piece of the text, what it is (TEXT, OPEN, ...) and where it begins."""

    kind: str
    text: str
    at: int


@dataclass
class _Bracket:
    """One that is open: where, which ":" and "|" it has had, and whether all within fits together."""

    at: int
    marks: list[int] = field(default_factory=list[int])
    sound: bool = True


def signs(text: str) -> list[Sign]:
    """All of `text` in pieces, neighbouring texts as one. What isn't TEXT fits together."""
    pieces: list[str] = _SIGN.findall(text)
    kinds = _kinds(pieces)
    if any(piece in ("|", "\\") and place not in kinds for place, piece in enumerate(pieces)):
        return [Sign(TEXT, text, 0)]
    found: list[Sign] = []
    at = 0
    for place, run in groupby(range(len(pieces)), lambda place: place if place in kinds else None):
        words = "".join(pieces[each] for each in run)
        found.append(Sign(TEXT if place is None else kinds[place], words, at))
        at += len(words)
    return found


def _kinds(pieces: Sequence[str]) -> dict[int, str]:
    """What the pieces are that aren't text."""
    kinds: dict[int, str] = {}
    opened: list[_Bracket] = []
    for place, piece in enumerate(pieces):
        if piece in ("(", "["):
            opened.append(_Bracket(place))
        elif piece in (":", "|") and opened:
            opened[-1].marks.append(place)
        elif piece in _COUNTERPART:
            if not opened or pieces[opened[-1].at] != _COUNTERPART[piece]:
                opened.clear()
                continue
            meaning = _meaning(pieces, opened.pop(), place)
            if meaning is not None:
                kinds.update(meaning)
            elif opened:
                opened[-1].sound = False
    return kinds


def _meaning(pieces: Sequence[str], bracket: _Bracket, end: int) -> dict[int, str] | None:
    """What the signs of a closed bracket are, nothing if it is emphasis, None if it doesn't fit."""
    marks = [pieces[place] for place in bracket.marks]
    colons, bars = marks.count(":"), marks.count("|")
    if not bracket.sound or (colons and bars):
        return None
    if pieces[end] == ")":
        return {} if colons <= 1 and not bars else None
    ends = {bracket.at: OPEN, end: CLOSE}
    if bars:
        return ends | dict.fromkeys(bracket.marks, BAR)
    if colons in (1, 2) and bracket.marks[-1] == end - 2 and _NUMBER.fullmatch(pieces[end - 1]):
        return ends | dict.fromkeys(bracket.marks, COLON) | {end - 1: WHEN}
    return None if colons else {}
