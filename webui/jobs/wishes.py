"""From what was asked for to what can be drawn: names found, gaps filled, scripts planned."""

from __future__ import annotations

from dataclasses import replace

from pydantic import ValidationError

from webui.catalog.catalog import Catalog
from webui.catalog.entry import CLASSIC, ModelFile
from webui.engine.general.naming import sampler_of
from webui.engine.protocol import Order
from webui.engine.samplers.table import AUTOMATIC, find_sampler, find_schedule, split_combined
from webui.params import GenerationParams, InvalidParamsError, message
from webui.prompting.book import PromptBook
from webui.prompting.dynamic_limits import Allowance
from webui.scripts.plan import Cell, ScriptPlan, check_count

PIPELINES_USE = (
    *("prompt", "negative_prompt", "styles", "dynamic_prompts", "emphasis", "script", "checkpoint", "vae"),
    *("width", "height", "batch_size", "n_iter", "seed", "steps", "cfg_scale"),
)
"""What diffusers' own pipelines can be told; all else means something to our own loop only."""
MAX_LETTERS = 5_000_000
"""Of all the different prompts of a job, each of which is read before it is queued."""
NAMES = ("checkpoint", "vae", "sampler_name", "scheduler", "refiner_checkpoint")
PROMPTS = ("prompt", "negative_prompt", "styles", "dynamic_prompts")


class Wishes:
    """Settles wishes by what there is. `book`: None leaves prompts as they are written."""

    def __init__(self, catalog: Catalog, book: PromptBook | None = None) -> None:
        self._catalog = catalog
        self._book = book

    def settle(self, params: GenerationParams) -> GenerationParams:
        """`params` with their gaps filled as the checkpoint wants, and names as they are proper.

        Raises:
            InvalidParamsError: an unknown sampler, schedule type or model.
        """
        checkpoint = self._catalog.find(params.checkpoint)
        try:
            params = params.completed(checkpoint.defaults)
        except ValidationError as error:
            # The checkpoint's own height with a width that was asked for can be too large together.
            raise InvalidParamsError("width", message(error.errors()[0])) from error
        names = self._names(params, checkpoint) if params.script is None else self._own_names(params)
        named = params.changed(**names, checkpoint=checkpoint.name)
        # The cells of a script may be drawn by other checkpoints, which can use what this one can't.
        return named if params.script else _usable(named, checkpoint)

    def rounds(self, planned: ScriptPlan) -> int:
        """How many batches the cells make. All of them are looked at, so that none fails hours later.

        Raises:
            InvalidParamsError: a cell can't be drawn; the text names it.
        """
        known: set[int] = set()
        allowance = Allowance()
        rounds = pictures = letters = 0
        for cell in planned.cells():
            rounds += cell.params.n_iter
            pictures += cell.pictures
            if planned.count > 1:
                check_count(pictures)
            # Only hashes are kept: the prompts of thousands of cells would take gigabytes.
            marks = {hash(tuple(getattr(cell.params, name) for name in group)) for group in (NAMES, PROMPTS)}
            if not known.issuperset(marks):
                known.update(marks)
                letters += len(cell.params.prompt) + len(cell.params.negative_prompt)
                self._check(cell, letters, allowance)
        return rounds

    def _check(self, cell: Cell, letters: int, allowance: Allowance) -> None:
        if letters > MAX_LETTERS:
            raise InvalidParamsError(
                "script", f"All prompts together are longer than {MAX_LETTERS:,} characters. Make fewer."
            )
        try:
            self._names(cell.params, self._catalog.find(cell.params.checkpoint))
            if self._book:
                self._book.check(cell.params, allowance)
        except InvalidParamsError as error:
            if not cell.name:
                raise
            raise InvalidParamsError("script", f"{cell.name[:200]}: {error}") from error

    def order(self, cell: Cell) -> tuple[Order, tuple[str, ...]]:
        """A cell as the engine is given it, and what the person should know of its prompts.

        Raises:
            InvalidParamsError: a model has gone since it was asked for, or a wildcard.
        """
        checkpoint = self._catalog.find(cell.params.checkpoint)
        params = cell.params.changed(**self._names(cell.params, checkpoint), checkpoint=checkpoint.name)
        params = _usable(params, checkpoint)
        refiner = self._catalog.find(params.refiner_checkpoint) if params.refiner_checkpoint else None
        vae = self._catalog.find_vae(params.vae, checkpoint)
        order = Order(params, checkpoint, cell.seed, vae, cell.subseed, refiner)
        if self._book is None:
            return order, ()
        seeds = [order.seeds_of(place)[0] for place in range(cell.pictures)]
        prepared = self._book.prepare(params, seeds)
        return replace(order, prompts=prepared.prompts), prepared.notices

    def _names(self, params: GenerationParams, checkpoint: ModelFile) -> dict[str, str]:
        """The fields that are names, as they are proper."""
        vae = self._catalog.find_vae(params.vae, checkpoint)
        words = {"automatic": "Automatic", "none": "None"}
        return {
            **self._own_names(params),
            "vae": words.get(params.vae.lower(), vae.name if vae else ""),
            "refiner_checkpoint": self._refiner(params.refiner_checkpoint, checkpoint),
        }

    @staticmethod
    def _own_names(params: GenerationParams) -> dict[str, str]:
        """Those of them that are the same for every checkpoint."""
        sampler, schedule = split_combined(params.sampler_name)
        asked = find_schedule(params.scheduler)
        return {
            "sampler_name": find_sampler(sampler).name,
            "scheduler": schedule if schedule and asked == AUTOMATIC else asked,
        }

    def _refiner(self, name: str, checkpoint: ModelFile) -> str:
        if not name or name.lower() == "none" or checkpoint.identity.family not in CLASSIC:
            return ""
        try:
            refiner = self._catalog.find(name)
        except InvalidParamsError as error:
            raise InvalidParamsError("refiner_checkpoint", f"Refiner: {error}") from error
        if _latents(refiner) != _latents(checkpoint):
            raise InvalidParamsError(
                "refiner_checkpoint",
                f'"{refiner.name}" can\'t refine what "{checkpoint.name}" draws: their latents differ. '
                "Choose a refiner of the same family.",
            )
        return refiner.name


def _latents(model: ModelFile) -> str:
    """What a model's latents are like; a refiner goes on with another's only if they are alike."""
    family = model.identity.family
    return {"sd2": "sd1", "sdxl-refiner": "sdxl"}.get(family, family)


def _usable(params: GenerationParams, checkpoint: ModelFile) -> GenerationParams:
    """`params` less what `checkpoint` can't use.

    diffusers' own pipelines bring their sampler and know nothing of most fields.
    """
    if checkpoint.identity.family in CLASSIC:
        return params
    others = {
        name: info.get_default()
        for name, info in GenerationParams.model_fields.items()
        if name not in PIPELINES_USE
    }
    return params.changed(**{**others, "sampler_name": sampler_of(checkpoint), "scheduler": AUTOMATIC})
