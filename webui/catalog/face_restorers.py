"""GFPGAN and CodeFormer: whether faces can be restored here, and with which files. Nothing heavy is imported.

The packages that they need are optional, see docs/upscaling.md.
"""

from __future__ import annotations

from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path


@dataclass(frozen=True)
class FaceRestorer:
    """One of them. `folder` is where its files lie below `models/`, as in A1111."""

    name: str
    folder: str
    packages: tuple[str, ...]

    def missing(self) -> list[str]:
        """The packages that aren't installed."""
        return [package for package in self.packages if find_spec(package) is None]

    def file(self, models: Path) -> Path | None:
        """The newest by name of its files below `models`; None: there is none."""
        found = sorted((models / self.folder).glob("*.pth"))
        named = [file for file in found if file.name.lower().startswith(self.name.lower())]
        return named[-1] if named else None


GFPGAN = FaceRestorer("GFPGAN", "GFPGAN", ("spandrel", "torchvision", "facexlib"))
CODEFORMER = FaceRestorer("CodeFormer", "Codeformer", (*GFPGAN.packages, "spandrel_extra_arches"))
FACE_RESTORERS = (GFPGAN, CODEFORMER)
FINDERS = ("detection_Resnet50_Final.pth", "parsing_parsenet.pth")
"""What facexlib finds faces and their outlines with."""


def finders_folder(models: Path) -> Path | None:
    """The folder below `models` that has both of FINDERS; None: none has."""
    folders = [models / name for name in (GFPGAN.folder, CODEFORMER.folder, "facexlib")]
    return next((folder for folder in folders if all((folder / name).is_file() for name in FINDERS)), None)


def face_restorers_available(models: Path) -> list[str]:
    """The names of those that can be used: what the page offers."""
    if finders_folder(models) is None:
        return []
    return [each.name for each in FACE_RESTORERS if not each.missing() and each.file(models)]
