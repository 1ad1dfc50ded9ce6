"""What stands in an axis' box, as values: comma-separated, quoted where they hold commas, with ranges.

As in AUTOMATIC1111: `1-5`, `1-5 (+2)`, `10-5 (-3)`, `1-10 [5]` for five values evenly spread.
"""

from __future__ import annotations

import csv
import math
import re
from decimal import Decimal
from io import StringIO

MAX_VALUES = 10_000

NUMBER = r"[+-]?(?:\d{1,18}(?:\.\d{0,12})?|\.\d{1,12})"
RANGE = re.compile(rf"({NUMBER})\s*-\s*({NUMBER})(?:\s*\(\s*({NUMBER})\s*\)|\s*\[\s*(\d+)\s*\])?", re.ASCII)
FORMS = "like 7, or a range like 1-5, 1-5 (+2) or 1-10 [5]"
SWITCHES = {
    **dict.fromkeys(("true", "yes", "on", "1"), True),
    **dict.fromkeys(("false", "no", "off", "0"), False),
}


def texts(text: str) -> list[str]:
    """The values as they stand, without the space around them; empty ones too.

    Raises:
        ValueError: there are too many.
    """
    unified = text.replace("\r\n", "\n").replace("\r", "\n")
    rows = csv.reader(StringIO(unified), skipinitialspace=True)
    values = [value.strip() for row in rows for value in row]
    if len(values) > MAX_VALUES:
        raise ValueError(_too_many(len(values)))
    return values


def integers(text: str) -> list[int]:
    """Whole numbers, ranges written out.

    Raises:
        ValueError: one of them is none; the text says so.
    """
    return [int(value) for value in _numbers(text, whole=True)]


def numbers(text: str) -> list[float]:
    """Numbers, ranges written out.

    Raises:
        ValueError: one of them is none; the text says so.
    """
    return [float(value) for value in _numbers(text, whole=False)]


def switches(text: str) -> list[bool]:
    """True or False, in whichever of the usual words.

    Raises:
        ValueError: another word.
    """
    values = [value for value in texts(text) if value]
    for value in values:
        if value.lower() not in SWITCHES:
            raise ValueError(f'"{_short(value)}" is neither True nor False')
    return [SWITCHES[value.lower()] for value in values]


def choices(text: str, known: tuple[str, ...]) -> list[str]:
    """Some of `known`, written in any letter case.

    Raises:
        ValueError: another word.
    """
    proper = {name.lower(): name for name in known}
    values = [value for value in texts(text) if value]
    for value in values:
        if value.lower() not in proper:
            raise ValueError(f'"{_short(value)}" is none of {", ".join(known)}')
    return [proper[value.lower()] for value in values]


def _numbers(text: str, *, whole: bool) -> list[Decimal | float]:
    found: list[Decimal | float] = []
    for value in texts(text):
        if match := RANGE.fullmatch(value):
            found += _range(match, whole=whole)
        elif value:
            found.append(_number(value, whole=whole))
        if len(found) > MAX_VALUES:
            raise ValueError(_too_many(len(found)))
    return found


def _number(value: str, *, whole: bool) -> Decimal | float:
    try:
        if whole and value.lstrip("+-").isdigit():
            return Decimal(int(value))
        number = float(value)
        if not math.isfinite(number):
            raise ValueError
    except ValueError:
        raise ValueError(f'"{_short(value)}" is no number {FORMS}') from None
    if whole and not number.is_integer():
        raise ValueError(f'"{_short(value)}" is no whole number')
    return number


def _range(match: re.Match[str], *, whole: bool) -> list[Decimal | float]:
    """The values of a range; both ends belong to it. Decimal, since 0.1 three times is to be 0.3."""
    start, end = Decimal(match[1]), Decimal(match[2])
    step = Decimal(match[3]) if match[3] else Decimal(1 if end >= start else -1)
    if whole and any(number != number.to_integral_value() for number in (start, end, step)):
        raise ValueError(f'"{_short(match[0])}" holds numbers that are not whole')
    if match[4]:
        return _spread(start, end, Decimal(match[4]))
    if step == 0 or (end - start) / step < 0:
        raise ValueError(f'"{_short(match[0])}" never gets to its end; turn the sign of the step')
    count = (end - start) / step + 1
    if count > MAX_VALUES:
        raise ValueError(_too_many(count))
    return [start + number * step for number in range(int(count))]


def _spread(start: Decimal, end: Decimal, count: Decimal) -> list[Decimal | float]:
    if count > MAX_VALUES:
        raise ValueError(_too_many(count))
    if count <= 1:
        return [start] * int(count)
    return [round(start + (end - start) * number / (int(count) - 1), 8) for number in range(int(count))]


def _too_many(count: Decimal | int) -> str:
    told = f"{int(count):,}" if count < 10**9 else "more than a billion"
    return f"these are {told} values, and {MAX_VALUES:,} are the limit"


def _short(value: str) -> str:
    return value if len(value) <= 60 else f"{value[:60]}…"
