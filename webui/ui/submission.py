"""From what the controls hold to a queued job, or to sentences that say which control is wrong."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from pydantic import BaseModel, ValidationError

from webui.jobs.service import Jobs, QueueFullError
from webui.jobs.store import StoreError
from webui.params import GenerationParams, InvalidParamsError, message
from webui.params.control import ControlUnit
from webui.params.extras import ExtrasParams
from webui.params.regions import Region
from webui.ui.brought import Brought
from webui.ui.components.ranges import EMPTY_IS_DEFAULT, held_value
from webui.ui.components.script_fields import SCRIPTS

NO_PICTURE = "There is no picture yet. Drop one here, paste it, or choose a file."
PARTS: dict[str, tuple[type[BaseModel], Callable[[int], str]]] = {
    "control": (ControlUnit, lambda place: f"ControlNet unit {place}"),
    "regions": (Region, lambda place: f"Region {place + 1}"),
}
"""Fields that are rows of parts -> what each is, and what it is called at its place."""
LIVE_STEPS = 8
"""At most so many while one paints."""
COLOUR = re.compile(r"rgba?\(\s*(\d{1,3})[^,]{0,20},\s*(\d{1,3})[^,]{0,20},\s*(\d{1,3})\b")


def given(fields: Mapping[str, Any]) -> dict[str, Any]:
    """What the controls hold, as params have it."""
    known = GenerationParams.model_fields
    # An emptied seed box asks for a random one, as in A1111.
    emptied = {name for name in EMPTY_IS_DEFAULT if fields.get(name, 0) is None}
    values = {name: held_value(name, value) for name, value in fields.items()}
    if isinstance(colour := values.get("detailer_color"), str):
        values["detailer_color"] = _hex(colour)
    return {**values, **{name: known[name].default for name in emptied}}


def _hex(colour: str) -> str:
    """A colour as #rrggbb: pickers give rgba(...) once they are used."""
    found = COLOUR.match(colour)
    if not found:
        return colour
    return "#" + "".join(f"{min(255, int(part)):02x}" for part in found.groups())


def submit(jobs: Jobs, owner: str, fields: Mapping[str, Any], brought: Brought | None = None) -> str:
    """Queue what `fields` describe, with what was `brought` beside the form.

    The answer is JSON for the page: {"id": job} or {"errors": [{"field", "message"}]}.
    """
    brought = brought or Brought()
    if brought.errors:
        return json.dumps({"errors": brought.errors})
    values = {**given(fields), **brought.fields}
    quick = _quick(values, brought) if brought.live else {}
    return _submitted(jobs, owner, {**values, **quick}, brought.live)


def submit_brought(jobs: Jobs, owner: str, fields: Mapping[str, Any], brought: Brought) -> str:
    """The same of a tab that starts from pictures, which have to be there."""
    if errors := _missing(brought):
        return json.dumps({"errors": errors})
    return submit(jobs, owner, fields, brought)


def submit_extras(jobs: Jobs, owner: str, fields: Mapping[str, Any], brought: Brought) -> str:
    """Queue what `fields` of ExtrasParams say of the pictures that were brought."""
    if errors := _missing(brought):
        return json.dumps({"errors": errors})
    return _submitted(jobs, owner, {**brought.fields, "extras": dict(fields)}, "")


def _missing(brought: Brought) -> Sequence[Mapping[str, str]]:
    """Why there is no picture, if there is none."""
    return brought.errors or (
        [] if brought.has_picture else [{"field": "init_images", "message": NO_PICTURE}]
    )


def submit_upscale(jobs: Jobs, owner: str, fields: Mapping[str, Any], brought: Brought) -> str:
    """Queue hires fix alone, by the form's settings, on a finished picture: its name, seeds and size."""
    once = {"enable_hr": True, "n_iter": 1, "batch_size": 1, "script": None}
    return submit(jobs, owner, {**fields, **once}, brought)


def _quick(values: Mapping[str, Any], brought: Brought) -> dict[str, Any]:
    """What becomes of the form's wish while one paints: one picture, soon, from a seed that stays."""
    seed = values.get("seed", -1)
    return {
        "n_iter": 1,
        "batch_size": 1,
        "script": None,
        "detailer": "None",
        "steps": min(values.get("steps") or LIVE_STEPS, LIVE_STEPS),
        "seed": brought.seed if seed == -1 else seed,
    }


def _submitted(jobs: Jobs, owner: str, values: Mapping[str, Any], live: str) -> str:
    try:
        params = GenerationParams.model_validate(values)
        return json.dumps({"id": jobs.submit(owner, params, live=live).id})
    except ValidationError as error:
        errors = [{"field": _blamed(problem), "message": sentence(problem)} for problem in error.errors()]
    except InvalidParamsError as error:
        errors = [{"field": error.field, "message": str(error)}]
    except (QueueFullError, StoreError) as error:
        errors = [{"field": "", "message": str(error)}]
    return json.dumps({"errors": errors})


def _blamed(problem: Mapping[str, Any]) -> str:
    """The field that the sentence is about; a check of several fields tells by itself."""
    found = cause(problem)
    return found.field if found else _field(problem)


def cause(problem: Mapping[str, Any]) -> InvalidParamsError | None:
    """What a check of several fields said, if one of pydantic's problems comes from there."""
    found = problem.get("ctx", {}).get("error")
    return found if isinstance(found, InvalidParamsError) else None


def _field(problem: Mapping[str, Any]) -> str:
    place = problem["loc"]
    return str(place[_depth(place)]) if place else ""


def _depth(place: Sequence[Any]) -> int:
    """Where in the place of a problem its field stands: Extras have fields of their own."""
    return 1 if len(place) > 1 and place[0] == "extras" else 0


def sentence(problem: Mapping[str, Any]) -> str:
    """One of pydantic's problems as a sentence for people."""
    field = _field(problem)
    if not field:
        return message(problem)
    value = problem["input"]
    title = _title(problem["loc"])
    if isinstance(value, Mapping):  # of a check of several of its fields, whose sentence tells all
        return f"{title}: {message(problem)}"
    if problem["type"] == "missing" or value is None:
        return f"{title} is empty."
    if isinstance(value, str) and len(value) > 100:
        value = f"{len(value)} characters long"
    wish = message(problem).removeprefix("Input ").removeprefix("String ")
    return f"{title} {wish} (it is {value})."


def _title(place: Sequence[Any]) -> str:
    """The title of the field at `place`, be it a script's, a unit's or a region's own."""
    if len(place) > 1 and place[0] in PARTS:
        kind, name = PARTS[place[0]]
        known = kind.model_fields.get(str(place[-1]))
        return f"{name(place[1])}: {known.title}" if known else name(place[1])
    kind = SCRIPTS.get(place[1]) if len(place) > 2 and place[0] == "script" else None
    field = str(place[2] if kind else place[0])
    if _depth(place):
        kind, field = ExtrasParams, str(place[1])
    known = (kind or GenerationParams).model_fields.get(field)
    return str(known.title) if known else field
