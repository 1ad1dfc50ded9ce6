"""The table of axes: what an X/Y/Z plot can vary, under AUTOMATIC1111's names.

Every field of GenerationParams that can be written in a few characters is an axis. A new field needs nothing
here; a line in NAMES gives it a name other than its title, a line in COSTS says that changing it takes long.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import permutations
from math import factorial
from pathlib import PurePosixPath
from types import UnionType
from typing import Any, Literal, Union, cast, get_args, get_origin

from webui.catalog.catalog import Catalog
from webui.engine.samplers.table import SAMPLER_NAMES, SCHEDULE_NAMES, split_combined
from webui.params import MAX_PROMPT, GenerationParams, InvalidParamsError
from webui.scripts import values

Changes = dict[str, Any]
"""Fields of GenerationParams, and what they become."""
Source = Literal["", "samplers", "schedules", "checkpoints", "refiners", "vaes", "styles"]

NOTHING = "Nothing"
SIZE = re.compile(r"(\d{1,6})\s*[x×]\s*(\d{1,6})", re.ASCII | re.IGNORECASE)
NO_AXIS = ("prompt", "negative_prompt", "batch_size", "n_iter", "script", "comma_padding_backtrack")
"""Fields that are none: prompts have axes of their own, and each cell has as many pictures as the others."""
NAMES = {
    "subseed": "Var. seed",
    "subseed_strength": "Var. strength",
    "steps": "Steps",
    "cfg_scale": "CFG Scale",
    "sampler_name": "Sampler",
    "checkpoint": "Checkpoint name",
    "s_churn": "Sigma Churn",
    "s_tmin": "Sigma min",
    "s_tmax": "Sigma max",
    "vae": "VAE",
    "uni_pc_order": "UniPC Order",
    "refiner_checkpoint": "Refiner checkpoint",
    "refiner_switch_at": "Refiner switch at",
    "rng": "RNG source",
}
"""Where A1111 calls an axis otherwise than the field is titled on the page."""
COSTS = {"checkpoint": 1.0, "refiner_checkpoint": 0.9, "vae": 0.7}
"""How long a change takes, of 0 to 1: the costliest axis is changed least often."""
SOURCES: dict[str, Source] = {
    "sampler_name": "samplers",
    "scheduler": "schedules",
    "checkpoint": "checkpoints",
    "refiner_checkpoint": "refiners",
    "vae": "vaes",
    "styles": "styles",
}
FIRST = (
    *("seed", "subseed", "subseed_strength", "steps", "cfg_scale", "Prompt S/R", "Prompt order"),
    *("sampler_name", "checkpoint", "s_min_uncond", "s_churn", "s_tmin", "s_tmax", "s_noise", "scheduler"),
    *("sigma_min", "sigma_max", "rho", "beta_alpha", "beta_beta", "eta", "clip_skip", "vae", "styles"),
    *("uni_pc_order", "token_merging_ratio", "discard_next_to_last_sigma", "sgm_noise_multiplier"),
    *("refiner_checkpoint", "refiner_switch_at", "rng", "Size", "width", "height", "emphasis"),
)
"""The order of the list, as A1111 users know it; what isn't named here follows."""


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
            case _:
                return list(self.options)


def find_axis(name: str) -> Axis:
    """The axis of that name, in any letter case; the name of its field will do.

    Raises:
        InvalidParamsError: there is none.
    """
    wanted = name.strip().lower()
    for axis in AXES:
        if wanted in (axis.name.lower(), axis.field):
            return axis
    known = ", ".join(axis.name for axis in AXES)
    raise InvalidParamsError("script", f'X/Y/Z plot knows no axis "{name[:60]}". Choose one of: {known}.')


def _search_and_replace(text: str) -> list[tuple[str, str]]:
    wanted = values.texts(text)
    if wanted and not wanted[0]:
        raise ValueError("the first value is what is searched for, and it is empty")
    return [(wanted[0], value) for value in wanted]


def _replaced(params: GenerationParams, pair: tuple[str, str]) -> Changes:
    old, new = pair
    prompts = {"prompt": params.prompt, "negative_prompt": params.negative_prompt}
    if not any(old in prompt for prompt in prompts.values()):
        raise ValueError(f'"{old[:60]}" is neither in the prompt nor in the negative prompt')
    for prompt in prompts.values():
        if len(prompt) + prompt.count(old) * (len(new) - len(old)) > MAX_PROMPT:
            raise ValueError(f'with "{new[:60]}" the prompt gets longer than {MAX_PROMPT:,} characters')
    return {name: prompt.replace(old, new) for name, prompt in prompts.items()}


def _orders(text: str) -> list[tuple[str, ...]]:
    words = [word for word in values.texts(text) if word]
    if len(set(words)) < len(words):
        raise ValueError("each of the words may be named once only")
    if len(words) > values.MAX_VALUES.bit_length() or factorial(len(words)) > values.MAX_VALUES:
        raise ValueError(f"{len(words)} words have more than {values.MAX_VALUES:,} orders; name fewer")
    return list(permutations(words)) if words else []


def _ordered(params: GenerationParams, order: tuple[str, ...]) -> Changes:
    """The words of `order` put, in that order, where they stand in the prompt."""
    for word in order:
        if word not in params.prompt:
            raise ValueError(f'"{word[:60]}" is not in the prompt')
    found = sorted(order, key=params.prompt.find)
    rest, prompt = params.prompt, ""
    for word, instead in zip(found, order, strict=True):
        before, met, rest = rest.partition(word)
        if not met:
            raise ValueError(f'"{word[:60]}" lies across another of the words in the prompt')
        prompt += before + instead
    return {"prompt": prompt + rest}


def _sizes(text: str) -> list[tuple[int, int]]:
    sizes: list[tuple[int, int]] = []
    for value in filter(None, values.texts(text)):
        match = SIZE.fullmatch(value)
        if match is None:
            raise ValueError(f'"{value[:60]}" is no size like 512x768')
        sizes.append((int(match[1]), int(match[2])))
    return sizes


def _sampler(_: GenerationParams, name: str) -> Changes:
    """Old combined names, such as DPM++ 2M Karras, bring their schedule type along."""
    sampler, schedule = split_combined(name)
    return {"sampler_name": sampler} | ({"scheduler": schedule} if schedule else {})


def _styled(params: GenerationParams, names: str) -> Changes:
    """Styles are added to those that are chosen; several stand in quotes, with commas."""
    added = tuple(name for part in names.split(",") if (name := part.strip()) and name != "None")
    return {"styles": (*params.styles, *added)}


def _words(text: str) -> list[str]:
    return [value for value in values.texts(text) if value]


def _last_part(name: str) -> str:
    return PurePosixPath(name.replace("\\", "/")).name


def _labelled(name: str) -> Callable[[Any], str]:
    def show(value: object) -> str:
        told = f"{value:.8g}" if isinstance(value, float) else str(value)
        return f"{name}: {told}"

    return show


def _of_field(field: str) -> Axis | None:
    """The axis of a field, made from its type; None for types that no axis can hold."""
    info = GenerationParams.model_fields[field]
    name = NAMES.get(field, info.title or field)
    show = _last_part if field in ("checkpoint", "refiner_checkpoint") else _labelled(name)
    parse, options = _reader(info.annotation)
    if field in SOURCES:
        parse = _words
    if parse is None:
        return None

    def change(_: GenerationParams, value: object) -> Changes:
        return {field: "" if field == "refiner_checkpoint" and str(value).lower() == "none" else value}

    special = {"sampler_name": _sampler, "styles": _styled}.get(field, change)
    return Axis(name, parse, special, show, field, COSTS.get(field, 0.0), options, SOURCES.get(field, ""))


def _reader(annotation: object) -> tuple[Callable[[str], Sequence[Any]] | None, tuple[str, ...]]:
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


def _table() -> Iterator[Axis]:
    own = {
        "Prompt S/R": Axis("Prompt S/R", _search_and_replace, _replaced, lambda pair: pair[1]),
        "Prompt order": Axis("Prompt order", _orders, _ordered, ", ".join),
        "Size": Axis(
            "Size",
            _sizes,
            lambda _, size: {"width": size[0], "height": size[1]},
            lambda size: f"Size: {size[0]}x{size[1]}",
        ),
    }
    yield Axis(NOTHING, lambda _: [None], lambda _params, _value: {}, lambda _: "")
    for name in dict.fromkeys((*FIRST, *GenerationParams.model_fields)):
        axis = own.get(name) or (None if name in NO_AXIS else _of_field(name))
        if axis is not None:
            yield axis


AXES = tuple(_table())
"""Every axis, in the order of the list."""
AXIS_NAMES = [axis.name for axis in AXES]
