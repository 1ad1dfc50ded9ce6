"""The one table of samplers, in A1111's order. A new sampler is a step function and a line here."""

from __future__ import annotations

import re

from webui.engine.samplers import (
    adaptive,
    consistency,
    dpm2,
    dpmpp,
    euler,
    fast,
    heun,
    multistep,
    restart,
    sa_solver,
    schedules,
    sde,
    unipc,
)
from webui.engine.samplers.sampler import Sampler
from webui.engine.samplers.schedule_types import (
    AUTOMATIC,
    SCHEDULE_NAMES,
    SCHEDULES,
    find_schedule,
    knows_schedule,
)
from webui.engine.samplers.schedules import NoiseTable
from webui.params import InvalidParamsError

__all__ = [
    "AUTOMATIC",
    "SAMPLERS",
    "SAMPLER_NAMES",
    "SCHEDULES",
    "SCHEDULE_NAMES",
    "Sampler",
    "find_sampler",
    "find_schedule",
    "split_combined",
]


def _distilled(table: NoiseTable) -> NoiseTable:
    return table.thinned(consistency.DISTILLED_STEPS)


# fmt: off
SAMPLERS = (
    Sampler("DPM++ 2M", ("k_dpmpp_2m", "dpmpp_2m"), dpmpp.dpmpp_2m, automatic="Karras"),
    Sampler("DPM++ SDE", ("k_dpmpp_sde", "dpmpp_sde"), sde.dpmpp_sde, automatic="Karras", evaluations=2,
            brownian=True),
    Sampler("DPM++ 2M SDE", ("k_dpmpp_2m_sde", "dpmpp_2m_sde"), sde.dpmpp_2m_sde, automatic="Exponential",
            brownian=True),
    Sampler("DPM++ 2M SDE Heun", ("k_dpmpp_2m_sde_heun", "dpmpp_2m_sde_heun"), sde.dpmpp_2m_sde_heun,
            automatic="Exponential", brownian=True),
    Sampler("DPM++ 2S a", ("k_dpmpp_2s_a", "dpmpp_2s_ancestral"), dpmpp.dpmpp_2s_ancestral,
            automatic="Karras", evaluations=2),
    Sampler("DPM++ 3M SDE", ("k_dpmpp_3m_sde", "dpmpp_3m_sde"), sde.dpmpp_3m_sde, automatic="Exponential",
            discards=True, brownian=True),
    Sampler("Euler a", ("k_euler_a", "k_euler_ancestral", "euler_ancestral"), euler.euler_ancestral),
    Sampler("Euler", ("k_euler",), euler.euler),
    Sampler("LMS", ("k_lms",), multistep.lms),
    Sampler("Heun", ("k_heun",), heun.heun, evaluations=2),
    Sampler("DPM2", ("k_dpm_2", "dpm_2"), dpm2.dpm2, automatic="Karras", evaluations=2, discards=True),
    Sampler("DPM2 a", ("k_dpm_2_a", "dpm_2_ancestral"), dpm2.dpm2_ancestral, automatic="Karras",
            evaluations=2, discards=True),
    Sampler("DPM fast", ("k_dpm_fast", "dpm_fast"), fast.dpm_fast, own=fast.fast_sigmas, fixed=True,
            spans=True),
    Sampler("DPM adaptive", ("k_dpm_ad", "dpm_adaptive"), adaptive.dpm_adaptive,
            own=adaptive.adaptive_sigmas, fixed=True, spans=True, progress=adaptive.progress),
    Sampler("Restart", (), restart.restart, automatic="Karras", evaluations=2, path=restart.with_restarts),
    Sampler("DDIM", (), euler.ddim, own=schedules.ddim_own, fixed=True, keeps_variance=True),
    Sampler("DDIM CFG++", ("ddim_cfgpp",), euler.ddim_cfgpp, own=schedules.ddim_own, fixed=True,
            keeps_variance=True, cfg_factor=1 / 12.5, needs_unconditional=True),
    Sampler("PLMS", (), multistep.plms, own=schedules.ddim_own, fixed=True, keeps_variance=True),
    Sampler("UniPC", ("uni_pc",), unipc.unipc, own=schedules.unipc_own, fixed=True, keeps_variance=True),
    Sampler("LCM", ("k_lcm",), consistency.lcm, known=_distilled),
    Sampler("TCD", ("k_tcd",), consistency.tcd, own=consistency.tcd_schedule, keeps_variance=True,
            path=consistency.with_overshoot),
    Sampler("DEIS", ("k_deis",), multistep.deis, automatic="Karras"),
    Sampler("SA-Solver", ("sa_solver", "k_sa_solver"), sa_solver.sa_solver, automatic="Karras"),
    Sampler("DDPM", ("k_ddpm",), euler.ddpm),
)
# fmt: on

SAMPLER_NAMES = [sampler.name for sampler in SAMPLERS]

_KNOWN = {name.lower(): sampler for sampler in SAMPLERS for name in (sampler.name, *sampler.aliases)}


def find_sampler(name: str) -> Sampler:
    """The sampler of that name or alias, in any letter case.

    Raises:
        InvalidParamsError: there is none.
    """
    if found := _KNOWN.get(name[:100].strip().lower()):
        return found
    raise InvalidParamsError(
        "sampler_name", f'There is no sampler "{name[:100]}". Choose one of: {", ".join(SAMPLER_NAMES)}.'
    )


def split_combined(name: str) -> tuple[str, str | None]:
    """The proper names of sampler and schedule type in one name, as A1111 wrote both before version 1.9.

    "DPM++ 2M Karras" and "k_dpmpp_2m_ka" are ("DPM++ 2M", "Karras"); "Euler a" is ("Euler a", None).

    Raises:
        InvalidParamsError: there is no such sampler, with or without a schedule type after it.
    """
    name = name.strip()
    if name.lower() not in _KNOWN:
        for space in re.finditer("[ _]", name[:100]):
            sampler, schedule = _KNOWN.get(name[: space.start()].lower()), name[space.end() :]
            if sampler and knows_schedule(schedule):
                return sampler.name, find_schedule(schedule)
    return find_sampler(name).name, None
