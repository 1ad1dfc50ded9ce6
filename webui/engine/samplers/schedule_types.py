"""The table of schedule types. A new one is a function in schedules.py and a line here."""

from __future__ import annotations

from webui.engine.samplers import align_your_steps, schedules
from webui.engine.samplers.schedules import Schedule
from webui.params import InvalidParamsError

AUTOMATIC = "Automatic"

SCHEDULES: dict[str, Schedule] = {
    "Uniform": schedules.uniform,
    "Karras": schedules.karras,
    "Exponential": schedules.exponential,
    "Polyexponential": schedules.polyexponential,
    "SGM Uniform": schedules.sgm_uniform,
    "KL Optimal": schedules.kl_optimal,
    "Align Your Steps": align_your_steps.align_your_steps,
    "Simple": schedules.simple,
    "Normal": schedules.normal,
    "DDIM": schedules.ddim,
    "Beta": schedules.beta,
    "Turbo": schedules.turbo,
    "Align Your Steps GITS": align_your_steps.gits,
    "Align Your Steps 11": align_your_steps.align_your_steps,
    "Align Your Steps 32": align_your_steps.align_your_steps_32,
}

SCHEDULE_NAMES = [AUTOMATIC, *SCHEDULES]

_ALIASES = {"ays": "Align Your Steps", "ddim_uniform": "DDIM", "ka": "Karras", "exp": "Exponential"}


def _plain(name: str) -> str:
    return name.strip().lower().replace(" ", "").replace("_", "")


_KNOWN = {
    _plain(name): proper for name, proper in [*((name, name) for name in SCHEDULE_NAMES), *_ALIASES.items()]
}


def knows_schedule(name: str) -> bool:
    """Whether `find_schedule` finds it."""
    return len(name) <= 100 and _plain(name) in _KNOWN


def find_schedule(name: str) -> str:
    """The schedule type's proper name for a label or an API name ("sgm_uniform"), in any letter case.

    Raises:
        InvalidParamsError: there is none.
    """
    if knows_schedule(name):
        return _KNOWN[_plain(name)]
    raise InvalidParamsError(
        "scheduler", f'There is no schedule type "{name[:100]}". Choose one of: {", ".join(SCHEDULE_NAMES)}.'
    )
