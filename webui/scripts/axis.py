"""One axis of an X/Y/Z plot: how its values are read, what they change, and what there is to choose from."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from types import UnionType
from typing import Any, Literal, Union, cast, get_args, get_origin

from webui.catalog.catalog import Catalog
from webui.catalog.control_models import control_models
from webui.catalog.upscalers import hires_upscaler_names
from webui.engine.samplers.table import SAMPLER_NAMES, SCHEDULE_NAMES
from webui.imaging.detectors import detector_names
from webui.params import GenerationParams
from webui.scripts import values
from webui.scripts.prompt_axes import Changes

Source = Literal[
    "",
    "samplers",
    "schedules",
    "checkpoints",
    "refiners",
    "vaes",
    "styles",
    "upscalers",
    "detectors",
    "control models",
]


@dataclass(frozen=True)
class Axis:
    """One thing to vary.

    `parse` makes values of a text and raises ValueError; `change` says what one value does to params, and
    raises ValueError if it can't be done to these; `show` writes it into the legend.
    """

    name: str
    parse: Callable[[str], Sequence[Any]]
    change: Callable[[GenerationParams, Any], Changes]
    show: Callable[[Any], str]
    field: str = ""
    cost: float = 0.0
    options: tuple[str, ...] = ()
    source: Source = ""

    def choices(self, catalog: Catalog, styles: Sequence[str] = ()) -> list[str]:
        """What there is to choose from now; nothing if any number or text will do."""
        match self.source:
            case "samplers":
                return list(SAMPLER_NAMES)
            case "schedules":
                return list(SCHEDULE_NAMES)
            case "checkpoints":
                return [model.name for model in catalog.checkpoints() if model.problem is None]
            case "refiners":
                return ["None", *(model.name for model in catalog.checkpoints() if model.problem is None)]
            case "vaes":
                return ["Automatic", "None", *(vae.name for vae in catalog.vaes() if vae.problem is None)]
            case "styles":
                return list(styles)
            case "upscalers":
                return hires_upscaler_names(catalog)
            case "detectors":
                return detector_names()
            case "control models":
                return [model.name for model in control_models(catalog) if model.problem is None]
            case _:
                return list(self.options)


def words(text: str) -> list[str]:
    """The values as they stand, less empty ones."""
    return [value for value in values.texts(text) if value]


def labelled(name: str) -> Callable[[Any], str]:
    """How a value is written into the legend, behind the axis' name."""

    def show(value: object) -> str:
        told = f"{value:.8g}" if isinstance(value, float) else str(value)
        return f"{name}: {told}"

    return show


def reader(annotation: object) -> tuple[Callable[[str], Sequence[Any]] | None, tuple[str, ...]]:
    """How the values of a field of that type are read, and the words that it takes, if only some."""
    if get_origin(annotation) in (Union, UnionType):
        annotation = next(part for part in get_args(annotation) if part is not type(None))
    if get_origin(annotation) is Literal:
        options = cast("tuple[str, ...]", get_args(annotation))
        return lambda text: values.choices(text, options), options
    if annotation is bool:
        return values.switches, ("False", "True")
    readers = {int: values.integers, float: values.numbers}
    return readers.get(cast("type", annotation)), ()
