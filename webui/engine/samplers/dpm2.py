"""DPM2: the slope halfway (in log sigma) for the whole step. Two evaluations, of the second order.

DPM-Solver-2 of Lu et al., arXiv:2206.00927, as Katherine Crowson's k-diffusion has it.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from webui.engine.samplers.move import Denoise, Memory, Move, ancestral_split, churned, toward

if TYPE_CHECKING:
    from torch import Tensor


def dpm2(move: Move, x: Tensor, memory: Memory) -> tuple[Tensor, Memory]:
    """With churn, as Heun's method in Karras et al., arXiv:2206.00364, algorithm 2."""
    x, sigma = churned(move, x)
    return _descend(move.denoise, x, sigma, move.next), memory


def dpm2_ancestral(move: Move, x: Tensor, memory: Memory) -> tuple[Tensor, Memory]:
    """To a lower sigma, then noise up to the next."""
    down, up = ancestral_split(move.sigma, move.next, move.eta())
    x = _descend(move.denoise, x, move.sigma, down)
    return (x + move.fresh(up) if down > 0 else x), memory


def _descend(denoise: Denoise, x: Tensor, sigma: float, following: float) -> Tensor:
    clean = denoise(x, sigma)
    if following == 0:
        return clean
    middle = math.sqrt(sigma * following)
    halfway = toward(x, clean, middle / sigma)
    slope = (halfway - denoise(halfway, middle)) / middle
    return x + slope * (following - sigma)
