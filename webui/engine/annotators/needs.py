"""What a preprocessor needs to be there: a file by its name, or a folder by what its config says."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from webui.catalog.entry import ModelFile
from webui.engine.annotators import auxiliary

FOLDER = "models/annotators"
CONFIG = "config.json"
"""Beside the weights of networks in transformers' format."""
MAX_JSON = 2**20


@dataclass(frozen=True)
class FileNamed:
    """A file of that name, with whatever ending."""

    name: str
    source: str
    """Where it is published: a repository on Hugging Face."""

    def find(self, files: Iterable[ModelFile]) -> Path | None:
        """The file, if it is there and sound."""
        wanted = Path(self.name).stem.lower()
        return next((each.path for each in files if not each.problem and each.stem.lower() == wanted), None)

    def told(self, title: str) -> str:
        """What is to be done where it isn't."""
        return f"{title} needs the file {self.name}. Get it from {self.source} and put it into {FOLDER}."


@dataclass(frozen=True)
class FolderOf:
    """A folder in transformers' format that holds a network of one of these types."""

    types: tuple[str, ...]
    source: str
    """A repository on Hugging Face that is one."""

    def find(self, files: Iterable[ModelFile]) -> Path | None:
        """The config.json of the first such folder."""
        folders = dict.fromkeys(each.path.parent for each in files if not each.problem)
        configs = (folder / CONFIG for folder in folders)
        return next((config for config in configs if _type(config) in self.types), None)

    def told(self, title: str) -> str:
        """What is to be done where it isn't."""
        return (
            f"{title} needs a model in transformers' format: config.json and model.safetensors. Get those of "
            f"{self.source} and put them into a folder of their own in {FOLDER}."
        )


@dataclass(frozen=True)
class Auxiliary:
    """The package controlnet-aux, and files that it reads, all in one folder."""

    detector: auxiliary.Detector
    source: str = "lllyasviel/Annotators"

    def find(self, files: Iterable[ModelFile]) -> Path | None:
        """The first of the files, if all lie in its folder and the package is there."""
        first, *_ = names = list(self.detector.files.values())
        if not auxiliary.installed():
            return None
        paths = (each.path for each in files if each.path.name == first)
        return next((p for p in paths if all((p.parent / name).is_file() for name in names)), None)

    def told(self, title: str) -> str:
        """What is to be done where something isn't."""
        if not auxiliary.installed():
            return (
                f"{title} needs the Python package controlnet-aux, which isn't installed. Install it into "
                "Darkroom's environment and restart."
            )
        names = " and ".join(self.detector.files.values())
        return f"{title} needs {names}. Get it from {self.source} and put it into {FOLDER}."


Needs = FileNamed | FolderOf | Auxiliary


def _type(config: Path) -> str:
    try:
        with config.open("rb") as stream:
            told = json.loads(stream.read(MAX_JSON))
    except (OSError, ValueError, RecursionError):
        return ""
    return str(told.get("model_type", "")) if isinstance(told, dict) else ""
