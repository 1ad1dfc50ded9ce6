"""Samplers for distilled models, which see the clean picture from any noise level at once."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from webui.engine.samplers.move import Memory, Move, toward
from webui.engine.samplers.restart import rise
from webui.engine.samplers.schedules import Floats, NoiseTable, Span

if TYPE_CHECKING:
    from torch import Tensor

    from webui.engine.samplers.options import SamplerOptions

DISTILLED_STEPS = 50
"""LCM and TCD models were taught the timesteps 19, 39, ..., 999."""

GAMMA = 0.3


def lcm(move: Move, x: Tensor, memory: Memory) -> tuple[Tensor, Memory]:
    """Luo et al., arXiv:2310.04378, algorithm 3: the prediction, and fresh noise up to the next sigma.

    The model is taken for the consistency function itself: at the timesteps taught, the paper's boundary
    scaling differs from that by less than a hundred-thousandth.
    """
    x = move.denoise(x, move.sigma)
    return (x + move.fresh(move.next) if move.next > 0 else x), memory


def tcd(move: Move, x: Tensor, memory: Memory) -> tuple[Tensor, Memory]:
    """Zheng et al., arXiv:2402.19159, algorithm 4: a straight line down, or noise up."""
    if move.next > move.sigma:
        return rise(move, x), memory
    return toward(x, move.denoise(x, move.sigma), move.next / move.sigma), memory


def tcd_schedule(span: Span) -> Floats:
    """Timesteps evenly among those taught, from the last, then the first timestep of all."""
    count = len(span.table.sigmas)
    taught = DISTILLED_STEPS if span.steps <= DISTILLED_STEPS <= count else count
    timesteps = np.arange(1, taught + 1)[::-1] * (count // taught) - 1
    chosen = np.floor(np.linspace(0, taught, min(span.steps, taught), endpoint=False)).astype(int)
    return np.append(span.table.sigma(timesteps[chosen].astype(np.float64)), span.table.lowest)


def with_overshoot(levels: Sequence[float], table: NoiseTable, options: SamplerOptions) -> list[float]:
    """The way down `levels`, each step leading further down and noise up again.

    Down to (1 - gamma) of the next timestep; gamma, the paper's, is eta: 0 without noise, 1 LCM's way.
    """
    gamma = GAMMA if options.eta is None else min(1.0, options.eta)
    way = [levels[0]]
    for level in levels[1:]:
        timestep = math.floor((1 - gamma) * table.timestep(level) + 1e-6) if level > 0 else 0
        down = float(table.sigma(np.array([timestep], dtype=np.float64))[0])
        way += [down, level] if down < level else [level]
    return way
