"""What a wish for hires fix names: upscaler, sampler, schedule type and checkpoint of the second pass."""

from __future__ import annotations

from typing import Any

from webui.catalog.catalog import Catalog
from webui.catalog.entry import ModelFile
from webui.catalog.upscalers import LATENT, find_hires_upscaler
from webui.engine.samplers.table import find_sampler, find_schedule, split_combined
from webui.params import GenerationParams, InvalidParamsError
from webui.params.hires import SAME_AS_FIRST


def proper_names(params: GenerationParams, catalog: Catalog) -> dict[str, Any]:
    """The fields that are names, as they are proper, but for the checkpoint's. Empty: as the first pass.

    Raises:
        InvalidParamsError: there is no such upscaler, sampler or schedule type.
    """
    sampler, own = "", None
    if not is_same(params.hr_sampler_name):
        sampler, own = _known("hr_sampler_name", params.hr_sampler_name)
    asked = "" if is_same(params.hr_scheduler) else _schedule(params.hr_scheduler)
    return {
        "hr_upscaler": find_hires_upscaler(catalog, params.hr_upscaler).name,
        "hr_sampler_name": sampler,
        "hr_scheduler": asked or own or "",
    }


def checkpoint_of(params: GenerationParams, catalog: Catalog) -> ModelFile | None:
    """The checkpoint that draws the second pass; None: the first pass's.

    Raises:
        InvalidParamsError: there is none of that name.
    """
    if is_same(params.hr_checkpoint_name):
        return None
    try:
        return catalog.find(params.hr_checkpoint_name)
    except InvalidParamsError as error:
        raise InvalidParamsError("hr_checkpoint_name", f"Hires checkpoint: {error}") from error


def upscaler_of(params: GenerationParams) -> list[str]:
    """The name of the upscaler between the passes, if it is one that may need a file."""
    return [params.hr_upscaler] if params.hires and params.hr_upscaler not in LATENT else []


def is_same(name: str) -> bool:
    """Whether the second pass is to have what the first has."""
    return name.strip().lower() in SAME_AS_FIRST


def _known(field: str, name: str) -> tuple[str, str | None]:
    try:
        sampler, schedule = split_combined(name)
        return find_sampler(sampler).name, schedule
    except InvalidParamsError as error:
        raise InvalidParamsError(field, str(error)) from error


def _schedule(name: str) -> str:
    try:
        return find_schedule(name)
    except InvalidParamsError as error:
        raise InvalidParamsError("hr_scheduler", str(error)) from error
