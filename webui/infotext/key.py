"""What a key of the text is: the field that it tells, how it is written and how it is read."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from webui.params import GenerationParams

DEFAULTS = GenerationParams()

Written = Callable[[GenerationParams], str | None]
Read = Callable[[str], dict[str, Any]]
WHOLE = re.compile(r"[+-]?[0-9]{1,400}(\.0*)?")


@dataclass(frozen=True)
class Key:
    """One key. `write` gives its value, None where it is left out; `read` the fields that a value tells.

    `read` raises a ValueError where the value is none. What it gives has the right type, but may be beyond
    the field's limits. `others` are names of the same in other programs, in lower case. Where the key isn't
    there its fields are at their defaults, unless it is `needed`: then they aren't known. One that is our
    `own` may mean another thing elsewhere, and is heeded in Darkroom's texts alone.
    """

    name: str
    fields: tuple[str, ...]
    write: Written
    read: Read
    others: tuple[str, ...] = ()
    needed: bool = False
    own: bool = False


def number(value: float) -> str:
    """As short as it can be without losing anything: 7, 7.5, 0.1."""
    return repr(value).removesuffix(".0")


def whole(text: str) -> int:
    """A whole number, also written as 20.0.

    Raises:
        ValueError: it is none.
    """
    if WHOLE.fullmatch(text) is None:
        raise ValueError("it is not a whole number")
    return int(text.partition(".")[0])


def broken(text: str) -> float:
    """A number.

    Raises:
        ValueError: it is none.
    """
    try:
        return float(text[:40])
    except ValueError as error:
        raise ValueError("it is not a number") from error


def size(text: str) -> tuple[int, int]:
    """Width and height, of 512x768.

    Raises:
        ValueError: it isn't a size.
    """
    width, _, height = text.lower().replace("×", "x").partition("x")
    try:
        return whole(width.strip()), whole(height.strip())
    except ValueError as error:
        raise ValueError("it is not a size like 512x768") from error


def truth(text: str) -> bool:
    """Yes or no.

    Raises:
        ValueError: it is neither.
    """
    known = {"true": True, "1": True, "false": False, "0": False}
    if text.lower() not in known:
        raise ValueError("it is neither True nor False")
    return known[text.lower()]


def told(value: object) -> str:
    """A value as it is written."""
    return number(value) if isinstance(value, int | float) and not isinstance(value, bool) else str(value)


def value(
    name: str,
    field: str,
    read: Callable[[str], Any],
    *others: str,
    always: bool = False,
    needed: bool = False,
    kept: bool = False,
    own: bool = False,
    given: Callable[[GenerationParams], bool] = lambda _: True,
    written: Callable[[Any], str] = told,
) -> Key:
    """A key for one field, written where that isn't at its default (or `always`) and has a say (`given`).

    One that is `needed` is always written; of that, and of one that is to be `kept`, nothing is known where
    it isn't there.
    """
    default = getattr(DEFAULTS, field)

    def write(params: GenerationParams) -> str | None:
        said = getattr(params, field)
        return written(said) if given(params) and (always or needed or said != default) else None

    return Key(name, (field,), write, lambda text: {field: read(text)}, others, needed or kept, own)


def pair(name: str, fields: tuple[str, str], write: Written, *, needed: bool = False) -> Key:
    """A key for two numbers, as in 512x768."""
    return Key(name, fields, write, lambda text: dict(zip(fields, size(text), strict=True)), (), needed)
