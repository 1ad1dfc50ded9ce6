"""Fields of pydantic models as a form needs them, and what was wrong with a form that was sent."""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Sequence
from inspect import isclass
from typing import Any, Literal, TypeGuard, get_args

from fastapi import Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.routing import APIRoute
from pydantic import BaseModel, ValidationError

from webui.params import message
from webui.params.training import NAME, NAME_WISH

FieldKind = Literal["choice", "switch", "integer", "number", "text", "lines"]
KINDS: dict[str, FieldKind] = {"boolean": "switch", "integer": "integer", "number": "number"}
FORMS = {NAME: NAME_WISH}
"""Pattern of a text -> what it asks for, in words."""


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


class ToldRoute(APIRoute):
    """A route that tells what is wrong with its body as `refused` does: for `APIRouter(route_class=)`."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """The handler, less pydantic's own words."""
        handle = super().get_route_handler()
        model = self.body_field.field_info.annotation if self.body_field else None

        async def told(request: Request) -> Response:
            try:
                return await handle(request)
            except RequestValidationError as error:
                if not _is_model(model):
                    raise
                raise RequestValidationError(_retold(model, error.errors())) from error

        return told


def _retold(model: type[BaseModel], problems: Sequence[Any]) -> list[dict[str, Any]]:
    told: list[dict[str, Any]] = []
    for problem in problems:
        place, *loc = problem["loc"]
        # It follows from another, which is told.
        if problem["type"] != "default_factory_not_called":
            told.append(_told(model, {**problem, "loc": loc}) if place == "body" else problem)
    return told


def _told(model: type[BaseModel], problem: Any) -> dict[str, Any]:  # noqa: ANN401
    loc = tuple(problem["loc"])
    title = _title(model, loc)
    wish = f"{title} {_wish(problem)}." if title else message(problem)
    return {"type": problem["type"], "loc": ("body", *loc), "msg": wish}


def _title(model: type[BaseModel], loc: Sequence[str | int]) -> str | None:
    """What the field at `loc` is called, or the innermost around it that has a name."""
    known = model.model_fields.get(str(loc[0])) if loc else None
    if known is None:
        return None
    inner = next(filter(_is_model, (known.annotation, *get_args(known.annotation))), None)
    return (_title(inner, loc[1:]) if inner else None) or known.title


def _is_model(kind: Any) -> TypeGuard[type[BaseModel]]:  # noqa: ANN401
    return isclass(kind) and issubclass(kind, BaseModel)


def _wish(problem: Any) -> str:  # noqa: ANN401
    given = problem.get("ctx", {})
    if problem["type"] == "missing" or given.get("min_length") == 1:
        return "can't be empty"
    if given.get("pattern") in FORMS:
        return FORMS[given["pattern"]]
    wish = message(problem)
    for first in ("Input ", "Value ", "String "):
        wish = wish.removeprefix(first)
    return wish
