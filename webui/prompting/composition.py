"""Prompts made of several: `a cat AND a dog:0.5`."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from webui.prompting.emphasis import MOST
from webui.prompting.networks import Placed

_AND = re.compile(r"\bAND\b")
_NUMBER = re.compile(r"[-+]?(?:\d+\.?|\d*\.\d+)")


@dataclass(frozen=True)
class Part:
    """One of the prompts: its text without tags and weight, and the networks by their place in it."""

    text: str
    weight: float
    networks: tuple[Placed, ...]


def parts(text: str, networks: Sequence[Placed]) -> Iterator[Part]:
    """Split `text` at each AND. Every part may end in a weight, a text that has no AND as well."""
    rest = list(reversed(networks))
    for start, end in _bounds(text):
        own: list[Placed] = []
        while rest and rest[-1].at <= end:
            placed = rest.pop()
            own.append(Placed(max(0, placed.at - start), placed.network))
        yield Part(*_weighted(text[start:end]), tuple(own))


def _bounds(text: str) -> Iterator[tuple[int, int]]:
    start = 0
    for sign in _AND.finditer(text):
        yield start, sign.start()
        start = sign.end()
    yield start, len(text)


def _weighted(text: str) -> tuple[str, float]:
    said, colon, number = text.rpartition(":")
    number = number.strip()
    if colon and _NUMBER.fullmatch(number):
        return said.rstrip(), max(-MOST, min(MOST, float(number)))
    return text.rstrip(), 1.0
