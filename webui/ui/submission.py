"""From what the controls hold to a queued job, or to sentences that say which control is wrong."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from pydantic import ValidationError

from webui.jobs.service import Jobs, QueueFullError
from webui.jobs.store import StoreError
from webui.params import GenerationParams, InvalidParamsError, message


def submit(jobs: Jobs, owner: str, fields: Mapping[str, Any]) -> str:
    """Queue what `fields` describe.

    The answer is JSON for the page: {"id": job} or {"errors": [{"field", "message"}]}.
    """
    # An emptied seed box asks for a random one, as in A1111.
    given = {**fields, "seed": -1} if fields.get("seed", 0) is None else dict(fields)
    try:
        return json.dumps({"id": jobs.submit(owner, GenerationParams.model_validate(given)).id})
    except ValidationError as error:
        errors = [{"field": _field(problem), "message": sentence(problem)} for problem in error.errors()]
    except InvalidParamsError as error:
        errors = [{"field": error.field, "message": str(error)}]
    except (QueueFullError, StoreError) as error:
        errors = [{"field": "", "message": str(error)}]
    return json.dumps({"errors": errors})


def _field(problem: Mapping[str, Any]) -> str:
    return str(problem["loc"][0]) if problem["loc"] else ""


def sentence(problem: Mapping[str, Any]) -> str:
    """One of pydantic's problems as a sentence for people."""
    field = _field(problem)
    if not field:
        return message(problem)
    title = GenerationParams.model_fields[field].title if field in GenerationParams.model_fields else field
    given = problem["input"]
    if problem["type"] == "missing" or given is None:
        return f"{title} is empty."
    if isinstance(given, str) and len(given) > 100:
        given = f"{len(given)} characters long"
    wish = message(problem).removeprefix("Input ").removeprefix("String ")
    return f"{title} {wish} (it is {given})."
