"""DPM-Solver's formulas of the first three orders: Lu et al., arXiv:2206.00927, algorithms 1 and 2.

`slopes` are (x - clean) / sigma at the start and at the points in between, in the order of asking.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torch import Tensor


def between(sigma: float, target: float, ratio: float) -> float:
    """The sigma that far on the way from `sigma` to `target` in the logarithm."""
    return sigma ** (1 - ratio) * target**ratio


def first(x: Tensor, sigma: float, target: float, slopes: Sequence[Tensor]) -> Tensor:
    """A straight line."""
    return x + slopes[0] * (target - sigma)


def second(x: Tensor, sigma: float, target: float, slopes: Sequence[Tensor], ratio: float = 0.5) -> Tensor:
    """With the slope at `ratio` of the way."""
    change = slopes[1] - slopes[0]
    return x + (slopes[0] + change / (2 * ratio)) * (target - sigma)


def second_point(x: Tensor, sigma: float, target: float, slopes: Sequence[Tensor]) -> Tensor:
    """Where the third order asks last: at two thirds, with the slope at one third."""
    return _bent(x, sigma, between(sigma, target, 2 / 3), slopes[0], (slopes[1] - slopes[0]) * 2)


def third(x: Tensor, sigma: float, target: float, slopes: Sequence[Tensor]) -> Tensor:
    """With the slopes at one and two thirds of the way."""
    return _bent(x, sigma, target, slopes[0], (slopes[2] - slopes[0]) * 1.5)


def _bent(x: Tensor, sigma: float, target: float, slope: Tensor, change: Tensor) -> Tensor:
    """A slope that changes evenly in log sigma, by `change` over the whole way."""
    h = math.log(sigma / target)
    return x + slope * (target - sigma) - change * ((sigma - target) / h - target)
