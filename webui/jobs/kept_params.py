"""The params of jobs as the store keeps them, perhaps by another version of Darkroom."""

from __future__ import annotations

import json
from functools import lru_cache
from typing import Any

from pydantic import ValidationError

from webui.params import GenerationParams


def readable(text: str) -> bool:
    """Whether this version can draw by what is kept."""
    try:
        GenerationParams.model_validate_json(text)
    except ValidationError:
        return False
    return True


@lru_cache(maxsize=128)
def read(text: str) -> GenerationParams:
    """What of it this version understands."""
    # Remembered: the queue is looked through at each change, and a script's texts can be long.
    return _params(json.loads(text))


def _params(values: dict[str, Any]) -> GenerationParams:
    """What of the params this version understands: a job of another version's is still to be listed."""
    try:
        return GenerationParams.model_validate(values)
    except ValidationError as error:
        wrong: set[object] = set()
        for problem in error.errors():
            # Without a place it is the size as a whole that is wrong.
            wrong.update(problem["loc"][:1] or ("width", "height", "batch_size"))
        return _params({name: values[name] for name in values.keys() - wrong})
