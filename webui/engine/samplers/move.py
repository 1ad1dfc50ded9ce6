"""What all samplers share: one step to make, and the arithmetic that they have in common.

A sampler is a plain function `(move, x, memory) -> (x, memory)` and keeps nothing: what a multistep method
remembers is a tuple of tensors that goes in and comes out, so that sampling can stop after any step and go on
later, bit for bit. Of a tensor it uses hardly more than arithmetic. Latents are x = picture + sigma * noise.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from webui.engine.samplers.options import DEFAULTS, SamplerOptions

if TYPE_CHECKING:
    from torch import Tensor

Memory = tuple["Tensor", ...]


class Denoise(Protocol):
    """Predicts the clean latents, guided.

    It may have an attribute `unconditional`: what the last call predicted for the negative prompt alone.
    """

    def __call__(self, x: Tensor, sigma: float, /) -> Tensor:
        """The clean latents in `x` = picture + sigma * noise."""
        ...


class Noise(Protocol):
    """Unit noise of the latents' shape."""

    def __call__(self) -> Tensor:
        """Fresh noise."""
        ...

    def between(self, sigma: float, following: float) -> Tensor:
        """A Brownian path's increment from one sigma to another, scaled to unit noise."""
        ...


@dataclass(frozen=True)
class Move:
    """One step to make: from `sigmas[index]` to `sigmas[index + 1]`."""

    denoise: Denoise
    noise: Noise
    sigmas: Sequence[float]
    index: int
    options: SamplerOptions = DEFAULTS

    @property
    def sigma(self) -> float:
        """The noise level now."""
        return self.sigmas[self.index]

    @property
    def next(self) -> float:
        """The noise level after the step."""
        return self.sigmas[self.index + 1]

    def eta(self, default: float = 1.0) -> float:
        """The share of noise that is drawn anew: 0 none, 1 as much as in training; `default` if not set."""
        return default if self.options.eta is None else self.options.eta

    def fresh(self, deviation: float) -> Tensor:
        """Fresh noise of that standard deviation, times what people set."""
        return self.noise() * (deviation * self.options.s_noise)

    def path(self, deviation: float, sigma: float, following: float) -> Tensor:
        """The Brownian path's noise from `sigma` to `following`, likewise."""
        return self.noise.between(sigma, following) * (deviation * self.options.s_noise)


Step = Callable[[Move, "Tensor", Memory], tuple["Tensor", Memory]]
"""(move, x, memory) -> (x at the next sigma, memory for the next step)."""


def toward(x: Tensor, clean: Tensor, ratio: float) -> Tensor:
    """Along the line from `x` to `clean` until the noise is `ratio` of what it was."""
    return clean + (x - clean) * ratio


def churned(move: Move, x: Tensor) -> tuple[Tensor, float]:
    """(x, sigma) with some noise added anew: Karras et al., arXiv:2206.00364, algorithm 2.

    Where churn is asked for, noise is drawn at each step, used or not, as k-diffusion does.
    """
    options, sigma = move.options, move.sigma
    if options.s_churn <= 0:
        return x, sigma
    noise = move.noise()
    if not options.s_tmin <= sigma <= (options.s_tmax or math.inf):
        return x, sigma
    gamma = min(options.s_churn / (len(move.sigmas) - 1), math.sqrt(2) - 1)
    raised = sigma * (1 + gamma)
    return x + noise * (math.sqrt(raised**2 - sigma**2) * options.s_noise), raised


def ancestral_split(sigma: float, following: float, eta: float = 1.0) -> tuple[float, float]:
    """(down, up): the sigma to step down to and the noise to add, down**2 + up**2 = following**2."""
    up = eta * math.sqrt(max(0.0, following**2 * (sigma**2 - following**2) / sigma**2))
    up = min(following, up)
    return math.sqrt(following**2 - up**2), up
