"""The detailer: parts of a finished picture are drawn once more, each at the full size, and put back.

Models draw small faces and hands badly, for want of latents to draw them in. What the parts are is found by a
detector; each is inpainted by itself, from what it is already.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from PIL import Image

from webui.engine.batch import Batch
from webui.engine.passes import Passes
from webui.engine.previews import PreviewBudget
from webui.engine.protocol import EngineError, Inputs, Order
from webui.engine.sources import Scene
from webui.imaging.detectors import Detector, find_detector
from webui.imaging.regions import Region, dilated
from webui.params import MAX_PROMPT
from webui.params.detailer import NO_DETAILER
from webui.params.image import ImageParams
from webui.prompting.prepared import PicturePrompt

if TYPE_CHECKING:
    from webui.engine.generation import ClassicStudio

SEPARATOR = re.compile(r"\s*\[SEP\]\s*")
WHOLE = "[PROMPT]"
"""Stands for the picture's own prompt."""
SKIP = "[SKIP]"
"""Alone in place of a prompt: that part is left as it is."""
NOTHING_FOUND = "The detailer found nothing to draw in detail."
STOPPED = "The detailer was stopped: some parts are as they were."


def detailed(
    studio: ClassicStudio,
    batch: Batch,
    place: int,
    image: Image.Image,
    observer: Passes,
    budget: PreviewBudget,
    detectors: Sequence[Detector],
    scene: Scene | None = None,
) -> Image.Image:
    """`image`, picture number `place` of the order, with its parts drawn once more.

    Where it is interrupted or skipped, what has not been drawn stays as it was, since the picture is finished
    without it. Outside the parts' blurred masks all bytes stay. `scene` is what the picture was drawn from,
    if anything: outside its mask they stay, too, and parts that lie there are left out.

    Raises:
        EngineError: a part could not be drawn.
        InvalidParamsError: there is no such detector.
    """
    regions = _found(image, batch.order, observer, detectors, scene)
    others = batch.places.stop - place - 1
    for number, region in enumerate(regions):
        part = order_of(batch.order, place, number)
        if part.prompt_of(0).prompt == SKIP:
            continue
        observer.following((len(regions) - number - 1 + others) * batch.params.detail_steps)
        observer.phase(f"drawing detail {number + 1} of {len(regions)}")
        drawn = studio.inpainted(image, region.mask, Batch(part, batch.number, range(1)), observer, budget)
        if drawn is None:
            observer.notice(STOPPED)
            break
        image = drawn if scene is None else scene.kept(drawn, image)
    return image


def _found(
    image: Image.Image, order: Order, observer: Passes, detectors: Sequence[Detector], scene: Scene | None
) -> list[Region]:
    """What the detector finds within the scene's mask, grown as far as is asked for."""
    params = order.params
    detector = find_detector(params.detailer, detectors)
    if detector is None:
        return []
    observer.phase("looking for details")
    mask = order.inputs.detail_mask
    if scene and mask:
        mask = scene.laid(mask, order.inputs, params)
    found = detector.find(image, params, mask)
    grown = [dilated(region, params.detailer_dilation) for region in found]
    regions = [region for region in grown if region and not (scene and scene.keeps(region.mask))]
    if not regions:
        observer.notice(NOTHING_FOUND)
    return regions


def _said(order: Order, place: int, number: int) -> PicturePrompt:
    """What is said of part `number` of a picture."""
    said = order.prompt_of(place)
    prompt = _nth(said.detail, number, said.prompt)
    return PicturePrompt(prompt, _nth(said.detail_negative, number, said.negative))


def _nth(text: str, number: int, own: str) -> str:
    """What `text` says of part `number`; its last piece is for all that follow, an empty one says `own`."""
    pieces = SEPARATOR.split(text.strip())
    piece = pieces[min(number, len(pieces) - 1)]
    if piece.count(WHOLE) * len(own) > MAX_PROMPT:
        raise EngineError(f"The detailer's prompt tells the picture's too often. Write {WHOLE} once.")
    return piece.replace(WHOLE, own) or own


def order_of(order: Order, place: int, number: int) -> Order:
    """The order for part `number` of a picture: img2img of it alone, at the size of the first pass."""
    params = order.params
    plain = {name: field.get_default() for name, field in ImageParams.model_fields.items()}
    own = {
        **plain,
        "enable_hr": False,
        "detailer": NO_DETAILER,
        "regions": (),
        "batch_size": 1,
        "n_iter": 1,
        "tiling": False,
        "steps": params.detailer_steps or params.steps,
        "denoising_strength": params.detailer_denoising_strength,
        "mask_blur": params.detailer_mask_blur,
        "inpaint_full_res": True,
        "inpaint_full_res_padding": params.detailer_padding,
        "initial_noise_multiplier": params.initial_noise_multiplier,
        "inpainting_mask_weight": params.inpainting_mask_weight,
    }
    seed, subseed = order.seeds_of(place)
    return replace(
        order,
        params=params.model_copy(update=own),
        seed=seed + number,
        subseed=subseed,
        prompts=(_said(order, place, number),),
        inputs=Inputs(),
        controls=(),
        region_masks=(),
    )
