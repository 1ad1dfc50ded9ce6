"""What texts tell of the script that made a picture, in A1111's keys."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from webui.infotext.key import number
from webui.params.scripts import Loopback, Script, SDUpscale

SCRIPT = "Script"
PLOT, LOOPBACK, SD_UPSCALE = "X/Y/Z plot", "Loopback", "SD upscale"
FIELDS = {
    LOOPBACK: {
        "Loops": "loops",
        "Final denoising strength": "final_denoising_strength",
        "Denoising curve": "denoising_curve",
    },
    SD_UPSCALE: {
        "SD upscale overlap": "overlap",
        "SD upscale factor": "scale_factor",
        "SD upscale upscaler": "upscaler",
    },
}
"""The keys of scripts whose pictures tell of them, and the fields that they tell."""


def facts(script: Script | None) -> Iterator[tuple[str, str]]:
    """What each picture of a script tells of it; nothing of scripts that their grid tells of, or nobody."""
    if not isinstance(script, Loopback | SDUpscale):
        return
    yield SCRIPT, script.name
    for key, field in FIELDS[script.name].items():
        value = getattr(script, field)
        yield key, value if isinstance(value, str) else number(value)


def script_of(pairs: Mapping[str, str]) -> dict[str, Any]:
    """The script's parameters; none if no script is told of.

    Of a plot that was drawn with random seeds they are the seeds that these had come to. A1111's pictures
    have the keys of a script without its name.
    """
    name = pairs.get(SCRIPT)
    if name == PLOT:
        return _plot(pairs)
    for script, told in FIELDS.items():
        found = {field: pairs[key] for key, field in told.items() if key in pairs}
        if name == script or (name is None and found):
            return {"name": script, **found}
    return {}


def _plot(pairs: Mapping[str, str]) -> dict[str, Any]:
    script: dict[str, Any] = {"name": PLOT}
    for letter in "XYZ":
        axis = letter.lower()
        script[f"{axis}_axis"] = pairs.get(f"{letter} Type", "Nothing")
        script[f"{axis}_values"] = pairs.get(f"Fixed {letter} Values") or pairs.get(f"{letter} Values", "")
    return script


def keys(script: Mapping[str, Any]) -> frozenset[str]:
    """The keys that have told it."""
    if not script:
        return frozenset()
    if script["name"] == PLOT:
        kinds = ("{} Type", "{} Values", "Fixed {} Values")
        return frozenset({SCRIPT, *(kind.format(letter) for letter in "XYZ" for kind in kinds)})
    return frozenset({SCRIPT, *FIELDS[script["name"]]})
