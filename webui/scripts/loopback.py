"""Loopback: img2img over and over, each picture drawn from the one before."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

from webui.params import GenerationParams, InvalidParamsError
from webui.params.scripts import Loopback
from webui.scripts.plan import Cell, Layout, ScriptPlan, Seeds, wrapped

CURVES: dict[str, Callable[[float], float]] = {
    "Aggressive": lambda progress: math.sin(progress * math.pi / 2),
    "Linear": lambda progress: progress,
    "Lazy": lambda progress: 1 - math.cos(progress * math.pi / 2),
}
"""How far the strength has gone from the first to the final one, by the share of the loops that are done."""
DIGITS = 6
ORIGINAL = 1
"""The masked content that all loops but the first start from: what the one before has drawn."""


def plan(params: GenerationParams, script: Loopback, seeds: Seeds) -> ScriptPlan:
    """A cell of one picture for each loop; batches, one after the other, begin anew with the init image.

    The seed counts up by one with each picture, as in A1111. The script stays in the params, to be told.

    Raises:
        InvalidParamsError: there is room to paint around the picture, which each loop would add again.
    """
    if any(params.outpaint):
        raise InvalidParamsError(
            "script", "Loopback can't paint around a picture. Outpaint first, then loop from what came of it."
        )
    count = script.loops * params.n_iter

    def cell(number: int) -> Cell:
        batch, loop = divmod(number, script.loops)
        seed = wrapped(seeds.seed + number)
        own = {"n_iter": 1, "batch_size": 1, "seed": seed, "subseed": seeds.subseed}
        own |= {
            "denoising_strength": strength(params.denoising_strength, script, loop),
            **_again(params, loop),
        }
        name = f"Loop {loop + 1} of {script.loops}"
        if params.n_iter > 1:
            name += f", batch {batch + 1} of {params.n_iter}"
        return Cell(params.changed(**own), seed, seeds.subseed, (loop, batch, 0), name, loop > 0)

    layout = Layout(((),) * script.loops, ((),) * params.n_iter) if count > 1 else None
    return ScriptPlan(count, cell, layout)


def strength(first: float, script: Loopback, loop: int) -> float:
    """The denoising strength of a loop, from 0: from `first` to the final one along the curve."""
    if script.loops == 1:
        return first
    gone = CURVES[script.denoising_curve](loop / (script.loops - 1))
    return round(first + (script.final_denoising_strength - first) * gone, DIGITS)


def _again(params: GenerationParams, loop: int) -> dict[str, Any]:
    """What is otherwise once there is a picture of the size that was asked for."""
    if not loop:
        return {}
    return {"inpainting_fill": ORIGINAL, "scale_by": 1.0 if params.scale_by else 0.0}
