"""Folders of pictures on the server: those inside the data folder's batch folder, and no others."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from webui.imaging.reading import PictureError

ENDINGS = (".png", ".jpg", ".jpeg", ".webp", ".avif", ".gif", ".bmp", ".tif", ".tiff")
MAX_FOLDERS = 1000
MAX_DEPTH = 8
SHOWN = 200


@dataclass(frozen=True)
class BatchFolder:
    """A folder with pictures in it. `name` is its path inside the batch folder; that itself is "."."""

    name: str
    pictures: int


class BatchFolders:
    """What lies in the batch folder. Links don't lead out of it.

    What begins with "." is hidden, and so are names that are no text, which can't be told in JSON.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def listed(self) -> list[BatchFolder]:
        """All folders that hold pictures, by name."""
        root = self._folder.resolve()
        found = [(folder.relative_to(root).as_posix(), len(_files(folder))) for folder in _in(root)]
        listed = [BatchFolder(name, pictures) for name, pictures in found if pictures]
        return sorted(listed, key=lambda one: _natural(one.name))

    def pictures(self, name: str, most: int, beside: int = 0) -> list[str]:
        """The paths of the pictures in the folder `name`, inside the batch folder, in natural order.

        Raises:
            PictureError: there is no such folder, or no picture in it, or with the `beside` that are wanted
                as well there are more than `most`.
        """
        folder = self._inside(name)
        if folder is None or not folder.is_dir():
            raise PictureError(
                f'There is no folder "{name[:SHOWN]}" in the batch folder. Name one in {self._folder}.'
            )
        files = _files(folder)
        if not files:
            raise PictureError(f'There is no picture in the folder "{name[:SHOWN]}".')
        if len(files) + beside > most:
            others = f" and {beside:,} beside it" if beside else ""
            raise PictureError(
                f'There are {len(files):,} pictures in the folder "{name[:SHOWN]}"{others}; {most:,} at once '
                "are the limit. Spread them over several jobs."
            )
        root = self._folder.resolve()
        return [(folder / file).relative_to(root).as_posix() for file in sorted(files, key=_natural)]

    def path(self, name: str) -> Path:
        """The picture file of that path inside the batch folder.

        Raises:
            PictureError: there is none.
        """
        file = self._inside(name)
        if file is None or not _is_picture(file):
            raise PictureError(f'There is no picture "{name[:SHOWN]}" in the batch folder.')
        return file

    def _inside(self, name: str) -> Path | None:
        """The full path of `name`, if it lies inside the batch folder and no part of it is hidden."""
        root = self._folder.resolve()
        try:
            path = (root / name).resolve()
            path.stat()
        except (OSError, RuntimeError, ValueError):  # not there, too long, links in a circle, a zero in it
            return None
        if not path.is_relative_to(root) or not all(map(_is_shown, path.relative_to(root).parts)):
            return None
        return path


def _in(root: Path) -> Iterator[Path]:
    """`root` and the folders in it, as far as they aren't hidden, too many or too deep."""
    for number, (place, inner, _) in enumerate(os.walk(root)):
        if number >= MAX_FOLDERS:
            return
        folder = Path(place)
        deep = len(folder.relative_to(root).parts) >= MAX_DEPTH
        inner[:] = [] if deep else sorted(filter(_is_shown, inner))
        yield folder


def _files(folder: Path) -> list[str]:
    """The names of the pictures in `folder`; links aren't followed."""
    try:
        return [path.name for path in folder.iterdir() if _is_picture(path) and not path.is_symlink()]
    except OSError:  # it may not be read
        return []


def _is_picture(path: Path) -> bool:
    return path.suffix.lower() in ENDINGS and _is_shown(path.name) and path.is_file()


def _is_shown(name: str) -> bool:
    try:
        name.encode()
    except UnicodeEncodeError:  # bytes that are no UTF-8
        return False
    return name[0] != "."


def _natural(name: str) -> str:
    """A key that sorts numbers by their value: 2.png before 10.png."""
    return re.sub("[0-9]+", lambda digits: digits[0].zfill(20), name.lower())
