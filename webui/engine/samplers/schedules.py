"""Noise schedules: the falling sigmas that a sampler walks down, as plain numbers.

Sigma is the noise's standard deviation relative to the picture's (Karras et al., arXiv:2206.00364); a latent
here is x = picture + sigma * noise, never scaled down as in the variance-preserving form.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from webui.engine.samplers.options import DEFAULTS, SamplerOptions
from webui.params import InvalidParamsError

Floats = NDArray[np.float64]


class NoiseTable:
    """The sigmas that a model was trained on, one for each timestep 0 ... n-1, rising."""

    def __init__(self, alphas_cumprod: ArrayLike) -> None:
        alphas: Floats = np.asarray(alphas_cumprod, dtype=np.float64)
        self.sigmas: Floats = np.sqrt((1 - alphas) / alphas)
        self._logs: Floats = np.log(self.sigmas)
        self._timesteps: Floats = np.arange(len(self.sigmas), dtype=np.float64)

    @classmethod
    def scaled_linear(cls, start: float = 0.00085, end: float = 0.012, count: int = 1000) -> NoiseTable:
        """Stable Diffusion's: betas whose square roots rise evenly from `start` to `end`."""
        betas = np.linspace(start**0.5, end**0.5, count) ** 2
        return cls(np.cumprod(1 - betas))

    @classmethod
    def linear(cls, start: float, end: float, count: int) -> NoiseTable:
        """Betas that rise evenly."""
        return cls(np.cumprod(1 - np.linspace(start, end, count)))

    def to_zero_terminal_snr(self) -> NoiseTable:
        """The table bent so that the last timestep is nearly pure noise: Lin et al., arXiv:2305.08891.

        The last alpha is kept a little above 0, where sigma would be infinite.
        """
        roots = 1 / np.sqrt(1 + self.sigmas**2)
        roots = (roots - roots[-1]) * (roots[0] / (roots[0] - roots[-1]))
        return NoiseTable(np.maximum(roots**2, 4.8973451890853435e-08))

    def thinned(self, count: int) -> NoiseTable:
        """The table with `count` timesteps, spread evenly up to the last; itself if it has no more."""
        every = max(1, len(self.sigmas) // count)
        return self if every == 1 else NoiseTable(1 / (1 + self.sigmas[every - 1 :: every] ** 2))

    def until(self, sigma: float) -> NoiseTable:
        """The table up to `sigma`, which is its highest then."""
        return NoiseTable(1 / (1 + np.append(self.sigmas[self.sigmas < sigma], sigma) ** 2))

    @property
    def lowest(self) -> float:
        """The smallest sigma trained on."""
        return float(self.sigmas[0])

    @property
    def highest(self) -> float:
        """The largest sigma trained on."""
        return float(self.sigmas[-1])

    def sigma(self, timesteps: Floats) -> Floats:
        """Sigmas at (fractional) timesteps, interpolated in the logarithm."""
        return np.exp(np.interp(timesteps, self._timesteps, self._logs))

    def timestep(self, sigma: float) -> float:
        """The fractional timestep at `sigma`."""
        return float(np.interp(np.log(sigma), self._logs, self._timesteps))


@dataclass(frozen=True)
class Span:
    """What a schedule is wanted for: a model's noise, a number of steps, and what people set."""

    table: NoiseTable
    steps: int
    options: SamplerOptions = DEFAULTS
    sdxl: bool = False

    @property
    def lowest(self) -> float:
        """The last sigma before the picture, for schedules that let people set it."""
        return self.options.sigma_min or self.table.lowest

    @property
    def highest(self) -> float:
        """The first sigma, for schedules that let people set it."""
        return self.options.sigma_max or self.table.highest

    def check(self) -> None:
        """See that the sigmas can fall.

        Raises:
            InvalidParamsError: they can't.
        """
        if self.lowest >= self.highest:
            raise InvalidParamsError(
                "sigma_min",
                f"Schedule min sigma ({self.lowest:g}) must be less than schedule max sigma "
                f"({self.highest:g}). Set both to 0 for the model's own.",
            )


Schedule = Callable[[Span], Floats]
"""The sigmas to walk down, falling; as a rule one more than steps, the last one 0."""


def uniform(span: Span) -> Floats:
    """Timesteps evenly from the last to the first, then 0."""
    return _to_zero(span.table.sigma(np.linspace(len(span.table.sigmas) - 1, 0, span.steps)))


def karras(span: Span) -> Floats:
    """Even in sigma**(1/rho): small steps near the picture. Karras et al., arXiv:2206.00364, eq. 5."""
    return _to_zero(karras_levels(span.steps, span.lowest, span.highest, span.options.rho or 7.0))


def karras_levels(count: int, lowest: float, highest: float, rho: float = 7.0) -> list[float]:
    """`count` sigmas from `highest` to `lowest`, even in sigma**(1/rho)."""
    if count == 1:
        return [highest]
    ratio = (lowest / highest) ** (1 / rho)
    levels = highest * np.linspace(1, ratio, count) ** rho
    return [*levels[:-1].tolist(), lowest]


def exponential(span: Span) -> Floats:
    """Even in log sigma."""
    return _to_zero(np.exp(np.linspace(math.log(span.highest), math.log(span.lowest), span.steps)))


def polyexponential(span: Span) -> Floats:
    """Polynomial in log sigma; with rho 1 even, above that with smaller steps near the picture."""
    ramp = np.linspace(1, 0, span.steps) ** (span.options.rho or 1.0)
    return _to_zero(np.exp(math.log(span.lowest) + ramp * math.log(span.highest / span.lowest)))


def sgm_uniform(span: Span) -> Floats:
    """Timesteps evenly from the last, the first one left out, as Stability AI has them."""
    return _to_zero(span.table.sigma(_timesteps(span, span.steps + 1)[:-1]))


def normal(span: Span) -> Floats:
    """Timesteps evenly between those of the highest and the lowest sigma."""
    return _to_zero(span.table.sigma(_timesteps(span, span.steps)))


def simple(span: Span) -> Floats:
    """Every so manieth sigma of the table, from the highest."""
    sigmas = span.table.sigmas
    return _to_zero(sigmas[[-1 - int(k * (len(sigmas) / span.steps)) for k in range(span.steps)]])


def turbo(span: Span) -> Floats:
    """The ends of as many equal parts of the timesteps: what SD-Turbo was distilled for."""
    count = len(span.table.sigmas)
    timesteps = np.round(np.arange(span.steps, 0, -1) * (count / span.steps) - 1)
    return _to_zero(span.table.sigma(np.clip(timesteps, 0, count - 1).astype(np.float64)))


def kl_optimal(span: Span) -> Floats:
    """Even in the arc tangent of sigma: Sabour et al., arXiv:2404.14507, eq. 6. Ends at the lowest sigma."""
    return np.tan(np.linspace(math.atan(span.highest), math.atan(span.lowest), span.steps + 1))


def beta(span: Span) -> Floats:
    """Quantiles of a beta distribution, by default dense at both ends: Lee et al., arXiv:2407.12173."""
    from scipy.stats import beta as distribution  # takes half a second, and few ask for it

    options = span.options
    shares = distribution.ppf(1 - np.linspace(0, 1, span.steps), options.beta_alpha, options.beta_beta)
    return _to_zero(span.lowest + np.asarray(shares, dtype=np.float64) * (span.highest - span.lowest))


def ddim(span: Span) -> Floats:
    """Every (n // steps)th sigma from the second on, then 0: more than `steps` where some are left over."""
    sigmas = span.table.sigmas
    return _to_zero(sigmas[1 :: max(1, len(sigmas) // span.steps)][::-1])


def ddim_own(span: Span) -> Floats:
    """DDIM's own: every (n // steps)th timestep plus one, ending above 0.

    It ends at the first of these if there are more than `steps`, else at the model's lowest sigma: so there
    are never fewer steps than asked for.
    """
    last = len(span.table.sigmas) - 1
    timesteps = np.minimum(_strided(span) + 1, last) if span.steps > 1 else np.array([last])
    if len(timesteps) <= span.steps:
        timesteps = np.append(0, timesteps)
    return span.table.sigma(np.unique(timesteps)[::-1].astype(np.float64))


def unipc_own(span: Span) -> Floats:
    """UniPC's own: timesteps evenly from the last to the first; as many steps as DDIM has timesteps."""
    last = len(span.table.sigmas) - 1
    return span.table.sigma(np.linspace(last, 0, len(_strided(span)) + 1))


def falling(levels: Floats) -> list[float]:
    """The sigmas less those that hardly fall, which no method could make a step of."""
    kept = [float(levels[0])]
    for level in levels[1:]:
        if level < kept[-1] * (1 - 1e-5):
            kept.append(float(level))
    return kept


def _strided(span: Span) -> NDArray[np.int64]:
    count = len(span.table.sigmas)
    return np.arange(0, count, max(1, count // span.steps))


def _timesteps(span: Span, count: int) -> Floats:
    return np.linspace(span.table.timestep(span.highest), span.table.timestep(span.lowest), count)


def _to_zero(levels: ArrayLike) -> Floats:
    return np.append(np.asarray(levels, dtype=np.float64), 0.0)
