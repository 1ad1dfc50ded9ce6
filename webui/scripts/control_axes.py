"""Axes that vary one ControlNet unit, under the names that the extension gives them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from pydantic import ValidationError

from webui.params import GenerationParams, message
from webui.params.control import ControlUnit
from webui.scripts.axis import Axis, labelled, reader, words
from webui.scripts.prompt_axes import Changes

FIELDS = {
    "[ControlNet] Enabled": "enabled",
    "[ControlNet] Model": "model",
    "[ControlNet] Weight": "weight",
    "[ControlNet] Guidance Start": "guidance_start",
    "[ControlNet] Guidance End": "guidance_end",
    "[ControlNet] Control Mode": "control_mode",
    "[ControlNet] Resize Mode": "resize_mode",
    "[ControlNet] Preprocessor": "module",
    "[ControlNet] Pre Resolution": "processor_res",
    "[ControlNet] Pre Threshold A": "threshold_a",
    "[ControlNet] Pre Threshold B": "threshold_b",
}
"""The unit's field of each axis."""
MODEL_COST = 0.5
"""How long a change of the model takes, of 0 to 1."""


def axes() -> Iterator[Axis]:
    """All of them, in the order of the list."""
    for name, field in FIELDS.items():
        parse, options = reader(ControlUnit.model_fields[field].annotation)
        shared = (name, parse or words, varied(field), labelled(name))
        if field == "model":
            yield Axis(*shared, cost=MODEL_COST, source="control models")
        else:
            yield Axis(*shared, options=options)


def varied(field: str) -> Callable[[GenerationParams, Any], Changes]:
    """What a value of `field` does to params: the first unit that is enabled gets it.

    Whether a unit is enabled may be varied where none is yet: then the first unit gets it. What one value
    means beside others is not looked at, since another axis may change those.

    Raises:
        ValueError: there is no such unit, or none can have that value.
    """

    def change(params: GenerationParams, value: object) -> Changes:
        units = list(params.control)
        place = next((number for number, unit in enumerate(units) if unit.enabled), None)
        if place is None and field == "enabled" and units:
            place = 0
        if place is None:
            raise ValueError("no ControlNet unit is enabled")
        try:
            valid = ControlUnit.model_validate({field: value})
        except ValidationError as error:
            raise ValueError(message(error.errors(include_url=False, include_input=False)[0])) from error
        units[place] = units[place].model_copy(update={field: getattr(valid, field)})
        return {"control": tuple(units)}

    return change
