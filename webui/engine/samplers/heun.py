"""Heun's method: the mean of the slopes at both ends of a step. Two evaluations, of the second order."""

from __future__ import annotations

from typing import TYPE_CHECKING

from webui.engine.samplers.move import Denoise, Memory, Move, churned

if TYPE_CHECKING:
    from torch import Tensor


def heun(move: Move, x: Tensor, memory: Memory) -> tuple[Tensor, Memory]:
    """Karras et al., arXiv:2206.00364, algorithm 2."""
    x, sigma = churned(move, x)
    return descend(move.denoise, x, sigma, move.next), memory


def descend(denoise: Denoise, x: Tensor, sigma: float, following: float) -> Tensor:
    """From `sigma` to `following`; the step to 0 is the prediction."""
    clean = denoise(x, sigma)
    if following == 0:
        return clean
    slope = (x - clean) / sigma
    ahead = x + slope * (following - sigma)
    slope_ahead = (ahead - denoise(ahead, following)) / following
    return x + (slope + slope_ahead) * ((following - sigma) / 2)
