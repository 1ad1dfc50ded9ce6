"""UniPC: each prediction serves twice, to correct the last step and to make the next.

Zhao et al., arXiv:2302.04867, on the prediction of the clean picture.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from webui.engine.samplers.move import Memory, Move

if TYPE_CHECKING:
    from torch import Tensor


PAPERS_ORDER = 3
LEAST_POWER = 1e-9
"""Of a step's length: below it the weights of high orders are differences of nearly equal numbers."""


def unipc(move: Move, x: Tensor, memory: Memory) -> tuple[Tensor, Memory]:
    """Algorithms 5 and 8, with B(h) = h ("bh1") or exp(h) - 1 ("bh2").

    Memory: the latents that the last step began from, then the predictions so far, newest first.
    """
    clean = move.denoise(x, move.sigma)
    lambdas = [-math.log(sigma) for sigma in move.sigmas[: move.index + 1]][::-1]
    bends_more = move.options.uni_pc_variant == "bh2"
    if memory:
        begun, *past = memory
        x = _moved(begun, past, lambdas, _order(move, move.index - 1), bends_more, ahead=clean)
    past = [clean, *memory[1:]][: move.options.uni_pc_order]
    if move.next == 0:
        return clean, (x, *past)
    following = [-math.log(move.next), *lambdas]
    return _moved(x, past, following, _order(move, move.index), bends_more), (x, *past)


def _order(move: Move, index: int) -> int:
    """How many predictions the step number `index` may use: few at the start, few at the end.

    The step to 0 is the prediction itself; so the end is the step before it, on many schedules by far the
    longest in log sigma.
    """
    steps = len(move.sigmas) - 1 - (move.sigmas[-1] == 0)
    order = max(1, min(move.options.uni_pc_order, index + 1, steps - index))
    h = math.log(move.sigmas[index] / move.sigmas[index + 1])
    while order > PAPERS_ORDER and h**order < LEAST_POWER:
        order -= 1
    return order


def _moved(
    x: Tensor,
    clean: Sequence[Tensor],
    lambdas: Sequence[float],
    order: int,
    bends_more: bool,
    ahead: Tensor | None = None,
) -> Tensor:
    """From lambdas[1] to lambdas[0]. With a prediction at the far end, `ahead`, it is the corrected step."""
    h = lambdas[0] - lambdas[1]
    base = clean[0]
    ratios = [(lambdas[k + 1] - lambdas[1]) / h for k in range(1, order)]
    slopes = [(clean[k] - base) / ratio for k, ratio in enumerate(ratios, start=1)]
    if ahead is not None:
        slopes.append(ahead - base)
        ratios.append(1.0)
    x = x * math.exp(-h) - base * math.expm1(-h)
    for weight, slope in zip(_weights(ratios, h, bends_more), slopes, strict=True):
        x = x + slope * float(weight)
    return x


def _weights(ratios: Sequence[float], h: float, bends_more: bool) -> NDArray[np.float64]:
    """Weights that make the step exact for polynomials: the paper's R(h) a = phi(h) / B(h), times B(h).

    A single one is half of B(h), which is all that the choice of B changes.
    """
    if len(ratios) == 1:
        return np.array([0.5 * (-math.expm1(-h) if bends_more else h)])
    phi = math.expm1(-h) / -h - 1
    factorial, right = 1.0, list[float]()
    for k in range(1, len(ratios) + 1):
        right.append(-phi * factorial)
        factorial *= k + 1
        phi = phi / -h - 1 / factorial
    rows = np.vander(np.asarray(ratios), increasing=True).T
    return np.linalg.solve(rows, np.asarray(right))
