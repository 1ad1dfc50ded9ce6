"""DPM-Solver++: exponential integrators for the prediction of the clean picture.

Lu et al., arXiv:2211.01095. Exact for a prediction that doesn't change; so they bear strong guidance.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from webui.engine.samplers.move import Memory, Move, ancestral_split, toward

if TYPE_CHECKING:
    from torch import Tensor


def dpmpp_2m(move: Move, x: Tensor, memory: Memory) -> tuple[Tensor, Memory]:
    """DPM-Solver++(2M), algorithm 2. Memory: the last prediction."""
    clean = move.denoise(x, move.sigma)
    if move.next == 0:
        return clean, (clean,)
    h = math.log(move.sigma / move.next)
    direction = clean
    if memory:
        half = 0.5 * h / math.log(move.sigmas[move.index - 1] / move.sigma)
        direction = clean * (1 + half) - memory[0] * half
    return x * (move.next / move.sigma) - direction * math.expm1(-h), (clean,)


def dpmpp_2s_ancestral(move: Move, x: Tensor, memory: Memory) -> tuple[Tensor, Memory]:
    """DPM-Solver++(2S), algorithm 1, with the middle at half of log sigma, then noise up to the next."""
    clean = move.denoise(x, move.sigma)
    down, up = ancestral_split(move.sigma, move.next, move.eta())
    if down == 0:
        x = clean
    else:
        middle = math.sqrt(move.sigma * down)
        halfway = toward(x, clean, middle / move.sigma)
        x = toward(x, move.denoise(halfway, middle), down / move.sigma)
    return (x + move.fresh(up) if move.next > 0 else x), memory
