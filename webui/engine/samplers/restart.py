"""Restart sampling: Heun's method that goes back up to more noise and comes down again.

Xu et al., arXiv:2306.14878. When and how often is A1111's rule: below 20 steps never; else, on Karras'
levels, from about 0.1 up to about 2, once and down again in 9 steps, or from 36 on twice in a quarter each.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from webui.engine.samplers.heun import descend
from webui.engine.samplers.move import Memory, Move
from webui.engine.samplers.schedules import NoiseTable, karras_levels

if TYPE_CHECKING:
    from torch import Tensor

    from webui.engine.samplers.options import SamplerOptions

LOW, HIGH = 0.1, 2.0
"""Between these two sigmas a part of the way is gone again."""


def restart(move: Move, x: Tensor, memory: Memory) -> tuple[Tensor, Memory]:
    """A step of Heun's down, or noise up to the next sigma where that is higher."""
    if move.next > move.sigma:
        return rise(move, x), memory
    return descend(move.denoise, x, move.sigma, move.next), memory


def rise(move: Move, x: Tensor) -> Tensor:
    """Noise, so that the level is the next, higher one."""
    return x + move.fresh(math.sqrt(move.next**2 - move.sigma**2))


def with_restarts(levels: Sequence[float], table: NoiseTable, options: SamplerOptions) -> list[float]:  # noqa: ARG001
    """The way down `levels`, with rises in it; as many steps down as before."""
    steps = len(levels) - 1
    if steps < 20:
        return list(levels)
    again, times = (steps // 4, 2) if steps >= 36 else (9, 1)
    lowest = levels[-2] if levels[-1] == 0 else levels[-1]
    way = [*karras_levels(steps - again * times, lowest, levels[0]), 0.0]
    low, high = _nearest(way, LOW), _nearest(way, HIGH)
    if high >= low:
        return list(levels)
    loop = karras_levels(again + 1, way[low], way[high])
    return [*way[: low + 1], *loop * times, *way[low + 1 :]]


def _nearest(levels: Sequence[float], sigma: float) -> int:
    return int(np.argmin(np.abs(np.asarray(levels) - sigma)))
