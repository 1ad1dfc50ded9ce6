"""Several pictures to start from: each is drawn from, or mended, on its own."""

from __future__ import annotations

from typing import Any

from webui.params import GenerationParams
from webui.scripts.plan import Cell, ScriptPlan, Seeds


def plan(params: GenerationParams, seeds: Seeds) -> ScriptPlan:
    """A cell for each init image, all with the same seeds; of extras each makes one picture.

    A script stays in the params: who draws them does what it asks for.
    """
    count = len(params.init_images)
    own: dict[str, Any] = {"n_iter": 1, "batch_size": 1} if params.extras else {}

    def cell(number: int) -> Cell:
        made = params.changed(init_images=(params.init_images[number],), **own)
        name = f"Picture {number + 1} of {count}" if count > 1 else ""
        return Cell(made, seeds.seed, seeds.subseed, (number, 0, 0), name)

    return ScriptPlan(count, cell)
