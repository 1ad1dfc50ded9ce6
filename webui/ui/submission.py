"""From what the controls hold to a queued job, or to sentences that say which control is wrong."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from pydantic import ValidationError

from webui.jobs.service import Jobs, QueueFullError
from webui.jobs.store import StoreError
from webui.params import GenerationParams, InvalidParamsError, message
from webui.ui.components.controls import EMPTY_IS_DEFAULT
from webui.ui.components.script_fields import SCRIPTS
from webui.ui.sections import EXTRA, NO_REFINER


def given(fields: Mapping[str, Any], extra: bool = True) -> dict[str, Any]:
    """What the controls hold, as params have it. Without `extra`, what is behind "Extra" isn't used."""
    known = GenerationParams.model_fields
    # An emptied seed box asks for a random one, as in A1111.
    emptied = {field for field in EMPTY_IS_DEFAULT if fields.get(field, 0) is None}
    unused = set() if extra else {field for field in EXTRA if field in fields}
    values = {**fields, **{field: known[field].default for field in emptied | unused}}
    if values.get("refiner_checkpoint") in (NO_REFINER, None) and "refiner_checkpoint" in values:
        values["refiner_checkpoint"] = ""
    return values


def submit(jobs: Jobs, owner: str, fields: Mapping[str, Any], extra: bool = True) -> str:
    """Queue what `fields` describe.

    The answer is JSON for the page: {"id": job} or {"errors": [{"field", "message"}]}.
    """
    try:
        params = GenerationParams.model_validate(given(fields, extra))
        return json.dumps({"id": jobs.submit(owner, params).id})
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
    value = problem["input"]
    title = _title(problem["loc"])
    if problem["type"] == "missing" or value is None:
        return f"{title} is empty."
    if isinstance(value, str) and len(value) > 100:
        value = f"{len(value)} characters long"
    wish = message(problem).removeprefix("Input ").removeprefix("String ")
    return f"{title} {wish} (it is {value})."


def _title(place: Sequence[Any]) -> str:
    """The title of the field at `place`, be it a script's own."""
    kind = SCRIPTS.get(place[1]) if len(place) > 2 and place[0] == "script" else None
    field = str(place[2] if kind else place[0])
    known = (kind or GenerationParams).model_fields.get(field)
    return str(known.title) if known else field
