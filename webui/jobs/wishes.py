"""From what was asked for to what can be drawn: names found, gaps filled, scripts planned."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

from PIL import Image
from pydantic import ValidationError

from webui.catalog.catalog import Catalog
from webui.catalog.entry import CLASSIC, ModelFile
from webui.catalog.upscalers import find_upscaler
from webui.engine.protocol import Inputs, Order, Repair
from webui.engine.samplers.table import AUTOMATIC, find_sampler, find_schedule, split_combined
from webui.imaging.detectors import find_detector
from webui.imaging.preprocessors.built_in import weightless
from webui.imaging.preprocessors.table import Preprocessors
from webui.jobs import second_pass
from webui.jobs.abilities import check_latents, check_regions, check_start, usable
from webui.jobs.control_units import ControlUnits
from webui.jobs.mending import files_of, repair_of, settled
from webui.jobs.sizes import check_mended, sized
from webui.params import GenerationParams, InvalidParamsError, message
from webui.params.detailer import NO_DETAILER
from webui.params.scripts import SDUpscale
from webui.prompting.book import PromptBook
from webui.prompting.dynamic_limits import Allowance
from webui.scripts.plan import Cell, ScriptPlan, check_count

NO_INPUTS = Inputs()
MAX_LETTERS = 5_000_000
"""Of all the different prompts of a job, each of which is read before it is queued."""
NAMES = (
    *("checkpoint", "vae", "sampler_name", "scheduler", "refiner_checkpoint", "detailer", "script"),
    *("enable_hr", "hr_upscaler", "hr_sampler_name", "hr_scheduler", "hr_checkpoint_name", "control"),
)
TEXTS = (
    *("prompt", "negative_prompt", "hr_prompt", "hr_negative_prompt"),
    *("detailer_prompt", "detailer_negative_prompt"),
)
SIZES = (
    *("width", "height", "batch_size", "scale_by", "enable_hr", "hr_scale", "hr_resize_x", "hr_resize_y"),
    *("outpaint_left", "outpaint_right", "outpaint_up", "outpaint_down"),
)
PROMPTS = (*TEXTS, "regions", "styles", "dynamic_prompts")


class Wishes:
    """Settles wishes by what there is. `book`: None leaves prompts as they are written.

    `preprocessors`: None are those that need no files. `units` settles and opens ControlNet units.
    """

    def __init__(
        self, catalog: Catalog, book: PromptBook | None = None, preprocessors: Preprocessors | None = None
    ) -> None:
        self._catalog = catalog
        self._book = book
        self.units = ControlUnits(catalog, preprocessors or weightless())

    def settle(self, params: GenerationParams, size: tuple[int, int] | None = None) -> GenerationParams:
        """`params` with their gaps filled as the checkpoint wants, and names as they are proper.

        `size` is that of the one picture that they start from, if there is just one.

        Raises:
            InvalidParamsError: an unknown name of a model, sampler, upscaler or such, or what can't be drawn
                from that picture.
        """
        self._catalog.keep_up()
        if params.extras:
            if size:
                check_mended(params.extras, size)
            return params.changed(extras=settled(self._catalog, params.extras))
        checkpoint = self._catalog.find(params.checkpoint)
        try:
            params = params.completed(checkpoint.defaults)
        except ValidationError as error:
            # The checkpoint's own height with a width that was asked for can be too large together.
            raise InvalidParamsError("width", message(error.errors()[0])) from error
        names = self._names(params, checkpoint) if params.script is None else self._own_names(params)
        named = params.changed(**names, checkpoint=checkpoint.name)
        # The cells of a script may be drawn by other checkpoints, which can use what this one can't.
        able = named if params.script else usable(named, checkpoint)
        return sized(able, size) if size else able

    def rounds(self, planned: ScriptPlan, size: tuple[int, int] | None = None) -> int:
        """How many batches the cells make. All of them are looked at, so that none fails hours later.

        `size` is that of the one picture that they start from, if there is just one.

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
                letters += sum(len(getattr(cell.params, name)) for name in TEXTS)
                letters += sum(len(region.prompt) for region in cell.params.regions)
                self._check(cell, letters, allowance)
            # What starts from the cell before it has the size of that.
            sides = hash(tuple(getattr(cell.params, name) for name in SIZES))
            if size and not cell.from_last and not cell.params.extras and sides not in known:
                known.add(sides)
                with _named(cell):
                    sized(cell.params, size)
        return rounds

    def _check(self, cell: Cell, letters: int, allowance: Allowance) -> None:
        if letters > MAX_LETTERS:
            raise InvalidParamsError(
                "script", f"All prompts together are longer than {MAX_LETTERS:,} characters. Make fewer."
            )
        if cell.params.extras:
            return
        with _named(cell):
            self._names(cell.params, self._catalog.find(cell.params.checkpoint))
            if self._book:
                self._book.check(cell.params, allowance)

    def order(self, cell: Cell, inputs: Inputs = NO_INPUTS) -> tuple[Order, tuple[str, ...]]:
        """A cell as the engine is given it, and what the person should know of its prompts.

        Raises:
            InvalidParamsError: a model has gone since it was asked for, or a wildcard; or the picture that it
                starts from is of a size that can't be drawn.
        """
        checkpoint = self._catalog.find(cell.params.checkpoint)
        params = cell.params.changed(**self._names(cell.params, checkpoint), checkpoint=checkpoint.name)
        params = usable(params, checkpoint)
        params = sized(params, inputs.image.size) if inputs.image else params
        order = Order(
            params,
            checkpoint,
            cell.seed,
            self._catalog.find_vae(params.vae, checkpoint),
            cell.subseed,
            self._catalog.find(params.refiner_checkpoint) if params.refiner_checkpoint else None,
            inputs=inputs,
            hires_checkpoint=second_pass.checkpoint_of(params, self._catalog) if params.hires else None,
            upscalers=files_of(self._catalog, _upscalers(params)),
        )
        if self._book is None:
            return order, ()
        seeds = [order.seeds_of(place)[0] for place in range(cell.pictures)]
        prepared = self._book.prepare(params, seeds)
        return replace(order, prompts=prepared.prompts), prepared.notices

    def repair(self, cell: Cell, image: Image.Image, infotext: str) -> Repair | None:
        """What Extras are to do to `image`, as the engine is given it; None: the cell is to be drawn.

        Raises:
            InvalidParamsError: an upscaler has gone since it was asked for, or it would be too large.
        """
        extras = cell.params.extras
        return repair_of(self._catalog, extras, image, infotext) if extras else None

    def _names(self, params: GenerationParams, checkpoint: ModelFile) -> dict[str, Any]:
        """The fields that are names, as they are proper."""
        check_start(params, checkpoint)
        check_regions(params, checkpoint)
        vae = self._catalog.find_vae(params.vae, checkpoint)
        words = {"automatic": "Automatic", "none": "None"}
        hires = {"hr_checkpoint_name": self._hires_checkpoint(params, checkpoint)} if params.hires else {}
        return {
            **self._own_names(params),
            "vae": words.get(params.vae.lower(), vae.name if vae else ""),
            "refiner_checkpoint": self._refiner(params.refiner_checkpoint, checkpoint),
            "control": self.units.settled(params, checkpoint),
            **hires,
        }

    def _own_names(self, params: GenerationParams) -> dict[str, Any]:
        """Those of them that are the same for every checkpoint."""
        sampler, schedule = split_combined(params.sampler_name)
        asked = find_schedule(params.scheduler)
        detector = find_detector(params.detailer)
        names: dict[str, Any] = {
            "sampler_name": find_sampler(sampler).name,
            "scheduler": schedule if schedule and asked == AUTOMATIC else asked,
            "detailer": detector.name if detector else NO_DETAILER,
        }
        if detector and detector.needs_mask and not params.detailer_mask:
            raise InvalidParamsError("detailer_mask", f"{detector.name} finds what a mask shows: choose one.")
        if isinstance(params.script, SDUpscale):
            upscaler = find_upscaler(self._catalog, params.script.upscaler, "script")
            names["script"] = params.script.model_copy(update={"upscaler": upscaler.name})
        return names | second_pass.proper_names(params, self._catalog) if params.hires else names

    def _refiner(self, name: str, checkpoint: ModelFile) -> str:
        if not name or name.lower() == "none" or checkpoint.identity.family not in CLASSIC:
            return ""
        try:
            refiner = self._catalog.find(name)
        except InvalidParamsError as error:
            raise InvalidParamsError("refiner_checkpoint", f"Refiner: {error}") from error
        check_latents("refiner_checkpoint", refiner, checkpoint)
        return refiner.name

    def _hires_checkpoint(self, params: GenerationParams, checkpoint: ModelFile) -> str:
        second = second_pass.checkpoint_of(params, self._catalog)
        if second is None or checkpoint.identity.family not in CLASSIC:
            return ""
        check_latents("hr_checkpoint_name", second, checkpoint)
        return second.name


@contextmanager
def _named(cell: Cell) -> Generator[None]:
    """Refusals begin with the cell's name, if it has one."""
    try:
        yield
    except InvalidParamsError as error:
        if not cell.name:
            raise
        raise InvalidParamsError("script", f"{cell.name[:200]}: {error}") from error


def _upscalers(params: GenerationParams) -> list[str]:
    """The names of what enlarges pictures on the way."""
    script = params.script
    return second_pass.upscaler_of(params) + ([script.upscaler] if isinstance(script, SDUpscale) else [])
