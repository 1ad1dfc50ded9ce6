"""Fields of pydantic models as a form needs them, and what was wrong with a form that was sent."""

from __future__ import annotations

from typing import Any, Literal

from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel, ValidationError

from webui.params import message

FieldKind = Literal["choice", "switch", "integer", "number", "text", "lines"]
KINDS: dict[str, FieldKind] = {"boolean": "switch", "integer": "integer", "number": "number"}


class FieldView(BaseModel):
    """One field of a form. `optional`: it may be left empty (null). `step`: what values are multiples of."""

    name: str
    title: str
    description: str
    group: str = ""
    kind: FieldKind
    choices: list[str] = []
    minimum: float | None = None
    maximum: float | None = None
    step: float | None = None
    optional: bool = False


class FormView(BaseModel):
    """A form: its fields in order, what they hold, and what they held if nobody had set anything."""

    fields: list[FieldView]
    values: dict[str, Any]
    defaults: dict[str, Any]


def describe(model: type[BaseModel], name: str, group: str = "") -> FieldView:
    """The field `name` of `model`, from its annotation, limits, title and description."""
    schema = model.model_json_schema()["properties"][name]
    one = next((part for part in schema.get("anyOf", ()) if part["type"] != "null"), schema)
    return FieldView(
        name=name,
        title=schema["title"],
        description=schema.get("description", ""),
        group=group,
        kind="choice" if "enum" in one else KINDS.get(one["type"], "text"),
        choices=one.get("enum", []),
        minimum=one.get("minimum"),
        maximum=one.get("maximum"),
        step=one.get("multipleOf"),
        optional="anyOf" in schema,
    )


def refused(model: type[BaseModel], error: ValidationError) -> RequestValidationError:
    """The error as the answer 422 tells it: each problem a sentence that begins with the field's title."""
    return RequestValidationError([_told(model, problem) for problem in error.errors()])


def unknown_field(name: str) -> RequestValidationError:
    """The same for a field that there isn't."""
    return RequestValidationError([{"type": "extra_forbidden", "loc": ("body", name), "msg": ""}])


def _told(model: type[BaseModel], problem: Any) -> dict[str, Any]:  # noqa: ANN401
    loc = tuple(problem["loc"])
    known = model.model_fields.get(str(loc[0])) if loc else None
    wish = message(problem)
    if known:
        wish = f"{known.title} {wish.removeprefix('Input ').removeprefix('Value ')}."
    return {"type": problem["type"], "loc": ("body", *loc), "msg": wish}
