"""Noise schedules: the falling sigmas that a sampler walks down, as plain numbers.

Sigma is the noise's standard deviation relative to the picture's (Karras et al., arXiv:2206.00364); a latent
here is x = picture + sigma * noise, never scaled down as in the variance-preserving form.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import ArrayLike, NDArray

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


Schedule = Callable[[NoiseTable, int], Floats]
"""(table, steps) -> sigmas, falling; one more than steps."""


def uniform(table: NoiseTable, steps: int) -> Floats:
    """Timesteps evenly from the last to the first, then 0."""
    return np.append(table.sigma(np.linspace(len(table.sigmas) - 1, 0, steps)), 0.0)


def karras(table: NoiseTable, steps: int, rho: float = 7.0) -> Floats:
    """Even in sigma**(1/rho): small steps near the picture. Karras et al. (2022), eq. 5."""
    ramp = np.linspace(table.highest ** (1 / rho), table.lowest ** (1 / rho), steps)
    return np.append(ramp**rho, 0.0)


def exponential(table: NoiseTable, steps: int) -> Floats:
    """Even in log sigma."""
    return np.append(np.exp(np.linspace(np.log(table.highest), np.log(table.lowest), steps)), 0.0)


def ddim(table: NoiseTable, steps: int) -> Floats:
    """DDIM's own: every (n // steps)th timestep plus one, ending at the first timestep's sigma, not at 0."""
    timesteps = np.arange(steps) * (len(table.sigmas) // steps) + 1
    return np.append(table.sigma(timesteps[::-1].astype(np.float64)), table.lowest)
