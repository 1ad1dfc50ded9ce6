"""Integrals of the polynomial through known values: what methods with a memory go by."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cache

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

POINTS = 16
"""Of the quadrature: exact for polynomials alone, and to ten digits with an exponential over six units."""


def weights(
    nodes: Sequence[float], start: float, end: float, density: Callable[[Floats], Floats] = np.ones_like
) -> list[float]:
    """What each node's value counts in the integral of the polynomial through them, times `density`."""
    points, shares = _quadrature()
    middle, half = (start + end) / 2, (end - start) / 2
    at = middle + half * points
    measure = shares * half * density(at)
    return [float(np.sum(measure * _basis(nodes, place, at))) for place in range(len(nodes))]


def _basis(nodes: Sequence[float], place: int, at: Floats) -> Floats:
    """Lagrange's polynomial that is 1 at `nodes[place]` and 0 at the others."""
    factors = [(at - node) / (nodes[place] - node) for k, node in enumerate(nodes) if k != place]
    return np.prod(factors, axis=0) if factors else np.ones_like(at)


@cache
def _quadrature() -> tuple[Floats, Floats]:
    return np.polynomial.legendre.leggauss(POINTS)
