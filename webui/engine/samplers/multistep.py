"""Adams-Bashforth methods: one evaluation a step, and the slopes of the last steps to tell where it bends.

The slope is dx/dsigma = (x - clean) / sigma. Memory: the slopes so far, newest first.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from webui.engine.samplers.lagrange import weights
from webui.engine.samplers.move import Memory, Move

if TYPE_CHECKING:
    from torch import Tensor

LMS_ORDER = 4
DEIS_ORDER = 3
PLMS_WEIGHTS = ((1.0,), (3 / 2, -1 / 2), (23 / 12, -16 / 12, 5 / 12), (55 / 24, -59 / 24, 37 / 24, -9 / 24))


def lms(move: Move, x: Tensor, memory: Memory) -> tuple[Tensor, Memory]:
    """The polynomial through the last four slopes, in sigma, integrated over the step."""
    slopes = (_slope(move, x), *memory)[:LMS_ORDER]
    nodes = _sigmas(move, len(slopes))
    return _moved(x, slopes, weights(nodes, move.sigma, move.next)), slopes[: LMS_ORDER - 1]


def deis(move: Move, x: Tensor, memory: Memory) -> tuple[Tensor, Memory]:
    """Zhang & Chen, arXiv:2204.13902, of the third order: the polynomial is in log sigma."""
    slopes = (_slope(move, x), *memory)[:DEIS_ORDER]
    if move.next == 0:
        return x - slopes[0] * move.sigma, slopes
    nodes = [math.log(sigma) for sigma in _sigmas(move, len(slopes))]
    factors = weights(nodes, nodes[0], math.log(move.next), np.exp)
    return _moved(x, slopes, factors), slopes[: DEIS_ORDER - 1]


def plms(move: Move, x: Tensor, memory: Memory) -> tuple[Tensor, Memory]:
    """Liu et al., arXiv:2202.09778: weights for equal steps, whatever the steps are in sigma.

    The first step is Heun's, with two evaluations.
    """
    slope = _slope(move, x)
    slopes = (slope, *memory)
    over = move.next - move.sigma
    if not memory:
        ahead = x + slope * over
        slope_ahead = (ahead - move.denoise(ahead, move.next)) / move.next
        return x + (slope + slope_ahead) * (over / 2), slopes
    factors = [weight * over for weight in PLMS_WEIGHTS[len(slopes) - 1]]
    return _moved(x, slopes, factors), slopes[: len(PLMS_WEIGHTS) - 1]


def _slope(move: Move, x: Tensor) -> Tensor:
    return (x - move.denoise(x, move.sigma)) / move.sigma


def _sigmas(move: Move, count: int) -> list[float]:
    """The newest sigmas, newest first."""
    return [move.sigmas[move.index - back] for back in range(count)]


def _moved(x: Tensor, slopes: Sequence[Tensor], factors: Sequence[float]) -> Tensor:
    for slope, factor in zip(slopes, factors, strict=True):
        x = x + slope * factor
    return x
