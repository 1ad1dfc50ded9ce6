"""What texts tell of ControlNet units, in the ways in which the extension has written it over time."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, get_args

from pydantic import ValidationError

from webui.infotext.key import broken, truth, whole
from webui.params import message
from webui.params.control import (
    MAX_UNITS,
    NO_MODEL,
    NO_MODULE,
    ControlMode,
    ControlResize,
    ControlUnit,
    HiresOption,
    Influence,
)

WHOLE_UNIT = re.compile(r"ControlNet (\d)", re.IGNORECASE)
ONE_FIELD = re.compile(r"ControlNet(?:-(\d))? ([A-Z][A-Za-z ]{1,40})")
"""The extension's first texts had a key for each field."""
NAMED = re.compile(r"(?:^|, )([A-Za-z][A-Za-z /]{1,40}): ")
QUOTED = 60
ENABLED = "enabled"
UNSET = -1
"""What the extension writes for numbers that a preprocessor doesn't have."""
OLD_WORDS = {
    "Inner Fit (Scale to Fit)": "Crop and Resize",
    "Scale to Fit (Inner Fit)": "Crop and Resize",
    "Outer Fit (Shrink to Fit)": "Resize and Fill",
    "Envelope (Outer Fit)": "Resize and Fill",
    "ResizeMode.RESIZE": "Just Resize",
    "ResizeMode.INNER_FIT": "Crop and Resize",
    "ResizeMode.OUTER_FIT": "Resize and Fill",
    "ControlMode.BALANCED": "Balanced",
    "ControlMode.PROMPT": "My prompt is more important",
    "ControlMode.CONTROL": "ControlNet is more important",
    "HiResFixOption.BOTH": "Both",
    "HiResFixOption.LOW_RES_ONLY": "Low res only",
    "HiResFixOption.HIGH_RES_ONLY": "High res only",
}


def facts(units: Sequence[ControlUnit]) -> Iterator[tuple[str, str]]:
    """A key for each unit that has a say, with its fields as the extension names them."""
    for number, unit in enumerate(unit for unit in units if unit.enabled):
        told = ", ".join(f"{name}: {value}" for name, value in _written(unit))
        yield f"ControlNet {number}", told


def _written(unit: ControlUnit) -> Iterator[tuple[str, object]]:
    for name, (field, _) in FIELDS.items():
        value = getattr(unit, field)
        if value is None or (field in OWN and value == ControlUnit.model_fields[field].default):
            continue
        yield name, value


def keys(pairs: Mapping[str, str]) -> list[str]:
    """Those of a text's keys that tell of units."""
    return [name for name in pairs if WHOLE_UNIT.fullmatch(name) or _one_field(name)]


def _one_field(key: str) -> tuple[int, str] | None:
    """The unit and the field that a key of the first texts tells."""
    match = ONE_FIELD.fullmatch(key)
    name = match[2].lower() if match else ""
    return (int(match[1] or 0), name) if match and name in (ENABLED, *READERS) else None


def units_of(pairs: Mapping[str, str]) -> tuple[tuple[ControlUnit, ...], list[str]]:
    """The units that a text tells of, in their order, and sentences about what can't be used.

    Pictures aren't told, so that they have none. Names of models stay as they stand there.
    """
    told: dict[int, dict[str, str]] = {}
    for key in keys(pairs):
        if match := WHOLE_UNIT.fullmatch(key):
            told.setdefault(int(match[1]), {}).update(_parts(pairs[key]))
        elif found := _one_field(key):
            told.setdefault(found[0], {})[found[1]] = pairs[key]
    units: list[ControlUnit] = []
    problems: list[str] = []
    for number in sorted(told)[:MAX_UNITS]:
        # The first texts told of units that weren't enabled, too.
        if told[number].get(ENABLED, "True") == "True":
            unit, amiss = _unit(told[number])
            problems += [f"ControlNet unit {len(units)}: {sentence}" for sentence in amiss]
            units.append(unit)
    return tuple(units), problems


def _parts(text: str) -> dict[str, str]:
    """The fields of one unit by name, in lower case."""
    found = list(NAMED.finditer(text))
    ends = [*(match.start() for match in found), len(text)][1:]
    return {match[1].lower(): text[match.end() : end].strip() for match, end in zip(found, ends, strict=True)}


def _unit(told: Mapping[str, str]) -> tuple[ControlUnit, list[str]]:
    fields: dict[str, Any] = {}
    problems: list[str] = []
    for name, text in told.items():
        if (read := READERS.get(name)) is None:
            continue
        try:
            found = read(text)
            # With those before it: the start may be behind the end.
            ControlUnit.model_validate({**fields, **found})
        except ValidationError as error:
            reason = message(error.errors(include_url=False, include_input=False)[0])
            problems.append(_refused(name, text, reason[:1].lower() + reason[1:].rstrip(".")))
        except ValueError as error:
            problems.append(_refused(name, text, str(error)))
        else:
            fields |= found
    return ControlUnit.model_validate(fields), problems


def _refused(name: str, text: str, reason: str) -> str:
    said = f"{name}: {text}"
    return f'"{said if len(said) <= QUOTED else f"{said[:QUOTED]}…"}" can\'t be used: {reason}.'


def _words(kind: object) -> Callable[[str], str]:
    """Reads one of a few words; the extension also wrote their numbers and their names in its code."""
    known = {word.lower(): word for word in get_args(kind)}
    numbers = {str(number): word for number, word in enumerate(get_args(kind))}
    old = {word.lower(): now for word, now in OLD_WORDS.items() if now in get_args(kind)}

    def read(text: str) -> str:
        found = (known | old | numbers).get(text.lower())
        if found is None:
            raise ValueError(f"it is none of {', '.join(get_args(kind))}")
        return found

    return read


def _or_none(text: str) -> float | None:
    number = broken(text)
    return None if number == UNSET else number


def _resolution(text: str) -> int:
    number = whole(text)
    return ControlUnit().processor_res if number == UNSET else number


FIELDS: dict[str, tuple[str, Callable[[str], Any]]] = {
    "Module": ("module", lambda text: text or NO_MODULE),
    "Model": ("model", lambda text: text or NO_MODEL),
    "Weight": ("weight", broken),
    "Resize Mode": ("resize_mode", _words(ControlResize)),
    "Processor Res": ("processor_res", _resolution),
    "Threshold A": ("threshold_a", _or_none),
    "Threshold B": ("threshold_b", _or_none),
    "Guidance Start": ("guidance_start", broken),
    "Guidance End": ("guidance_end", broken),
    "Pixel Perfect": ("pixel_perfect", truth),
    "Control Mode": ("control_mode", _words(ControlMode)),
    "Hr Option": ("hr_option", _words(HiresOption)),
    "Union Control Type": ("union_control_type", str),
    "Influence": ("influence", _words(Influence)),
}
"""The extension's name of each field that is told, and how it is read."""
OWN = ("union_control_type", "influence")
"""Fields that are told only where they are set."""


def _of_field(field: str, read: Callable[[str], Any]) -> Callable[[str], dict[str, Any]]:
    return lambda text: {field: read(text)}


def _row(*fields: str) -> Callable[[str], dict[str, Any]]:
    """Reads several fields that stand together: (512, 100, 200)."""
    readers = dict(FIELDS.values())

    def read(text: str) -> dict[str, Any]:
        values = [part.strip() for part in text.strip("()").split(",")]
        return {
            field: readers[field](part) for field, part in zip(fields, values, strict=False) if part != "None"
        }

    return read


READERS: dict[str, Callable[[str], dict[str, Any]]] = {
    **{name.lower(): _of_field(field, read) for name, (field, read) in FIELDS.items()},
    "preprocessor": _of_field("module", str),
    "starting/ending": _row("guidance_start", "guidance_end"),
    "preprocessor params": _row("processor_res", "threshold_a", "threshold_b"),
    "guidance strength": _of_field("guidance_end", broken),
}
"""The fields that each name tells, today's and former ones, in lower case."""
