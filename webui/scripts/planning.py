"""From a wish with a script to the cells that it is drawn as."""

from __future__ import annotations

from webui.params import GenerationParams, InvalidParamsError
from webui.params.scripts import Loopback, PromptMatrix, PromptsFromFile, SDUpscale, XYZPlot
from webui.scripts import lines, loopback, matrix, series, xyz
from webui.scripts.plan import Cell, ScriptPlan, Seeds


def plan(params: GenerationParams, seed: int, subseed: int = 0) -> ScriptPlan:
    """The plan of any wish: without a script, of one cell for each picture that it starts from, or of one.

    `seed` and `subseed` are the settled ones, for where `params` ask for random ones. The same seeds give the
    same plan. Names of models, samplers and styles are as they were written.

    Raises:
        InvalidParamsError: the wish can't be planned; the text says why and the way out.
    """
    _check_images(params)
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
        case Loopback() as script:
            return loopback.plan(params, script, seeds)
        case SDUpscale():
            return series.plan(params, seeds)
        case None if params.extras or len(params.init_images) > 1:
            return series.plan(params, seeds)
        case None:
            return ScriptPlan(1, lambda _: Cell(params, seeds.seed, seeds.subseed))


def _check_images(params: GenerationParams) -> None:
    """Refuse what wants a picture and has none, or a script that can't begin with several."""
    script, images = params.script, len(params.init_images)
    if params.extras and script:
        raise InvalidParamsError(
            "script", f"Extras don't draw, so {script.name} has nothing to do: leave it."
        )
    if params.extras and not images:
        raise InvalidParamsError("init_images", "Extras need a picture to work on: choose one.")
    if isinstance(script, Loopback | SDUpscale) and not images:
        raise InvalidParamsError(
            "init_images", f"{script.name} starts from a picture: choose one in img2img."
        )
    if script and not isinstance(script, SDUpscale) and images > 1:
        raise InvalidParamsError(
            "script",
            f"{script.name} starts from one picture, and here are {images:,}. "
            "Leave one of them, or choose no script.",
        )
