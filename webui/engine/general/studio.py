"""Drawing with any of diffusers' text-to-image pipelines."""

from __future__ import annotations

from collections.abc import Callable, Generator, Hashable
from contextlib import AbstractContextManager, contextmanager, nullcontext, suppress
from dataclasses import replace
from functools import partial
from itertools import groupby

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor

from webui import infotext
from webui.engine.batch import Batch, batches
from webui.engine.company import NOBODY, Company
from webui.engine.general.beginning import Beginning, beginning
from webui.engine.general.call import Call, prepare
from webui.engine.general.decoders import on
from webui.engine.general.encoders import missing_parts
from webui.engine.general.errors import explained
from webui.engine.general.kinds import Pipeline
from webui.engine.general.latents import unpacked
from webui.engine.general.loras import PipelineLoras
from webui.engine.general.naming import sampler_of
from webui.engine.general.progress import Progress, Stopped
from webui.engine.general.remembering import remembered_prompts
from webui.engine.general.watch import Listener, fresh, listen
from webui.engine.previews import PreviewBudget, PreviewDecoder, jpegs
from webui.engine.protocol import EngineError, Observer, Order, Picture
from webui.engine.samplers.table import AUTOMATIC
from webui.engine.studio import ALONE, Helpers
from webui.infotext import ModelIdentity
from webui.params import GenerationParams
from webui.prompting.plain import plain

WARM_UP_SIDE = 256
NO_NETWORKS = "This model draws without what the prompt names in <…>."
NO_REFINER = "This model draws without a refiner."
PLAIN_TEXT = (
    "This model reads the prompt as plain text: weights, editing, AND and BREAK have no effect and were left "
    "out."
)


class GeneralStudio:
    """A pipeline with what is kept ready beside it. Not thread-safe.

    `placing` has the pipeline's networks where they compute, for a block.
    `previews`: from `decoders.preview_decoder`; None: no previews.
    `loras`: puts on what prompts name; None: nothing can be.
    """

    def __init__(
        self,
        pipeline: Pipeline,
        identity: Callable[[], ModelIdentity],
        previews: PreviewDecoder | None = None,
        placing: Callable[[], AbstractContextManager[None]] = nullcontext,
        loras: PipelineLoras | None = None,
        company: Company = NOBODY,
    ) -> None:
        self._pipeline = pipeline
        self._loras = loras
        self._company = company
        self._tuning: Hashable = None
        self._identity = identity
        self._previews = previews
        self._placing = placing
        # Decodes the pictures of a batch one by one: the decoder is what needs most memory.
        slicing = getattr(getattr(pipeline, "vae", None), "enable_slicing", None)
        if slicing:
            slicing()

    def draw(self, order: Order, observer: Observer, already: int = 0, helpers: Helpers = ALONE) -> None:
        """Draw every picture of `order`, telling `observer`; stops between steps when it says so.

        `already`: how many pictures a first try, since given up, handed over; they aren't drawn again.
        These pipelines go their way alone: a refiner is not used, which is told.

        Raises:
            EngineError: the model can't draw this, or gave no usable picture.
        """
        told = _Notices(observer)
        told.add(*missing_parts(self._pipeline), *([NO_REFINER] if helpers.refiner else []))
        observer.phase("reading the prompt")
        begin, budget = beginning(self._pipeline, order.inputs, order.params), PreviewBudget()
        told.add(*begin.notices)
        with self._placing(), remembered_prompts(begin.pipeline, lambda: self._tuning):
            for batch in batches(order, already):
                with suppress(Stopped):
                    self._draw(batch, begin, already, observer, budget, told)
                if observer.interrupted():
                    return

    def _draw(
        self,
        batch: Batch,
        begin: Beginning,
        already: int,
        observer: Observer,
        budget: PreviewBudget,
        told: _Notices,
    ) -> None:
        """Draw a batch, in as many calls as it has different prompts; from a picture each by itself.

        Raises:
            Stopped: the person wishes to leave it.
        """
        order, groups = batch.order, _alike(batch, already, together=begin.together)
        for number, places in enumerate(groups):
            call = self._call(order, begin, places[0], told)
            preview = partial(self._preview, call=call)
            progress = Progress(observer, batch.number, preview, budget, number, len(groups), begin.steps)
            seeds = [order.seeds_of(place)[0] for place in places]
            with self._tuned(call, told):
                made = [begin.kept] if begin.kept else self._called(begin.pipeline, call, seeds, progress)
            if made and not begin.kept and made[0].size != (call.width, call.height):
                told.add(_own_size(made[0].size, call))
            for image, place in zip(made, places, strict=False):
                finished = image if begin.kept else begin.finished(image)
                text = self._text(order, place, finished)
                observer.picture(Picture(finished, order.seeds_of(place)[0], text))

    def _call(self, order: Order, begin: Beginning, place: int, told: _Notices) -> Call:
        """The call that draws picture number `place`, whose prompt these pipelines take as plain text."""
        said, emphasis = order.prompt_of(place), order.params.emphasis
        prompt, negative = plain(said.prompt, emphasis), plain(said.negative, emphasis)
        call = begin.call(
            order.params.model_copy(update={"prompt": prompt.text, "negative_prompt": negative.text})
        )
        told.add(*call.notices, *([PLAIN_TEXT] if prompt.lost or negative.lost else []))
        return replace(call, networks=prompt.networks)

    @contextmanager
    def _tuned(self, call: Call, told: _Notices) -> Generator[None]:
        """Have on what the call's prompt names."""
        if self._loras is None or not call.networks:
            told.add(*([NO_NETWORKS] if call.networks else []))
            yield
            return
        with self._loras.on(call.networks, told.add) as self._tuning:
            try:
                yield
            finally:
                self._tuning = None

    def run_once(self) -> None:
        """Run every network once, on a small picture: a process's first run is the slowest."""
        call = prepare(
            self._pipeline, GenerationParams(steps=2, width=WARM_UP_SIDE, height=WARM_UP_SIDE, cfg_scale=2.0)
        )
        with self._placing():
            self._called(self._pipeline, call, [0], None)

    def _called(
        self, pipeline: Pipeline, call: Call, seeds: list[int], listener: Listener | None
    ) -> list[Image.Image]:
        """The pictures of one call.

        Raises:
            Stopped: the listener wished so.
        """
        own = pipeline.scheduler
        pipeline.scheduler = fresh(own)
        if listener:
            listen(pipeline.scheduler, listener)
        generators = [torch.Generator().manual_seed(seed) for seed in seeds]
        try:
            made = pipeline(**call.arguments, generator=generators, num_images_per_prompt=len(seeds))
        except (ImportError, ValueError) as error:
            raise explained(self._identity().name, "can't draw this", error) from error
        finally:
            pipeline.scheduler = own
        return _pictures(made[0])

    def _preview(self, latents: Tensor, call: Call) -> list[bytes]:
        flat = unpacked(self._pipeline, latents, call.width, call.height)
        if flat is None or self._previews is None or flat.shape[1] != self._previews.weight.shape[1]:
            return []
        self._previews = on(self._previews, flat.device)
        return jpegs(self._previews.fitting(flat)(flat))

    def _text(self, order: Order, place: int, image: Image.Image) -> str:
        said = order.prompt_of(place)
        drawn = {
            "sampler_name": sampler_of(self._pipeline.scheduler),
            "width": image.width,
            "height": image.height,
        }
        told = order.told(place, AUTOMATIC).model_copy(update=drawn)
        return infotext.write(
            told,
            self._identity(),
            template=said.template,
            negative_template=said.negative_template,
            loras=self._company.lora_hashes([said.prompt]),
        )


class _Notices:
    """Tells an observer each sentence once."""

    def __init__(self, observer: Observer) -> None:
        self._observer = observer
        self._told = set[str]()

    def add(self, *sentences: str) -> None:
        for sentence in sentences:
            if sentence not in self._told:
                self._told.add(sentence)
                self._observer.notice(sentence)


def _alike(batch: Batch, already: int, *, together: bool) -> list[list[int]]:
    """The batch's pictures after the first `already` of the order; `together`: neighbours of one prompt."""
    left = [place for place in batch.places if place >= already]
    if not together:
        return [[place] for place in left]
    return [list(places) for _, places in groupby(left, batch.order.prompt_of)]


def _own_size(size: tuple[int, int], call: Call) -> str:
    # HiDream, for one, keeps the proportions alone.
    return (
        f"This model draws in a size of its own: {size[0]}x{size[1]} instead of {call.width}x{call.height}."
    )


def _pictures(rgb: NDArray[np.float32]) -> list[Image.Image]:
    """From an array (pictures, height, width, 3) of floats from 0 to 1.

    Raises:
        EngineError: there are numbers in it that are none (NaN).
    """
    if not np.isfinite(rgb).all():
        raise EngineError(
            'The model gave numbers that are none (NaN). Set "Precision" to bf16 or fp32 in the Settings.'
        )
    return [Image.fromarray((picture * 255).round().astype(np.uint8)) for picture in rgb]
