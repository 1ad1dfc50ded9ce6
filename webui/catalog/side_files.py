"""Files beside a model that tell more of it: previews, cards, and those of A1111 and Civitai tools.

Names for `anime.safetensors`: `anime.preview.png` or `anime.png` (also .jpg, .jpeg, .webp),
`anime.darkroom.json` (Darkroom's card), `anime.json` (A1111's user metadata), `anime.civitai.info` (Civitai
Helper), `anime.yaml` (the configuration in LDM's format). In a diffusers folder: `darkroom.json`, and
`preview.png` or `thumbnail.png`.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Literal, NamedTuple

Role = Literal["card", "a1111", "civitai", "config", "thumbnail"]

PICTURES = ("png", "jpg", "jpeg", "webp")
PREVIEW = ".preview"
CARD = "darkroom.json"
Entries = Mapping[str, os.DirEntry[str]]


class Side(NamedTuple):
    """A file beside a model, as it was when it was found."""

    role: Role
    path: str
    mtime_ns: int


Sides = tuple[Side, ...]


def of_file(name: str, entries: Entries) -> Sides:
    """Those of the file `name`, of all that lies in its directory."""
    stem = name.rpartition(".")[0]
    # The preview first: it is what people choose in the page, whatever came with the file.
    pictures = (f"{stem}{middle}.{ending}" for middle in (PREVIEW, "") for ending in PICTURES)
    roles: dict[Role, str | None] = {
        "card": f"{stem}.{CARD}",
        "a1111": f"{stem}.json",
        "civitai": f"{stem}.civitai.info",
        "config": f"{stem}.yaml",
        "thumbnail": next(filter(entries.__contains__, pictures), None),
    }
    return _there(roles, entries)


def preview_file(model: Path) -> Path:
    """Where the picture goes that people choose for the file `model`."""
    return model.with_name(f"{model.stem}{PREVIEW}.png")


def is_preview(picture: Path) -> bool:
    """Whether the picture beside a file has been chosen for it."""
    return picture.stem.endswith(PREVIEW)


def of_folder(entries: Entries) -> Sides:
    """Those inside a diffusers folder that holds `entries`."""
    pictures = (f"{stem}.{ending}" for stem in ("preview", "thumbnail") for ending in PICTURES)
    there: Callable[[str], bool] = entries.__contains__
    return _there({"card": CARD, "thumbnail": next(filter(there, pictures), None)}, entries)


def _there(roles: Mapping[Role, str | None], entries: Entries) -> Sides:
    found: list[Side] = []
    for role, name in roles.items():
        entry = entries.get(name) if name else None
        try:
            if entry and entry.is_file():
                found.append(Side(role, entry.path, entry.stat().st_mtime_ns))
        except OSError:
            continue
    return tuple(found)
