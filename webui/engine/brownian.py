"""Brownian paths over sigma: noise of which the pieces of a step add up to the whole step's.

A virtual Brownian tree (Li et al., arXiv:2001.01328): the path's increment is known over the whole span, and
halving the span again and again leads to any point of it. The numbers are those of torchsde's BrownianTree,
which A1111 draws with, seeds and roundings included.
"""

from __future__ import annotations

import math
from collections import OrderedDict
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import reduce
from operator import add

import numpy as np
import torch
from torch import Tensor

DIGITS = 6
"""Decimals of a sigma that are told apart; the depth of the tree follows from it."""
POOL_SIZE = 24
KEPT = 64
"""How many halvings a tree remembers: about those on the way to both ends of a step."""

Draw = Callable[[int], Tensor]
"""Unit noise of a fixed shape from a seed."""


@dataclass(frozen=True)
class _Piece:
    """A piece of the span, and which halvings led to it: `key` is its number from the left at its depth."""

    start: float
    end: float
    key: int
    depth: int
    increment: Tensor


class BrownianTree:
    """One picture's path from sigma `lowest` to `highest`.

    What it gives depends on `entropy`, the span and the question alone, never on what was asked before.
    """

    def __init__(self, entropy: int, lowest: float, highest: float, draw: Draw) -> None:
        self._entropy = entropy % 2**64
        self._draw = draw
        start, end = _in_32_bits(lowest), _in_32_bits(highest)
        increment = draw(self._seed()) * math.sqrt(end - start)
        self._whole = _Piece(_rounded(start), _rounded(end), 0, 0, increment)
        self._halves: OrderedDict[tuple[int, int], Tensor] = OrderedDict()

    def between(self, sigma: float, following: float) -> Tensor:
        """What the path changes by on its way from `sigma` to `following`, scaled to unit variance.

        Questions beyond the span get what lies within it. Over no distance there is no noise: zeros.
        """
        begin, end = _in_32_bits(sigma), _in_32_bits(following)
        low, high = (self._within(at) for at in sorted((begin, end)))
        if low == high:
            return torch.zeros_like(self._whole.increment)
        change = reduce(add, self._increments(self._whole, low, high))
        length = float(np.sqrt(np.float32(abs(end - begin))))
        return (change if begin < end else -change) / length

    def _within(self, sigma: float) -> float:
        return min(max(_rounded(sigma), self._whole.start), self._whole.end)

    def _increments(self, piece: _Piece, low: float, high: float) -> Iterator[Tensor]:
        """Of the largest pieces that make up what lies from `low` to `high`, all within `piece`."""
        if (low, high) == (piece.start, piece.end):
            yield piece.increment
            return
        left, right = self._halved(piece)
        if low < left.end:
            yield from self._increments(left, low, min(high, left.end))
        if high > right.start:
            yield from self._increments(right, max(low, right.start), high)

    def _halved(self, piece: _Piece) -> tuple[_Piece, _Piece]:
        middle = _rounded(0.5 * (piece.start + piece.end))
        first = self._first_half(piece, middle)
        key, depth = 2 * piece.key, piece.depth + 1
        return (
            _Piece(piece.start, middle, key, depth, first),
            _Piece(middle, piece.end, key + 1, depth, piece.increment - first),
        )

    def _first_half(self, piece: _Piece, middle: float) -> Tensor:
        place = (piece.depth, piece.key)
        half = self._halves.pop(place, None)
        self._halves[place] = half = self._bridge(piece, middle) if half is None else half
        if len(self._halves) > KEPT:
            self._halves.popitem(last=False)
        return half

    def _bridge(self, piece: _Piece, middle: float) -> Tensor:
        """The increment up to the middle: about half, more or less by fresh noise (Lévy 1948)."""
        before, after, share = middle - piece.start, piece.end - middle, 1 / (piece.end - piece.start)
        noise = self._draw(self._seed(piece.key, piece.depth))
        return before * piece.increment * share + math.sqrt(before * after * share) * noise

    def _seed(self, *place: int) -> int:
        sequence = np.random.SeedSequence(self._entropy, spawn_key=place, pool_size=POOL_SIZE)
        return int(sequence.generate_state(1)[0])


def _in_32_bits(sigma: float) -> float:
    """As A1111 holds its sigmas: the last of the decimals depend on it."""
    return float(np.float32(sigma))


def _rounded(sigma: float) -> float:
    return round(sigma, DIGITS)
