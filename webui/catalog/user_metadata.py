"""What people write of a network, in A1111's own file beside it: `name.json` for `name.safetensors`.

Both programs read and write it. Format: a JSON object; keys that aren't known here are kept as they are.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from webui.infotext.pairs import clean

MAX_BYTES = 2**20
MAX_TEXT = 10_000
MAX_ACTIVATION = 1000
HEAVIEST = 10.0
VERSIONS = ("Unknown", "SD1", "SD2", "SDXL", "SD3", "Flux")
"""What `sd_version` usually is. The first four are A1111's own."""
KEYS = {
    "description": "description",
    "sd_version": "sd version",
    "activation_text": "activation text",
    "preferred_weight": "preferred weight",
    "negative_text": "negative text",
    "notes": "notes",
}
"""Field -> its key in the file."""


class UserMetadata(BaseModel):
    """A network's description, and how it is to be used. What was not told is empty."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    activation_text: str = Field(
        default="",
        max_length=MAX_ACTIVATION,
        title="Activation text",
        description="The words that it was trained with. They go into the prompt with it.",
    )
    preferred_weight: float | None = Field(
        default=None,
        ge=-HEAVIEST,
        le=HEAVIEST,
        title="Preferred weight",
        description="With which weight it goes into the prompt. Empty: 1.",
    )
    negative_text: str = Field(
        default="",
        max_length=MAX_ACTIVATION,
        title="Negative text",
        description="Words that go into the negative prompt with it.",
    )
    sd_version: str = Field(
        default="",
        max_length=100,
        title="Stable Diffusion version",
        description="What it was made for. Heeded where the file itself doesn't tell.",
    )
    description: str = Field(
        default="", max_length=MAX_TEXT, title="Description", description="Shown on the card."
    )
    notes: str = Field(default="", max_length=MAX_TEXT, title="Notes", description="For yourself.")


class MetadataError(OSError):
    """The metadata can't be kept; the text says why and the way out."""


def metadata_file(model: Path) -> Path:
    """Where the metadata of the file `model` is, if there is any."""
    return model.with_suffix(".json")


def read_metadata(file: Path) -> UserMetadata:
    """What `file` tells; nothing where it isn't there or can't be read."""
    try:
        return of_mapping(_content(file))
    except (OSError, ValueError, ArithmeticError, RecursionError):
        return UserMetadata()


def of_mapping(told: Mapping[str, Any]) -> UserMetadata:
    """What the file's object tells. What is of another type, or too long, is passed over or cut."""
    return UserMetadata(
        activation_text=" ".join(_text(told, "activation_text").split())[:MAX_ACTIVATION],
        preferred_weight=_weight(told.get(KEYS["preferred_weight"])),
        negative_text=" ".join(_text(told, "negative_text").split())[:MAX_ACTIVATION],
        sd_version=_text(told, "sd_version")[:100],
        description=_text(told, "description")[:MAX_TEXT],
        notes=_text(told, "notes")[:MAX_TEXT],
    )


def write_metadata(file: Path, metadata: UserMetadata) -> None:
    """Put `metadata` into `file`, whole or not at all. What else the file tells stays.

    Raises:
        MetadataError: the file can't be written, or holds something that would be lost.
    """
    try:
        kept = _content(file)
    except FileNotFoundError:
        kept = {}
    except (OSError, ValueError, RecursionError) as error:
        raise MetadataError(
            f"{file.name} beside the model isn't a file of A1111's metadata, and is left as it is. "
            "Move it away and try again."
        ) from error
    told = metadata.model_dump()
    # A1111's sliders know no empty place: 0 is what it writes where nothing was set.
    told["preferred_weight"] = metadata.preferred_weight or 0
    _replace(file, {**kept, **{KEYS[field]: value for field, value in told.items()}})


def _replace(file: Path, content: Mapping[str, Any]) -> None:
    unfinished = file.with_name(f".{file.name}.{threading.get_ident()}.part")
    try:
        try:
            unfinished.write_text(json.dumps(content, indent=4, ensure_ascii=False), encoding="utf-8")
            unfinished.replace(file)
        finally:
            unfinished.unlink(missing_ok=True)
    except OSError as error:
        raise MetadataError(
            f"{file.name} can't be written into the model's folder: {error.strerror or error}. "
            "Give this server leave to write there."
        ) from error


def _content(file: Path) -> dict[str, Any]:
    with file.open("rb") as stream:
        content = stream.read(MAX_BYTES + 1)
    if len(content) > MAX_BYTES:
        raise ValueError(f"it is larger than {MAX_BYTES >> 20} MiB")
    told = json.loads(content)
    if not isinstance(told, dict):
        raise ValueError("it does not hold an object")
    return told


def _text(told: Mapping[str, Any], field: str) -> str:
    value = told.get(KEYS[field])
    return clean(value) if isinstance(value, str) else ""


def _weight(value: object) -> float | None:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return float(value) if 0 < abs(value) <= HEAVIEST else None
