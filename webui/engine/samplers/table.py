"""The one table of samplers and schedule types. A new sampler is a function in steps.py and a line here."""

from __future__ import annotations

import math
from dataclasses import dataclass

from webui.engine.samplers import schedules, steps
from webui.engine.samplers.schedules import NoiseTable, Schedule
from webui.engine.samplers.steps import Step
from webui.params import InvalidParamsError

AUTOMATIC = "Automatic"


@dataclass(frozen=True)
class Sampler:
    """A sampler as A1111 users know it.

    `automatic` is what the schedule type "Automatic" means for it, if not Uniform. One with a `fixed`
    schedule follows that whatever is asked for. `keeps_variance` tells that it begins at x of variance
    1 + sigma**2 rather than
    sigma**2.
    """

    name: str
    aliases: tuple[str, ...]
    step: Step
    automatic: str | None = None
    fixed: Schedule | None = None
    keeps_variance: bool = False

    def start(self, sigma: float) -> float:
        """What unit noise is multiplied by to begin at `sigma`."""
        return math.sqrt(1 + sigma**2) if self.keeps_variance else sigma

    def schedule_name(self, scheduler: str) -> str:
        """The schedule type as infotexts tell it: `automatic` stands for "Automatic" where there is one."""
        return self.automatic if scheduler == AUTOMATIC and self.automatic else scheduler

    def sigmas(self, scheduler: str, table: NoiseTable, count: int) -> list[float]:
        """The sigmas of a walk of `count` steps, falling; one more than `count`."""
        schedule = self.fixed or SCHEDULES.get(self.schedule_name(scheduler), schedules.uniform)
        return [float(sigma) for sigma in schedule(table, count)]


SAMPLERS = (
    Sampler("DPM++ 2M", ("k_dpmpp_2m",), steps.dpmpp_2m, automatic="Karras"),
    Sampler("Euler a", ("k_euler_a", "k_euler_ancestral"), steps.euler_ancestral),
    Sampler("Euler", ("k_euler",), steps.euler),
    Sampler("DDIM", (), steps.euler, fixed=schedules.ddim, keeps_variance=True),
    Sampler("UniPC", (), steps.unipc, keeps_variance=True),
)

SCHEDULES: dict[str, Schedule] = {
    "Uniform": schedules.uniform,
    "Karras": schedules.karras,
    "Exponential": schedules.exponential,
}

SAMPLER_NAMES = [sampler.name for sampler in SAMPLERS]
SCHEDULE_NAMES = [AUTOMATIC, *SCHEDULES]


def find_sampler(name: str) -> Sampler:
    """The sampler of that name or alias, in any letter case.

    Raises:
        InvalidParamsError: there is none.
    """
    for sampler in SAMPLERS:
        if name.lower() in (known.lower() for known in (sampler.name, *sampler.aliases)):
            return sampler
    raise InvalidParamsError(
        "sampler_name", f'There is no sampler "{name}". Choose one of: {", ".join(SAMPLER_NAMES)}.'
    )


def find_schedule(name: str) -> str:
    """The schedule type's proper name, for `name` in any letter case.

    Raises:
        InvalidParamsError: there is none.
    """
    for known in SCHEDULE_NAMES:
        if name.lower() == known.lower():
            return known
    raise InvalidParamsError(
        "scheduler", f'There is no schedule type "{name}". Choose one of: {", ".join(SCHEDULE_NAMES)}.'
    )
