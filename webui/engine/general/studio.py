"""Drawing with any of diffusers' text-to-image pipelines."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, nullcontext
from functools import partial

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor

from webui import infotext
from webui.engine.general.call import Call, prepare
from webui.engine.general.decoders import on
from webui.engine.general.errors import explained
from webui.engine.general.kinds import Pipeline
from webui.engine.general.latents import unpacked
from webui.engine.general.naming import sampler_of
from webui.engine.general.progress import Progress, Stopped
from webui.engine.general.remembering import remembered_prompts
from webui.engine.general.watch import Listener, fresh, listen
from webui.engine.previews import PreviewBudget, PreviewDecoder, jpegs
from webui.engine.protocol import EngineError, Observer, Order, Picture
from webui.infotext import ModelIdentity
from webui.params import GenerationParams

WARM_UP_SIDE = 256


class GeneralStudio:
    """A pipeline with what is kept ready beside it. Not thread-safe.

    `placing` has the pipeline's networks where they compute, for a block.
    `previews`: from `decoders.preview_decoder`; None: no previews.
    """

    def __init__(
        self,
        pipeline: Pipeline,
        identity: Callable[[], ModelIdentity],
        previews: PreviewDecoder | None = None,
        placing: Callable[[], AbstractContextManager[None]] = nullcontext,
    ) -> None:
        self._pipeline = pipeline
        self._identity = identity
        self._previews = previews
        self._placing = placing
        # Decodes the pictures of a batch one by one: the decoder is what needs most memory.
        slicing = getattr(getattr(pipeline, "vae", None), "enable_slicing", None)
        if slicing:
            slicing()

    def draw(self, order: Order, observer: Observer, already: int = 0) -> None:
        """Draw every picture of `order`, telling `observer`; stops between steps when it says so.

        `already`: how many pictures a first try, since given up, handed over; they aren't drawn again.

        Raises:
            EngineError: the model can't draw this, or gave no usable picture.
        """
        call = prepare(self._pipeline, order.params)
        for notice in [*call.notices, *_missing_parts(self._pipeline)]:
            observer.notice(notice)
        observer.phase("reading the prompt")
        budget = PreviewBudget()
        with self._placing(), remembered_prompts(self._pipeline):
            for iteration, seeds in _batches(order, already):
                progress = Progress(observer, iteration, partial(self._preview, call=call), budget)
                made = self._batch(call, seeds, progress)
                if made and iteration == 1 and made[0].size != (call.width, call.height):
                    observer.notice(_own_size(made[0].size, call))
                for image, seed in zip(made, seeds, strict=False):
                    observer.picture(Picture(image, seed, self._text(order.params, image, seed)))
                if observer.interrupted():
                    return

    def run_once(self) -> None:
        """Run every network once, on a small picture: a process's first run is the slowest."""
        call = prepare(
            self._pipeline, GenerationParams(steps=2, width=WARM_UP_SIDE, height=WARM_UP_SIDE, cfg_scale=2.0)
        )
        with self._placing():
            self._batch(call, [0], None)

    def _batch(self, call: Call, seeds: list[int], listener: Listener | None) -> list[Image.Image]:
        """The pictures of one batch; none if it was interrupted or skipped."""
        pipeline, own = self._pipeline, self._pipeline.scheduler
        pipeline.scheduler = fresh(own)
        if listener:
            listen(pipeline.scheduler, listener)
        generators = [torch.Generator().manual_seed(seed) for seed in seeds]
        try:
            made = pipeline(**call.arguments, generator=generators, num_images_per_prompt=len(seeds))
        except Stopped:
            return []
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

    def _text(self, params: GenerationParams, image: Image.Image, seed: int) -> str:
        sampler = sampler_of(self._pipeline.scheduler)
        told = params.changed(sampler_name=sampler, scheduler="Automatic")
        # Not through validation: what was drawn is told, whatever sizes may be asked for.
        told = told.model_copy(update={"width": image.width, "height": image.height})
        return infotext.write(told, seed, self._identity())


def _batches(order: Order, already: int) -> Iterator[tuple[int, list[int]]]:
    """Number, from 1, and seeds of each batch, without the first `already` pictures."""
    size = order.params.batch_size
    for number in range(order.params.n_iter):
        if places := [place for place in range(number * size, (number + 1) * size) if place >= already]:
            yield number + 1, [order.seed + place for place in places]


def _own_size(size: tuple[int, int], call: Call) -> str:
    # HiDream, for one, keeps the proportions alone.
    return (
        f"This model draws in a size of its own: {size[0]}x{size[1]} instead of {call.width}x{call.height}."
    )


def _missing_parts(pipeline: Pipeline) -> list[str]:
    without_t5 = "text_encoder_3" in pipeline.components and pipeline.components["text_encoder_3"] is None
    if not without_t5:
        return []
    return [
        "Drawn without the T5 text encoder: there is none that can be read (in scaled fp8 it can't be yet). "
        'Long prompts and writing in pictures suffer. Download "T5-XXL text encoder" in the Models tab.'
    ]


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
