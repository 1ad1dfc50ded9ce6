"""How fast samplers converge, measured where the exact answer is known.

`python -m tests.engine.convergence` writes the table into docs/samplers.md.

For data distributed as N(MU, s²) the clean latents to expect at x are MU + (x - MU) s² / (s² + sigma²). Each
sampler is then affine in what it begins with and in the noise it draws; so one walk over vectors of
coefficients gives the exact mean and variance of its results, and nothing needs to be drawn. At each sigma,
noisy data are distributed as N(MU, s² + sigma²). A walk that begins so should end so, with noise or without;
what it misses is the sampler's own error: the weak error, where there is noise.
"""

import math
from functools import cache
from pathlib import Path

import numpy as np

from webui.engine.samplers.move import Move
from webui.engine.samplers.options import SamplerOptions
from webui.engine.samplers.schedules import NoiseTable
from webui.engine.samplers.table import SAMPLERS, find_sampler

MU = 0.3
SPREADS = (0.2, 0.5, 1.5)
TABLE = NoiseTable.scaled_linear()
STEPS = (10, 20, 40)
LEAD = 4  # so many first steps are made exact where a method's own order is measured, not its start's
ROOM = 4  # and so many last ones are not walked, where methods shorten their reach

ORDERS = {
    "DPM++ 2M": 2,
    "DPM++ SDE": 2,
    "DPM++ 2M SDE": 2,
    "DPM++ 2M SDE Heun": 2,
    "DPM++ 2S a": 2,
    "DPM++ 3M SDE": 2,
    "Euler a": 1,
    "Euler": 1,
    "LMS": 4,
    "Heun": 2,
    "DPM2": 2,
    "DPM2 a": 2,
    "DPM fast": 3,
    "Restart": 2,
    "DDIM": 1,
    "DDIM CFG++": 1,
    "PLMS": 2,
    "UniPC": 3,
    "DEIS": 3,
    "SA-Solver": 2,
    "DDPM": 1,
}
"""Of the samplers that have one: the distilled models' have none, DPM adaptive keeps to its own tolerance."""

DOCS = Path(__file__).parents[2] / "docs" / "samplers.md"
BEGIN, END = "<!-- measured -->\n", "<!-- /measured -->\n"


class Coefficients:
    """Noise as new coordinates of a vector, each of variance 1; coordinate 0 is a constant."""

    def __init__(self, most):
        self._size, self._used = most + 1, 0
        self._last = (0.0, 0.0, None)

    def constant(self, value):
        vector = np.zeros(self._size)
        vector[0] = value
        return vector

    def __call__(self):
        self._used += 1
        vector = np.zeros(self._size)
        vector[self._used] = 1
        return vector

    def between(self, sigma, following):
        """An increment; if the last one began there too and ended earlier, this one goes on from it."""
        begun, middle, unit = self._last
        if begun == sigma and middle > following:
            increment = unit * math.sqrt(sigma - middle) + self() * math.sqrt(middle - following)
            return increment / math.sqrt(sigma - following)
        unit = self()
        self._last = (sigma, following, unit)
        return unit


def deviation(vector):
    """The standard deviation of what a vector of coefficients stands for."""
    return math.sqrt(np.sum(vector[1:] ** 2))


def error(name, steps, *, lead=0, eta=None, spread=None):
    """The relative error of the results' deviation: the largest over SPREADS, if not for one.

    The sigmas fall from 10 to 0.1 evenly in the logarithm; a sampler that has a fixed schedule follows that.
    """
    if spread is None:
        return max(error(name, steps, lead=lead, eta=eta, spread=spread) for spread in SPREADS)
    sigmas, steps = way(name, steps, eta)
    noise = Coefficients(3 * steps + 4)
    center, unit = noise.constant(MU), noise()

    def denoise(x, sigma):
        return center + (x - center) * (spread**2 / (spread**2 + sigma**2))

    def exact(sigma):
        return math.sqrt(spread**2 + sigma**2)

    x, memory = center + unit * exact(sigmas[0]), ()
    for index in range(steps):
        move = Move(denoise, noise, sigmas, index, SamplerOptions(eta=eta))
        x, memory = find_sampler(name).step(move, x, memory)
        if index < lead:
            x = center + unit * exact(sigmas[index + 1])
    assert abs(x[0] - MU) < 1e-9
    return abs(deviation(x) / exact(sigmas[steps]) - 1)


ON_ANY_LEVELS = ("UniPC",)
"""Samplers whose steps are made for any sigmas, though they follow a schedule of their own."""


def way(name, steps, eta=None):
    """(sigmas, how many steps to walk over them)."""
    sampler = find_sampler(name)
    if sampler.fixed and name not in ON_ANY_LEVELS:
        sigmas = sampler.sigmas("Automatic", TABLE, steps, SamplerOptions(eta=eta))
        return sigmas, len(sigmas) - 1
    ratio = 100 ** (1 / steps)
    return [10 / ratio**index for index in range(steps + ROOM)], steps


@cache
def order(name):
    """The order measured from 100 to 200 steps, or where it can be.

    PLMS counts on even steps, which the rounding of timesteps leaves to it below 100 only. DPM fast's end
    depends on the number of steps, and its noise hides its order.
    """
    few, many = {"PLMS": (25, 50), "DPM fast": (98, 194)}.get(name, (100, 200))
    lead = LEAD if name in ("LMS", "DEIS") else 0
    coarse, fine = (
        error(name, count, lead=lead, eta=None if name != "DPM fast" else 0.0) for count in (few, many)
    )
    return math.log(coarse / fine) / math.log(many / few)


def table():
    """The lines of the documentation's table."""
    lines = [
        "| Sampler | Evaluations a step | Order | "
        + " | ".join(f"Error, {count} steps" for count in STEPS)
        + " |",
        "|---|---|---|" + "---|" * len(STEPS),
    ]
    for sampler in SAMPLERS:
        if sampler.name in ORDERS:
            errors = " | ".join(f"{error(sampler.name, count):.1e}" for count in STEPS)
            lines.append(
                f"| {sampler.name} | {sampler.evaluations} | {round(order(sampler.name))} | {errors} |"
            )
    return "\n".join(lines) + "\n"


def documented():
    """The table as the documentation has it."""
    return DOCS.read_text(encoding="utf-8").split(BEGIN)[1].split(END)[0]


if __name__ == "__main__":
    before, rest = DOCS.read_text(encoding="utf-8").split(BEGIN)
    DOCS.write_text(before + BEGIN + table() + END + rest.split(END)[1], encoding="utf-8")
