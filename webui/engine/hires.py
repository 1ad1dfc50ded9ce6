"""Hires fix: what was drawn small is enlarged, and drawn over at its new size.

It keeps the composition that a model finds at the size it was trained at. What enlarges works on the latents
or on the picture that they stand for; the second pass is img2img of what comes out, with noise of the same
seeds, and by A1111's rule it makes all the steps that it is asked for, whatever the strength.
"""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING

import torch
from PIL import Image
from torch import Tensor

from webui.engine import latent_upscaling
from webui.engine.batch import Batch
from webui.engine.conditioning import Interrupted
from webui.engine.passes import Passes, Tiles
from webui.engine.previews import PreviewBudget
from webui.engine.protocol import Order
from webui.engine.samplers.table import find_sampler
from webui.engine.start import Start
from webui.engine.studio import Helpers
from webui.engine.way import Way
from webui.imaging.masks import flattened
from webui.imaging.views import WHOLE, View
from webui.params import GenerationParams
from webui.params.hires import Enlargement
from webui.params.sides import GRAIN

if TYPE_CHECKING:
    from webui.engine.generation import ClassicStudio


def second_pass(
    studio: ClassicStudio,
    batch: Batch,
    latents: Tensor | None,
    observer: Passes,
    budget: PreviewBudget,
    helpers: Helpers,
) -> list[Image.Image] | None:
    """The pictures of `batch` at their new size; None if it was interrupted or skipped.

    Args:
        studio: what drew the first pass.
        batch: as it was drawn in the first pass.
        latents: what came of it, shape (batch, channels, height, width). None: the order brought a picture
            in its place.
        observer: whose next pass this is.
        budget: for previews.
        helpers: what enlarges, and the models that draw the second pass where they are others.

    Raises:
        EngineError: the second model doesn't go with the first, or no usable picture came out.
        InvalidParamsError: the picture that was brought can't be enlarged as much.
    """
    params, brought = batch.params, batch.order.inputs.image
    if latents is not None:
        observer.following(params.details_ahead)
    enlargement = params.enlargement(brought.size if latents is None and brought else None)
    try:
        enlarged = _enlarged(studio, batch, latents, enlargement, observer, helpers)
    except Interrupted:
        return None
    if isinstance(enlarged, list) and not params.denoising_strength:
        return enlarged * (len(batch.places) // len(enlarged))
    with _second(studio, batch.order, observer, helpers) as second:
        start = _start(second, params, enlarged, observer)
        following = of_second_pass(batch, enlargement.size, _view(enlargement))
        way = Way.of(second.model, following, start)
        drawn = second.walked(following, way, observer, budget, helpers.refiner)
        if drawn is None:
            return None
        observer.phase("decoding")
        return [second.decoder.decode(row, observer.notice, seamless=params.tiling) for row in drawn.split(1)]


def of_second_pass(batch: Batch, size: tuple[int, int], view: View = WHOLE) -> Batch:
    """The same pictures at `size` pixels, drawn as is asked for the second pass, else as the first.

    `view`: the part of them that is kept.
    """
    order, params = batch.order, batch.params
    own = {
        "width": size[0],
        "height": size[1],
        "enable_hr": False,
        "steps": params.hires_steps,
        "sampler_name": params.hr_sampler_name or params.sampler_name,
        "scheduler": params.hr_scheduler or params.scheduler,
        "cfg_scale": params.hr_cfg or params.cfg_scale,
        "token_merging_ratio": params.token_merging_ratio_hr or params.token_merging_ratio,
        "prompt": params.hr_prompt or params.prompt,
        "negative_prompt": params.hr_negative_prompt or params.negative_prompt,
    }
    said = tuple(prompt.second for prompt in order.prompts)
    # Not through validation: what has been settled is kept, be it more than may be asked for.
    second = replace(order, params=params.model_copy(update=own), prompts=said, view=view)
    asked = params.steps * find_sampler(params.sampler_name).evaluations
    return replace(batch, order=second, before=asked)


def _view(enlargement: Enlargement) -> View:
    """The part of the first pass that is kept."""
    (left, top), (width, height) = enlargement.corner, enlargement.size
    return View.of((left, top, left + width, top + height), enlargement.covering)


def _enlarged(
    studio: ClassicStudio,
    batch: Batch,
    latents: Tensor | None,
    enlargement: Enlargement,
    observer: Passes,
    helpers: Helpers,
) -> Tensor | list[Image.Image]:
    """Latents, or pictures that are still to be encoded, of the new size: one for all where all are the same.

    Raises:
        Interrupted: the observer said so.
    """
    params = batch.params
    if not latent_upscaling.enlarges_latents(params.hr_upscaler):
        pictures = _pictures(studio, batch, latents, observer)
        return _enlarged_pictures(pictures, params.hr_upscaler, enlargement, observer, helpers)
    if latents is None:
        latents = _encoded(studio, [_whole_latents(_brought(batch.order))], params, observer)
    return _enlarged_latents(latents, params.hr_upscaler, enlargement, studio.model.scale)


def _enlarged_pictures(
    pictures: list[Image.Image], upscaler: str, enlargement: Enlargement, observer: Passes, helpers: Helpers
) -> list[Image.Image]:
    (x, y), (width, height) = enlargement.corner, enlargement.size
    made: list[Image.Image] = []
    for number, picture in enumerate(pictures, 1):
        doing = f"enlarging picture {number} of {len(pictures)}" if len(pictures) > 1 else "enlarging"
        observer.phase(doing)
        whole = helpers.enlarge(upscaler, picture, *enlargement.covering, Tiles(observer, doing))
        made.append(whole.crop((x, y, x + width, y + height)))
    return made


def _enlarged_latents(latents: Tensor, upscaler: str, enlargement: Enlargement, scale: int) -> Tensor:
    (x, y), (width, height) = enlargement.corner, enlargement.size
    across, down = (side // scale for side in enlargement.covering)
    whole = latent_upscaling.enlarged(latents, upscaler, across, down)
    return whole[:, :, y // scale : (y + height) // scale, x // scale : (x + width) // scale]


def _brought(order: Order) -> Image.Image:
    """The picture that takes the first pass's place, RGB."""
    image = order.inputs.image
    assert image is not None
    return flattened(image)


def _whole_latents(picture: Image.Image) -> Image.Image:
    """Without what is left over of a latent at the right and below."""
    return picture.crop((0, 0, picture.width // GRAIN * GRAIN, picture.height // GRAIN * GRAIN))


def _pictures(
    studio: ClassicStudio, batch: Batch, latents: Tensor | None, observer: Passes
) -> list[Image.Image]:
    """Those of the first pass, or the one that takes their place."""
    if latents is None:
        return [_brought(batch.order)]
    observer.phase("decoding")
    seamless = batch.params.tiling
    return [studio.decoder.decode(row, observer.notice, seamless=seamless) for row in latents.split(1)]


def _encoded(
    studio: ClassicStudio, pictures: list[Image.Image], params: GenerationParams, observer: Passes
) -> Tensor:
    """Latents of pictures, encoded one by one: that is what needs most memory."""
    observer.phase("encoding")
    encode, seamless = studio.decoder.encode_picture, params.tiling
    return torch.cat([encode(picture, observer.notice, seamless=seamless) for picture in pictures])


def _start(
    second: ClassicStudio, params: GenerationParams, enlarged: Tensor | list[Image.Image], observer: Passes
) -> Start:
    latents = enlarged if isinstance(enlarged, Tensor) else _encoded(second, enlarged, params, observer)
    return Start(latents, params.denoising_strength, exact=True, extra_noise=params.img2img_extra_noise)


@contextmanager
def _second(
    studio: ClassicStudio, order: Order, observer: Passes, helpers: Helpers
) -> Generator[ClassicStudio]:
    """What draws the second pass: the first's, if no other is asked for."""
    if helpers.hires is None or order.hires_checkpoint is None:
        yield studio
        return
    observer.phase("loading the hires checkpoint")
    with studio.joined(helpers.hires, order.hires_checkpoint, "draw over") as second:
        yield second
