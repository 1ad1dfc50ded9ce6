"""The checkpoints in the model folders: found, described, never loaded here."""

from __future__ import annotations

import hashlib
import json
import logging
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, ValidationError

from webui.params import GenerationParams, InvalidParamsError

log = logging.getLogger(__name__)

CARD = "darkroom.json"
WEIGHTS = "diffusion_pytorch_model.safetensors"
PARTS = (
    "unet/config.json",
    f"unet/{WEIGHTS}",
    "vae/config.json",
    f"vae/{WEIGHTS}",
    "text_encoder/config.json",
)
NOT_ALIKE = 4
SUPPORTED = ("StableDiffusionPipeline",)


class Card(BaseModel):
    """`darkroom.json` beside a model: what the page's controls are set to for it."""

    model_config = ConfigDict(extra="ignore")

    summary: str = ""
    defaults: dict[str, str | int | float] = {}
    examples: list[str] = []


@dataclass(frozen=True)
class Checkpoint:
    """A model in diffusers' folder format. `problem` says in a sentence why it can't be used, if so."""

    name: str
    path: Path
    problem: str | None = None
    defaults: dict[str, Any] = field(default_factory=dict[str, Any])
    examples: tuple[str, ...] = ()


class Catalog:
    """What lies in the checkpoint folders. The last folder's models are chosen only where no others are."""

    def __init__(self, folders: Sequence[Path]) -> None:
        self._folders = list(folders)
        self._hashes: dict[tuple[Path, int, int], str] = {}
        self._found: dict[str, Checkpoint] = {}
        self.refresh()

    def refresh(self) -> None:
        """Read the folders again."""
        found: dict[str, Checkpoint] = {}
        for folder in self._folders:
            for path in _model_folders(folder):
                inside = path.relative_to(folder).as_posix()
                checkpoint = describe(path, path.name if inside == "." else inside)
                found.setdefault(checkpoint.name, checkpoint)
        self._found = found

    def checkpoints(self) -> list[Checkpoint]:
        """All of them, the unusable ones too, by name."""
        return sorted(self._found.values(), key=lambda checkpoint: checkpoint.name.lower())

    def default(self) -> Checkpoint | None:
        """The one to begin with: the first usable one outside the last folder, else inside it."""
        usable = [checkpoint for checkpoint in self._found.values() if checkpoint.problem is None]
        last = self._folders[-1]
        usable.sort(key=lambda checkpoint: (checkpoint.path.is_relative_to(last), checkpoint.name))
        return usable[0] if usable else None

    def get(self, name: str) -> Checkpoint | None:
        """The checkpoint of exactly that name, usable or not."""
        return self._found.get(name)

    def find(self, name: str) -> Checkpoint:
        """The usable checkpoint called `name` (any letter case; empty: the default one).

        Raises:
            InvalidParamsError: there is none, or it can't be used.
        """
        if not name:
            return self._default_or_none_usable()
        best = min(self._found.values(), key=lambda known: _unlikeness(known, name), default=None)
        if best is None or _unlikeness(best, name) == NOT_ALIKE:
            raise InvalidParamsError("checkpoint", self._unknown(name))
        if best.problem:
            raise InvalidParamsError("checkpoint", best.problem)
        return best

    def _default_or_none_usable(self) -> Checkpoint:
        if default := self.default():
            return default
        raise InvalidParamsError("checkpoint", f"There is no usable checkpoint in {self._folders[0]}.")

    def _unknown(self, name: str) -> str:
        known = ", ".join(checkpoint.name for checkpoint in self.checkpoints()[:10]) or "none"
        return f'There is no checkpoint "{name}" in {self._folders[0]}. Found: {known}.'

    def short_hash(self, checkpoint: Checkpoint) -> str:
        """The first ten hex digits of the sha256 of the UNet's weights; kept while the file is unchanged."""
        file = checkpoint.path / "unet" / WEIGHTS
        stat = file.stat()
        key = (file, stat.st_size, stat.st_mtime_ns)
        if key not in self._hashes:
            with file.open("rb") as stream:
                self._hashes[key] = hashlib.file_digest(stream, "sha256").hexdigest()[:10]
        return self._hashes[key]


def _unlikeness(checkpoint: Checkpoint, name: str) -> int:
    """How far `name` is from naming `checkpoint`: its whole name comes before its folder's alone."""
    if name == checkpoint.name:
        return 0
    if name.lower() == checkpoint.name.lower():
        return 1
    if name.lower() == checkpoint.path.name.lower():
        return 3 if checkpoint.problem else 2
    return NOT_ALIKE


def _model_folders(folder: Path) -> Iterator[Path]:
    """The folders that hold a model, behind links too (which Path.glob leaves out), each once."""
    seen: set[Path] = set()
    for name, folders, files in os.walk(folder, followlinks=True):
        path = Path(name)
        if path.resolve() in seen:
            folders.clear()
            continue
        seen.add(path.resolve())
        folders.sort()
        if "model_index.json" in files:
            yield path


def describe(path: Path, name: str) -> Checkpoint:
    """What the folder's JSON files tell, without reading a weight."""
    try:
        problem = _problem(path, name)
        native = {} if problem else _native_size(path)
    except (OSError, ValueError, KeyError, TypeError) as error:
        return Checkpoint(name, path, f'The checkpoint "{name}" can\'t be read: {error}.')
    card = _card(path)
    return Checkpoint(name, path, problem, {**native, **card.defaults}, tuple(card.examples))


def _problem(path: Path, name: str) -> str | None:
    pipeline = _read_json(path / "model_index.json").get("_class_name")
    if pipeline not in SUPPORTED:
        return f'The checkpoint "{name}" is a {pipeline}, which Darkroom can\'t draw with yet.'
    missing = [part for part in PARTS if not (path / part).is_file()]
    if missing:
        return f'The checkpoint "{name}" is incomplete: {", ".join(missing)} is missing in {path}.'
    return None


def _native_size(path: Path) -> dict[str, int]:
    latent = int(_read_json(path / "unet" / "config.json")["sample_size"])
    factor = 2 ** (len(_read_json(path / "vae" / "config.json")["block_out_channels"]) - 1)
    return {"width": latent * factor, "height": latent * factor}


def _card(path: Path) -> Card:
    file = path / CARD
    if not file.is_file():
        return Card()
    try:
        card = Card.model_validate_json(file.read_text(encoding="utf-8"))
        GenerationParams().completed(card.defaults)
        return card
    except (OSError, ValidationError, UnicodeDecodeError) as error:
        log.warning("%s can't be used: %s", file, error)
        return Card()


def _read_json(file: Path) -> dict[str, Any]:
    value = json.loads(file.read_text(encoding="utf-8"))
    if not isinstance(value, dict):
        raise ValueError(f"{file.name} does not hold a JSON object")
    return value
