"""DPM fast: DPM-Solver of the third order, planned for a given number of evaluations.

Lu et al., arXiv:2206.00927, 3.4, with ancestral noise. Each evaluation is a step of its own here: blocks of
three (at the end two, one, or two and one) go over equal distances in log sigma, down to the lowest sigma.
"""

from __future__ import annotations

import itertools
import math
from typing import TYPE_CHECKING

import numpy as np

from webui.engine.samplers import dpm_solver
from webui.engine.samplers.move import Memory, Move, ancestral_split
from webui.engine.samplers.schedules import Floats, Span

if TYPE_CHECKING:
    from torch import Tensor


def dpm_fast(move: Move, x: Tensor, memory: Memory) -> tuple[Tensor, Memory]:
    """One evaluation. Memory: within a block, the latents at its start and the slopes so far."""
    slope = (x - move.denoise(x, move.sigma)) / move.sigma
    begun, slopes = (memory[0], (*memory[1:], slope)) if memory else (x, (slope,))
    start = move.index + 1 - len(slopes)
    order = _order(len(move.sigmas) - 1 - start)
    sigma, end = move.sigmas[start], move.sigmas[start + order]
    target = _target(sigma, end, move.sigmas[-1], move.eta())
    if len(slopes) < order:
        ask = dpm_solver.second_point if len(slopes) == 2 else dpm_solver.first
        return ask(begun, sigma, move.next if len(slopes) == 1 else target, slopes), (begun, *slopes)
    formula = (dpm_solver.first, dpm_solver.second, dpm_solver.third)[order - 1]
    return formula(begun, sigma, target, slopes) + move.fresh(math.sqrt(end**2 - target**2)), ()


def fast_sigmas(span: Span) -> Floats:
    """Where to ask. A block's points lead to where noise is added, which may be below the block's end."""
    lowest, highest, steps = span.table.lowest, span.table.highest, span.steps
    ends = np.exp(np.linspace(math.log(highest), math.log(lowest), steps // 3 + 2))
    eta = 1.0 if span.options.eta is None else span.options.eta
    points = list[float]()
    for sigma, end in itertools.pairwise(ends.tolist()):
        order = _order(steps - len(points))
        target = _target(sigma, end, lowest, eta)
        points += [dpm_solver.between(sigma, target, k / order) for k in range(order)]
    return np.array([*points, lowest])


def _order(left: int) -> int:
    """How many evaluations the next block takes of those that are left."""
    return 2 if left == 3 else min(3, left)


def _target(sigma: float, end: float, lowest: float, eta: float) -> float:
    """The sigma that a block leads to before noise is added up to its end."""
    down, _ = ancestral_split(sigma, end, eta)
    return min(end, max(down, lowest))
