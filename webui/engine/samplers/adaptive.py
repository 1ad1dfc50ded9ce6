"""DPM adaptive: DPM-Solver-23 with steps as long as the error allows.

Lu et al., arXiv:2206.00927, appendix C.4, with k-diffusion's step size control and ancestral noise. One step
here is one attempt, of three evaluations; what was too long is tried again, shorter. The error is the whole
batch's.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from webui.engine.samplers import dpm_solver
from webui.engine.samplers.move import Memory, Move, ancestral_split
from webui.engine.samplers.schedules import Floats, Span

if TYPE_CHECKING:
    from torch import Tensor

RELATIVE, ABSOLUTE = 0.05, 0.0078
"""The error allowed in the latents: a share of their size, and at least so much."""

FIRST_STEP = 0.05
SAFETY = 0.81
NEAR = 1e-5
"""In log sigma: no step is shorter, and so near the end is the end."""

MOST = 300
"""After so many attempts the rest is gone in one step, good or not."""


def dpm_adaptive(move: Move, x: Tensor, memory: Memory) -> tuple[Tensor, Memory]:
    """One attempt.

    Memory: a tensor of three numbers, how far it has come and how far it will go next, in log sigma, and how
    many attempts there were; and the last step's result of the lower order.
    """
    done, h, attempts = memory[0].tolist() if memory else (0.0, FIRST_STEP, 0.0)
    last = memory[1] if memory else x
    whole = math.log(move.sigma / move.next)
    desperate = attempts + 1 >= MOST
    ahead = whole if desperate else min(whole, done + h)
    sigma, end = move.sigma * math.exp(-done), move.sigma * math.exp(-ahead)
    down, _ = ancestral_split(sigma, end, move.eta())
    target = min(end, max(down, move.next))
    low, high = _both_orders(move, x, sigma, target)
    factor = _factor(_error(low, high, last), 1.5 if move.eta() else 3)
    if desperate or not factor < SAFETY:  # what is no number won't become one
        x, last, done = high + move.fresh(math.sqrt(end**2 - target**2)), low, ahead
    return x, (x.new_tensor([done, max(h * factor, NEAR), attempts + 1]), last)


def adaptive_sigmas(span: Span) -> Floats:
    """From where to where; all between is found on the way."""
    return np.array([span.table.highest, span.table.lowest])


def progress(memory: Memory, sigmas: Sequence[float]) -> float:
    """The share of the way that is done, in log sigma; 1 at its end."""
    whole = math.log(sigmas[0] / sigmas[1])
    done = float(memory[0][0])
    return 1.0 if done > whole - NEAR else done / whole


def _both_orders(move: Move, x: Tensor, sigma: float, target: float) -> tuple[Tensor, Tensor]:
    """The results of the second and of the third order."""

    def slope(x: Tensor, ratio: float) -> Tensor:
        at = dpm_solver.between(sigma, target, ratio)
        return (x - move.denoise(x, at)) / at

    slopes = [slope(x, 0)]
    slopes.append(slope(dpm_solver.first(x, sigma, dpm_solver.between(sigma, target, 1 / 3), slopes), 1 / 3))
    slopes.append(slope(dpm_solver.second_point(x, sigma, target, slopes), 2 / 3))
    low = dpm_solver.second(x, sigma, target, slopes, ratio=1 / 3)
    return low, dpm_solver.third(x, sigma, target, slopes)


def _error(low: Tensor, high: Tensor, last: Tensor) -> float:
    """How far the two orders lie apart, in units of what is allowed."""
    allowed = (low.abs().maximum(last.abs()) * RELATIVE).clamp(min=ABSOLUTE)
    return float(((low - high) / allowed).square().mean()) ** 0.5


def _factor(error: float, order: float) -> float:
    """How much longer the next step may be; below 1 for an error above 1."""
    return 1 + math.atan((1 / (error + 1e-8)) ** (1 / order) - 1)
