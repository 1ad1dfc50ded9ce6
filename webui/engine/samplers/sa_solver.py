"""SA-Solver: stochastic Adams methods, a predictor and a corrector that share each prediction.

Xue et al., arXiv:2309.05019, on the prediction of the clean picture.
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

PREDICTOR_ORDER, CORRECTOR_ORDER = 3, 3

BAND = (0.5716, 5.1111)
"""The sigmas where noise is added: Stable Diffusion's timesteps 200 to 800, the authors' choice."""


def sa_solver(move: Move, x: Tensor, memory: Memory) -> tuple[Tensor, Memory]:
    """Algorithm 1.

    Memory: the latents that the last step began from, the noise that it added, then the predictions so far,
    newest first.
    """
    clean = move.denoise(x, move.sigma)
    past = [clean, *memory[2:]][:PREDICTOR_ORDER]
    if memory:
        begun, added = memory[:2]
        known = [clean, *memory[2:]][: _order(move, move.index - 1, CORRECTOR_ORDER, least=2)]
        x = _moved(move, move.index - 1, begun, known, corrects=True) + added
    if move.next == 0:
        return clean, (x, x * 0, *past)
    rate, h = 1 + _tau(move, move.index) ** 2, math.log(move.sigma / move.next)
    added = move.fresh(move.next * math.sqrt(-math.expm1(-2 * (rate - 1) * h)))
    known = past[: _order(move, move.index, PREDICTOR_ORDER)]
    return _moved(move, move.index, x, known, corrects=False) + added, (x, added, *past)


def _tau(move: Move, index: int) -> float:
    """How much of the SDE there is in a step: 0 the probability flow, 1 the reverse of training."""
    low, high = BAND
    return move.eta() if low <= move.sigmas[index] <= high else 0.0


def _order(move: Move, index: int, most: int, least: int = 1) -> int:
    """How many predictions the step number `index` may use: few at the start, few at the end."""
    steps = len(move.sigmas) - 1 - (move.sigmas[-1] == 0)
    return min(most, index + least, max(1, steps - index) + least - 1)


def _moved(move: Move, index: int, x: Tensor, known: Sequence[Tensor], *, corrects: bool) -> Tensor:
    """Step number `index`, less its noise. When correcting, known[0] is the prediction at its end."""
    newest = index + 1 if corrects else index
    nodes = [-math.log(move.sigmas[newest - back]) for back in range(len(known))]
    start, end = -math.log(move.sigmas[index]), -math.log(move.sigmas[index + 1])
    rate, h = 1 + _tau(move, index) ** 2, end - start
    factors = weights(nodes, start, end, lambda at: rate * np.exp(rate * (at - end)))
    if len(known) == 2:
        factors = _second_order(rate, h, nodes, corrects)
    x = x * math.exp(-rate * h)
    for clean, factor in zip(known, factors, strict=True):
        x = x + clean * factor
    return x


def _second_order(rate: float, h: float, nodes: Sequence[float], corrects: bool) -> list[float]:
    """Of the second order, the slope counts as in the authors' code: as if nothing decayed over the step."""
    slope = rate * h * h / 2 / (nodes[0] - nodes[1])
    whole = -math.expm1(-rate * h)
    return [slope, whole - slope] if corrects else [whole + slope, -slope]
