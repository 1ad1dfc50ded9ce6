"""What the infotext of a grid tells of the X/Y/Z plot that made it, in A1111's keys."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

SCRIPT = "X/Y/Z plot"


def plot_of(pairs: Mapping[str, str]) -> dict[str, Any]:
    """The script's parameters, with the seeds that random ones had come to; none if no plot is told of."""
    if pairs.get("Script") != SCRIPT:
        return {}
    script: dict[str, Any] = {"name": SCRIPT}
    for letter in "XYZ":
        axis = letter.lower()
        script[f"{axis}_axis"] = pairs.get(f"{letter} Type", "Nothing")
        script[f"{axis}_values"] = pairs.get(f"Fixed {letter} Values") or pairs.get(f"{letter} Values", "")
    return script


def keys(script: Mapping[str, Any]) -> frozenset[str]:
    """The keys that have told it."""
    if not script:
        return frozenset()
    kinds = ("{} Type", "{} Values", "Fixed {} Values")
    return frozenset({"Script", *(kind.format(letter) for letter in "XYZ" for kind in kinds)})
