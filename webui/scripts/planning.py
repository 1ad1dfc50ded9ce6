"""From a wish with a script to the cells that it is drawn as."""

from __future__ import annotations

from webui.params import GenerationParams
from webui.params.scripts import PromptMatrix, PromptsFromFile, XYZPlot
from webui.scripts import lines, matrix, xyz
from webui.scripts.plan import Cell, ScriptPlan, Seeds


def plan(params: GenerationParams, seed: int, subseed: int = 0) -> ScriptPlan:
    """The plan of any wish: without a script, of one cell. The same seeds give the same plan.

    `seed` and `subseed` are the settled ones, for where `params` ask for random ones. Names of models,
    samplers and styles are as they were written.

    Raises:
        InvalidParamsError: the script can't be planned; the text says why and the way out.
    """
    seeds = Seeds(
        params.seed if params.seed >= 0 else seed, params.subseed if params.subseed >= 0 else subseed
    )
    match params.script:
        case XYZPlot() as script:
            return xyz.plan(params, script, seeds)
        case PromptMatrix() as script:
            return matrix.plan(params, script, seeds)
        case PromptsFromFile() as script:
            return lines.plan(params, script, seeds)
        case None:
            return ScriptPlan(1, lambda _: Cell(params, seeds.seed, seeds.subseed))
