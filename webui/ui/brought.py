"""What the page's scripts tell beside the form: the canvas's pictures, what steers, what to enlarge."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from webui.ui.components.fields import TOLD

PICTURES = (
    *("init_images", "init_folder", "mask"),
    *("outpaint_left", "outpaint_up", "outpaint_right", "outpaint_down"),
)
"""The fields that the canvas tells."""
FINISHED = ("firstpass_image", "seed", "subseed", "width", "height")
"""The fields that are told of a finished picture."""
MAX_TOLD = 2**20
"""Letters: of names of pictures, not of pictures."""


@dataclass(frozen=True)
class Brought:
    """What the page says by field, or `errors` that kept pictures from being uploaded.

    For live painting, `live` is the key of the job whose place this takes, `seed` that of its pictures.
    """

    fields: Mapping[str, Any] = field(default_factory=dict[str, Any])
    errors: Sequence[Mapping[str, str]] = ()
    live: str = ""
    seed: int = -1

    @classmethod
    def read(cls, text: str) -> Brought:
        """Of the page's JSON; what can't be read says nothing."""
        told = _parsed(text)
        errors = [_problem(error) for error in told.get("errors") or () if isinstance(error, dict)]
        live, seed = told.get("live"), told.get("seed")
        return cls(
            {name: told[name] for name in (*PICTURES, *TOLD) if name in told},
            errors,
            live if isinstance(live, str) else "",
            seed if isinstance(seed, int) else -1,
        )

    @property
    def has_picture(self) -> bool:
        """Whether there is anything to start from."""
        return bool(self.fields.get("init_images") or self.fields.get("init_folder"))


def read_finished(text: str) -> Brought:
    """What the page's JSON tells of a finished picture that is to be enlarged, and of what steers."""
    told, brought = _parsed(text), Brought.read(text)
    finished = {name: told[name] for name in FINISHED if told.get(name) is not None}
    steering = {name: brought.fields[name] for name in TOLD if name in brought.fields}
    return Brought({**finished, **steering}, brought.errors)


def _parsed(text: str) -> dict[str, Any]:
    try:
        told = json.loads(text) if text and len(text) <= MAX_TOLD else None
    except (ValueError, RecursionError):
        return {}
    return {str(name): value for name, value in told.items()} if isinstance(told, dict) else {}


def _problem(error: Mapping[Any, Any]) -> dict[str, str]:
    return {name: str(error.get(name, "")) for name in ("field", "message")}
