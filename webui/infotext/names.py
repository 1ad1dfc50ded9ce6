"""Samplers and schedule types under all the names that programs have given them, and names of choices."""

from __future__ import annotations

SAMPLERS = (
    "DPM++ 2M",
    "DPM++ SDE",
    "DPM++ 2M SDE",
    "DPM++ 2M SDE Heun",
    "DPM++ 2S a",
    "DPM++ 3M SDE",
    "Euler a",
    "Euler",
    "LMS",
    "Heun",
    "DPM2",
    "DPM2 a",
    "DPM fast",
    "DPM adaptive",
    "Restart",
    "DDIM",
    "DDIM CFG++",
    "PLMS",
    "UniPC",
    "LCM",
    "DEIS",
    "DDPM",
    "TCD",
    "SA-Solver",
)
SCHEDULES = (
    "Automatic",
    "Uniform",
    "Karras",
    "Exponential",
    "Polyexponential",
    "SGM Uniform",
    "KL Optimal",
    "Align Your Steps",
    "Simple",
    "Normal",
    "DDIM",
    "Beta",
    "Turbo",
    "Align Your Steps GITS",
    "Align Your Steps 11",
    "Align Your Steps 32",
)

RESIZE_MODES = ("Just resize", "Crop and resize", "Resize and fill", "Just resize (latent upscale)")
"""By the numbers that `resize_mode` has."""
MASKED_CONTENTS = ("fill", "original", "latent noise", "latent nothing")
"""By the numbers that `inpainting_fill` has."""

OTHER_SAMPLERS = {
    "unipcbh2": "UniPC",
    "unipcbh1": "UniPC",
    "ddpmcfg++": "DDIM CFG++",
    "dpm++2s": "DPM++ 2S a",
    "dpmad": "DPM adaptive",
    "kdpm2": "DPM2",
    "kdpm2a": "DPM2 a",
    "pndm": "PLMS",
    "ddimv3": "DDIM",
    "dpm++": "DPM++ 2M",
    "dpmsolvermultistep": "DPM++ 2M",
    "eulera": "Euler a",
    "lmsd": "LMS",
    "lmsdiscrete": "LMS",
}
OTHER_SCHEDULES = {
    "ddimuniform": "DDIM",
    "ays": "Align Your Steps",
    "aysgits": "Align Your Steps GITS",
    "ays11": "Align Your Steps 11",
    "ays32": "Align Your Steps 32",
    "ays11steps": "Align Your Steps 11",
    "ays32steps": "Align Your Steps 32",
    "native": "Uniform",
    "default": "Automatic",
    "sgm": "SGM Uniform",
}

OLD_UNIFORM = (
    "DPM++ 2M",
    "DPM++ SDE",
    "DPM++ 2M SDE",
    "DPM++ 2M SDE Heun",
    "DPM++ 2S a",
    "DPM++ 3M SDE",
    "DPM2",
    "DPM2 a",
)
"""Samplers that A1111 walked with the Uniform schedule before 1.9, and since then with another."""


def find_sampler(name: str) -> str | None:
    """A1111's name of the sampler that it, ComfyUI, NovelAI, InvokeAI or Fooocus calls `name`."""
    folded = _fold_sampler(name)
    return SAMPLER_OF.get(folded) or SAMPLER_OF.get(folded.removeprefix("k"))


def find_schedule(name: str) -> str | None:
    """A1111's name of the schedule type."""
    return SCHEDULE_OF.get(_fold(name))


def find_both(name: str) -> tuple[str | None, str | None]:
    """Sampler and schedule type of a name that may tell both, such as "DPM++ 2M Karras" or "dpmpp_2m_k"."""
    if sampler := find_sampler(name):
        return sampler, None
    for ending, schedule in ENDINGS:
        if name.lower().endswith(ending):
            return find_sampler(name[: -len(ending)]), schedule
    return None, None


def _fold(name: str) -> str:
    return "".join(sign for sign in name.lower() if sign not in " _-")


def _fold_sampler(name: str) -> str:
    folded = _fold(name).removesuffix("gpu").replace("dpmpp", "dpm++").replace("cfgpp", "cfg++")
    return folded.replace("ancestral", "a")


SAMPLER_OF = {_fold_sampler(name): name for name in SAMPLERS} | OTHER_SAMPLERS
SCHEDULE_OF = {_fold(name): name for name in SCHEDULES} | OTHER_SCHEDULES
ENDINGS = (
    *((f" {name.lower()}", name) for name in sorted(SCHEDULES, key=len, reverse=True)),
    ("_k", "Karras"),
    ("_ka", "Karras"),
    ("_karras", "Karras"),
    ("_exp", "Exponential"),
    ("_exponential", "Exponential"),
)
