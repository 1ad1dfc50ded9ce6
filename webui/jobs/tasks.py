"""What the engine is given for one cell of a job: an order or a repair, its pictures opened."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial

from PIL import Image

from webui.engine.protocol import Inputs, Order, Repair, Training
from webui.imaging.masks import mask_of_alpha
from webui.imaging.reading import PictureError
from webui.imaging.resizing import JUST_RESIZE, resized
from webui.jobs.model import Job
from webui.jobs.pictures import Pictures, Source, refused
from webui.jobs.regions import region_masks
from webui.jobs.training import Trainings
from webui.jobs.wishes import Wishes
from webui.params import GenerationParams, InvalidParamsError
from webui.params.detailer import NO_DETAILER
from webui.params.training import TrainParams
from webui.scripts.plan import Cell, ScriptPlan
from webui.scripts.planning import plan

SMOOTH = Image.Resampling.BILINEAR
"""For masks: Lanczos would ring."""
AT_FIRST = ("inpainting_fill", "scale_by")
"""What is otherwise where a cell starts from the picture of the one before."""
ALIKE = 0.02
"""How far proportions may differ before someone is told."""


@dataclass(frozen=True)
class Task:
    """Work for the engine. `parents` are the finished pictures that its pictures are made from."""

    work: Order | Repair | Training
    notices: tuple[str, ...] = ()
    parents: tuple[str, ...] = ()
    finish: Callable[[Image.Image], Image.Image] = lambda image: image
    """What is done to each picture before it is saved."""


@dataclass(frozen=True)
class Last:
    """The picture that a job has made last, and its name."""

    image: Image.Image
    name: str


class Tasks:
    """From wishes to tasks. `pictures`: None where jobs can't start from any; `trainings`: nor train."""

    def __init__(self, wishes: Wishes, pictures: Pictures | None, trainings: Trainings | None = None) -> None:
        self._wishes = wishes
        self._pictures = pictures
        self._trainings = trainings

    def settle(
        self, owner: str, params: GenerationParams, seed: int, subseed: int, *, keep: bool
    ) -> tuple[GenerationParams, int]:
        """`params` as they can be drawn, and how many batches they make. `keep`: keep the pictures they name.

        Raises:
            InvalidParamsError: they can't be drawn; the text says why and the way out.
            StoreError: the disk is full.
        """
        if params.train:
            return self._settled_training(params, params.train), 1
        size = None
        if self._pictures:
            params = self._pictures.settled(owner, params)
            size = self._pictures.size(owner, params)
        params = self._wishes.settle(params, size)
        rounds = self._wishes.rounds(plan(params, seed, subseed), size)
        if self._pictures and keep:
            self._pictures.use(owner, params)
        return params, rounds

    def _settled_training(self, params: GenerationParams, train: TrainParams) -> GenerationParams:
        trainings = self._able_to_train()
        return trainings.settled(self._wishes.settle(trainings.asked(params)), train)

    def _able_to_train(self) -> Trainings:
        if self._trainings is None:
            raise InvalidParamsError("train", "Nothing can be trained here.")
        return self._trainings

    def plan(self, job: Job) -> ScriptPlan:
        """The cells that `job` is drawn as, one if it has no script; the same each time.

        Raises:
            InvalidParamsError: another version of Darkroom made sense of its script.
        """
        return plan(job.params, job.seed, job.subseed)

    def outline(self, cell: Cell) -> Order | None:
        """The order of a cell without its pictures; None: it is not drawn, or on networks of its own.

        Raises:
            InvalidParamsError: something has gone since it was asked for.
        """
        if cell.params.extras or cell.params.train:
            return None
        return self._wishes.order(cell)[0]

    def task(self, job: Job, cell: Cell, last: Last | None = None) -> Task:
        """The task of a cell of `job`; `last` is what the cell before it has made, if anything.

        Raises:
            InvalidParamsError: something has gone since it was asked for, or a picture can't be drawn from.
        """
        if cell.params.train:
            order, notices = self._wishes.order(cell)
            # One that has given way goes on, even where it was to begin anew.
            train = cell.params.train.model_copy(update={"resume": True} if job.started else {})
            return Task(self._able_to_train().training(order, train), notices)
        going_on = last if cell.from_last else None
        if cell.from_last and not going_on:
            first = {name: getattr(job.params, name) for name in AT_FIRST}
            cell = replace(cell, params=cell.params.changed(**first))
        params = cell.params
        field = "firstpass_image" if params.hires else "init_images"
        source = self._source(job.owner, field, params)
        image = _opened(field, source)
        parents = (source.parent,) if source and source.parent else ()
        if image and (repair := self._wishes.repair(cell, image, source.infotext if source else "")):
            return Task(repair, parents=parents)
        inputs, remarks = self._inputs(job.owner, params, image)
        if going_on:
            inputs, parents = _carried(inputs, going_on.image, params.resize_mode), (going_on.name,)
        order, notices = self._wishes.order(cell, inputs)
        find = partial(self._find, job.owner)
        controls = self._wishes.units.opened(order.params, inputs, find)
        order = replace(order, controls=controls, region_masks=region_masks(order.params, find))
        return Task(order, remarks + notices, parents, partial(self._wishes.units.finished, order))

    def _source(self, owner: str, field: str, params: GenerationParams) -> Source | None:
        """The picture that a field names, the first if there are several."""
        value: str | tuple[str, ...] = getattr(params, field)
        name = value if isinstance(value, str) else next(iter(value), "")
        if not name:
            return None
        with refused(field):
            return self._find(owner, name)

    def _find(self, owner: str, name: str) -> Source:
        if self._pictures is None:
            raise PictureError("Nothing can be drawn from pictures here.")
        return self._pictures.find(owner, name)

    def _inputs(
        self, owner: str, params: GenerationParams, image: Image.Image | None
    ) -> tuple[Inputs, tuple[str, ...]]:
        """The pictures of an order, and what is to be said of them."""
        mask = self._mask(owner, "mask", params) if params.init_images else None
        details = self._mask(owner, "detailer_mask", params) if params.detailer != NO_DETAILER else None
        if mask is None or image is None or mask.size == image.size:
            return Inputs(image, mask, details), ()
        fitted = resized(mask, *image.size, JUST_RESIZE)
        return Inputs(image, fitted, details), _remarks(mask.size, image.size)

    def _mask(self, owner: str, field: str, params: GenerationParams) -> Image.Image | None:
        source = self._source(owner, field, params)
        with refused(field):
            return source.read_mask() if source else None


def _opened(field: str, source: Source | None) -> Image.Image | None:
    with refused(field):
        return source.read() if source else None


def _carried(first: Inputs, image: Image.Image, mode: int) -> Inputs:
    """`image`, made of the one in `first` by resize mode `mode`, with the masks at the same places of it."""
    if first.image is None:
        return replace(first, image=image)

    def moved(mask: Image.Image | None) -> Image.Image | None:
        return resized(mask, *image.size, mode, SMOOTH) if mask else None

    details = first.detail_mask
    if details and details.size == first.image.size:
        details = moved(details)
    return Inputs(image, moved(first.mask or mask_of_alpha(first.image)), details)


def _remarks(mask: tuple[int, int], picture: tuple[int, int]) -> tuple[str, ...]:
    ratio = mask[0] * picture[1] / (mask[1] * picture[0])
    if abs(ratio - 1) <= ALIKE:
        return ()
    sizes = "{}x{}".format(*mask), "{}x{}".format(*picture)
    return (f"The mask is {sizes[0]} and the picture {sizes[1]}: the mask was stretched to it.",)
