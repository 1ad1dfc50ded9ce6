"""Extras: finished pictures enlarged and their faces mended, in the order and under the keys of A1111."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any

from PIL import Image

from webui import infotext
from webui.catalog.entry import ModelFile
from webui.catalog.face_restorers import CODEFORMER, GFPGAN
from webui.catalog.upscalers import NO_UPSCALER
from webui.engine.passes import Passes
from webui.engine.protocol import Observer, Picture, Repair
from webui.engine.upscaling.faces import FaceRestorers
from webui.engine.upscaling.texts import with_pairs
from webui.engine.upscaling.upscalers import Upscalers
from webui.imaging.resizing import centred
from webui.infotext.key import number
from webui.params.extras import ExtrasParams

Size = tuple[int, int]
Told = dict[str, Any]
KEYS: tuple[str, ...] = (
    "Postprocess upscale by",
    "Postprocess upscale to",
    "Max side length",
    "Postprocess crop to",
    "Postprocess upscaler",
    "Postprocess upscaler 2",
    "GFPGAN visibility",
    "CodeFormer visibility",
    "CodeFormer weight",
)


class Extras:
    """Does what Extras are asked for, with what enlarges and what mends faces."""

    def __init__(self, upscalers: Upscalers, faces: FaceRestorers) -> None:
        self._upscalers = upscalers
        self._faces = faces

    def repaired(self, repair: Repair, observer: Observer) -> Picture:
        """The picture after all that was asked for; its infotext tells what the picture brought, and this.

        Raises:
            EngineError: it can't be done; the text says why and the way out.
            Interrupted: the observer said so.
        """
        extras, image = repair.extras, repair.image
        told: Told = dict.fromkeys(KEYS)
        ways = [self._mended, partial(self._enlarged, upscalers=repair.upscalers)]
        for way in reversed(ways) if extras.upscale_first else ways:
            image = way(image, extras, told, observer)
        seed = infotext.read(repair.infotext).fields.get("seed", 0)
        return Picture(image, seed, with_pairs(repair.infotext, told))

    def _mended(
        self, image: Image.Image, extras: ExtrasParams, told: Told, observer: Observer
    ) -> Image.Image:
        if extras.gfpgan_visibility:
            observer.phase("restoring faces")
            mended = self._faces.restored(image, GFPGAN)
            image = Image.blend(image, mended, extras.gfpgan_visibility)
            told["GFPGAN visibility"] = round(extras.gfpgan_visibility, 3)
        if extras.codeformer_visibility:
            observer.phase("restoring faces")
            mended = self._faces.restored(image, CODEFORMER, extras.codeformer_weight)
            image = Image.blend(image, mended, extras.codeformer_visibility)
            told["CodeFormer visibility"] = round(extras.codeformer_visibility, 3)
            told["CodeFormer weight"] = round(extras.codeformer_weight, 3)
        return image

    def _enlarged(
        self,
        image: Image.Image,
        extras: ExtrasParams,
        told: Told,
        observer: Observer,
        upscalers: Mapping[str, ModelFile],
    ) -> Image.Image:
        """By the first upscaler, mixed with what the second makes. A first of "None" leaves all as it is."""
        first, second, share = extras.upscaler_1, extras.upscaler_2, extras.extras_upscaler_2_visibility
        if _none(first):
            return image
        names = [first] if _none(second) or not share else [first, second]
        size = _size(extras, image.size, told)
        observer.phase("enlarging")
        passes = Passes(observer, self._upscalers.tiles(image.size) if len(names) > 1 else 0)
        made: list[Image.Image] = []
        for name in names:
            made.append(self._upscalers.enlarged(name, image, *size, passes, upscalers.get(name)))
            passes.following()
        told.update(zip(("Postprocess upscaler", "Postprocess upscaler 2"), names, strict=False))
        return _cropped(Image.blend(made[0], made[-1], share), extras, told)


def _none(name: str) -> bool:
    return name.lower() in ("", NO_UPSCALER.lower())


def _size(extras: ExtrasParams, size: Size, told: Told) -> Size:
    """Width and height to enlarge to; where it is cropped after that, what covers the size asked for."""
    longer = max(size) * extras.upscaling_resize
    if extras.resize_mode == 1:
        wanted = extras.upscaling_resize_w, extras.upscaling_resize_h
        told["Postprocess upscale to"] = "{}x{}".format(*wanted)
        factor = max(wanted[0] / size[0], wanted[1] / size[1])
        return max(wanted[0], round(size[0] * factor)), max(wanted[1], round(size[1] * factor))
    told["Postprocess upscale by"] = number(extras.upscaling_resize)
    factor = extras.upscaling_resize
    if extras.max_side_length and longer > extras.max_side_length:
        told["Max side length"] = extras.max_side_length
        factor = extras.max_side_length / max(size)
    return max(1, round(size[0] * factor)), max(1, round(size[1] * factor))


def _cropped(image: Image.Image, extras: ExtrasParams, told: Told) -> Image.Image:
    if extras.resize_mode != 1 or not extras.upscaling_crop:
        return image
    wanted = extras.upscaling_resize_w, extras.upscaling_resize_h
    told["Postprocess crop to"] = "{}x{}".format(*wanted)
    return image.crop(centred(wanted, *image.size))
