"""Samplers, one plain function each: from sigma to the next lower one.

They share one signature and keep nothing: what a multistep method remembers is a tuple of latents that goes
in and comes out, so that sampling can stop after any step and go on later, bit for bit. They use nothing of
a tensor but arithmetic, and latents are x = picture + sigma * noise throughout.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from torch import Tensor

Memory = tuple["Tensor", ...]


@dataclass(frozen=True)
class Move:
    """One step to make: from `sigmas[index]` to `sigmas[index + 1]`.

    `denoise(x, sigma)` predicts the clean latents; `noise()` draws fresh unit noise of the latents' shape.
    """

    denoise: Callable[[Tensor, float], Tensor]
    noise: Callable[[], Tensor]
    sigmas: Sequence[float]
    index: int

    @property
    def sigma(self) -> float:
        """The noise level now."""
        return self.sigmas[self.index]

    @property
    def next(self) -> float:
        """The noise level after the step."""
        return self.sigmas[self.index + 1]


Step = Callable[[Move, "Tensor", Memory], tuple["Tensor", Memory]]
"""(move, x, memory) -> (x at the next sigma, memory for the next step)."""


def euler(move: Move, x: Tensor, memory: Memory) -> tuple[Tensor, Memory]:
    """Euler's method on the probability flow: Karras et al., arXiv:2206.00364, algorithm 2 without churn.

    With eta 0, DDIM (Song et al., arXiv:2010.02502) is this same step on another schedule.
    """
    clean = move.denoise(x, move.sigma)
    return clean + (x - clean) * (move.next / move.sigma), memory


def euler_ancestral(move: Move, x: Tensor, memory: Memory) -> tuple[Tensor, Memory]:
    """Euler to a lower sigma, then noise up to the next: Ho et al., arXiv:2006.11239, in this scaling."""
    clean = move.denoise(x, move.sigma)
    down, up = ancestral_split(move.sigma, move.next)
    x = clean + (x - clean) * (down / move.sigma)
    return (x + move.noise() * up if up > 0 else x), memory


def ancestral_split(sigma: float, following: float) -> tuple[float, float]:
    """(down, up): the sigma to step down to and the noise to add, down**2 + up**2 = following**2."""
    up = min(following, math.sqrt(following**2 * (sigma**2 - following**2) / sigma**2))
    return math.sqrt(following**2 - up**2), up


def dpmpp_2m(move: Move, x: Tensor, memory: Memory) -> tuple[Tensor, Memory]:
    """DPM-Solver++(2M): Lu et al., arXiv:2211.01095, algorithm 2."""
    clean = move.denoise(x, move.sigma)
    if move.next == 0:
        return clean, (clean,)
    h = math.log(move.sigma / move.next)
    direction = clean
    if memory:
        half = 0.5 * h / math.log(move.sigmas[move.index - 1] / move.sigma)
        direction = clean * (1 + half) - memory[0] * half
    return x * (move.next / move.sigma) - direction * math.expm1(-h), (clean,)


UNIPC_ORDER = 3


def unipc(move: Move, x: Tensor, memory: Memory) -> tuple[Tensor, Memory]:
    """UniPC-3 with B(h) = h on data prediction: Zhao et al., arXiv:2302.04867, algorithms 5 and 8.

    Memory: the latents that the last step began from, then the predictions so far, newest first.
    """
    clean = move.denoise(x, move.sigma)
    lambdas = [-math.log(sigma) for sigma in move.sigmas[: move.index + 1]][::-1]
    if memory:
        begun, *past = memory
        order = _order(move, move.index - 1)
        x = _unipc_move(begun, [clean, *past], lambdas, order, corrects=True)
    past = [clean, *memory[1:]][:UNIPC_ORDER]
    if move.next == 0:
        return clean, (x, *past)
    ahead = [-math.log(move.next), *lambdas]
    return _unipc_move(x, past, ahead, _order(move, move.index), corrects=False), (x, *past)


def _order(move: Move, index: int) -> int:
    """How many predictions the step number `index` may use: few at the start, few at the end.

    The step to 0 is the prediction itself; so the end is the step before it, on many schedules by far the
    longest in log sigma.
    """
    steps = len(move.sigmas) - 1 - (move.sigmas[-1] == 0)
    return max(1, min(UNIPC_ORDER, index + 1, steps - index))


def _unipc_move(
    x: Tensor, clean: Sequence[Tensor], lambdas: list[float], order: int, *, corrects: bool
) -> Tensor:
    """From lambdas[1] to lambdas[0]. When correcting, clean[0] is the prediction at the far end already."""
    known = list(clean[1:] if corrects else clean)
    h = lambdas[0] - lambdas[1]
    base = known[0]
    ratios = [(lambdas[k + 1] - lambdas[1]) / h for k in range(1, order)]
    slopes = [(known[k] - base) / ratio for k, ratio in enumerate(ratios, start=1)]
    if corrects:
        slopes.append(clean[0] - base)
        ratios.append(1.0)
    x = x * math.exp(-h) - base * math.expm1(-h)
    for weight, slope in zip(_unipc_weights(ratios, h), slopes, strict=True):
        x = x + slope * (h * weight)
    return x


def _unipc_weights(ratios: Sequence[float], h: float) -> NDArray[np.float64]:
    """Weights that make the step exact for polynomials: the paper's R(h) a = phi(h) / B(h)."""
    if len(ratios) == 1:
        return np.array([0.5])
    phi = math.expm1(-h) / -h - 1
    factorial, right = 1.0, list[float]()
    for k in range(1, len(ratios) + 1):
        right.append(phi * factorial / -h)
        factorial *= k + 1
        phi = phi / -h - 1 / factorial
    rows = np.vander(np.asarray(ratios), increasing=True).T
    return np.linalg.solve(rows, np.asarray(right))
