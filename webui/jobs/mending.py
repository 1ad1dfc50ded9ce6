"""Extras: pictures that are enlarged or mended without being drawn, for which no checkpoint is needed."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from PIL import Image

from webui.catalog.catalog import Catalog
from webui.catalog.entry import ModelFile
from webui.catalog.upscalers import find_upscaler
from webui.engine.protocol import Repair
from webui.jobs.sizes import check_mended
from webui.params.extras import ExtrasParams

UPSCALERS = ("upscaler_1", "upscaler_2")


def settled(catalog: Catalog, extras: ExtrasParams) -> ExtrasParams:
    """`extras` with the upscalers' proper names.

    Raises:
        InvalidParamsError: there is no such upscaler, or its file can't be used.
    """
    names: dict[str, Any] = {
        field: find_upscaler(catalog, getattr(extras, field), field).name for field in UPSCALERS
    }
    return extras.model_copy(update=names)


def repair_of(catalog: Catalog, extras: ExtrasParams, image: Image.Image, infotext: str) -> Repair:
    """What is to be done to `image`, as the engine is given it.

    Raises:
        InvalidParamsError: an upscaler has gone since it was asked for, or the picture would be too large.
    """
    check_mended(extras, image.size)
    extras = settled(catalog, extras)
    return Repair(image, extras, files_of(catalog, [extras.upscaler_1, extras.upscaler_2]), infotext)


def files_of(catalog: Catalog, names: Iterable[str]) -> dict[str, ModelFile]:
    """The files of those upscalers that need one, by name.

    Raises:
        InvalidParamsError: there is no such upscaler, or its file can't be used.
    """
    found = [find_upscaler(catalog, name) for name in names]
    return {upscaler.name: upscaler.file for upscaler in found if upscaler.file}
