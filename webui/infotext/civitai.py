"""What CivitAI's generator tells of models in a list of its own."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, cast

KEY = "civitai resources"
CHECKPOINTS = ("checkpoint", "model")


def checkpoint_of(told: Mapping[str, str]) -> str | None:
    """The name of the checkpoint in `Civitai resources`, if one is there; `told`: pairs in lower case."""
    try:
        resources = json.loads(told.get(KEY, "[]"))
    except (ValueError, RecursionError):
        return None
    for resource in cast("list[Any]", resources) if isinstance(resources, list) else []:
        if isinstance(resource, dict) and str(resource.get("type")).lower() in CHECKPOINTS:
            name = cast("dict[str, Any]", resource).get("modelName")
            return name if isinstance(name, str) and name else None
    return None
