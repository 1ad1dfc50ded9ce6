"""The keys of regional prompts. Regions are told as JSON, less what is at its default."""

from __future__ import annotations

import json
from typing import Any, cast

from webui.infotext.key import Key, broken, value
from webui.params import GenerationParams
from webui.params.regions import Region


def _regional(params: GenerationParams) -> bool:
    return bool(params.regions)


def _written(regions: tuple[Region, ...]) -> str:
    """Without the names of masks, which mean something to their owner alone, and for a while."""
    told = [region.model_dump(exclude_defaults=True, exclude={"mask"}) for region in regions]
    return json.dumps(told, ensure_ascii=False, separators=(",", ":"))


def _read(text: str) -> list[Any]:
    try:
        found = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise ValueError("it is no list of regions") from error
    if not isinstance(found, list):
        raise ValueError("it is no list of regions")
    regions = cast(list[Any], found)
    return [_unmasked(cast(dict[str, Any], each)) if isinstance(each, dict) else each for each in regions]


def _unmasked(region: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in region.items() if name != "mask"}


REGIONS: tuple[Key, ...] = (
    value("Regions", "regions", _read, given=_regional, own=True, written=_written),
    value("Regions base", "regions_base", broken, given=_regional, own=True),
    value("Regions feather", "regions_feather", broken, given=_regional, own=True),
)
