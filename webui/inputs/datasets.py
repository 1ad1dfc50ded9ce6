"""Datasets to train from: folders of pictures, each with its caption in a text file of the same name.

That is kohya's and A1111's layout, so that folders can be put there by hand.
"""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from PIL import Image

from webui.catalog.downloads.names import RESERVED
from webui.imaging.reading import read_picture
from webui.inputs.batches import ENDINGS
from webui.inputs.files import NoRoomError, sentence, write
from webui.params.training import NAME

MAX_PICTURES = 5000
MAX_DATASETS = 1000
MAX_CAPTION = 10_000
MAX_NAME = 100
CAPTION = ".txt"
SHOWN = 100


class DatasetError(ValueError):
    """Something can't be done with a dataset; the text is a sentence that says why and the way out."""


class UnknownDatasetError(DatasetError):
    """There is no such dataset, or no such picture in it."""


@dataclass(frozen=True)
class Example:
    """A picture of a dataset. `file` is its name in the folder; 0 by 0: it can't be read."""

    file: str
    caption: str
    width: int
    height: int


@dataclass(frozen=True)
class Dataset:
    """A dataset at a glance. `changed` is when, in seconds since 1970."""

    name: str
    pictures: int
    captions: int
    changed: float


class Datasets:
    """The datasets in a folder. They are everyone's, as models are."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def listed(self) -> list[Dataset]:
        """All of them, the last changed first."""
        try:
            folders = [path for path in self._folder.iterdir() if _is_name(path.name) and path.is_dir()]
        except OSError:  # there is none yet
            return []
        return sorted(map(self._glance, folders[:MAX_DATASETS]), key=lambda one: -one.changed)

    def _glance(self, folder: Path) -> Dataset:
        files = _pictures(folder)
        captioned = sum(file.with_suffix(CAPTION).is_file() for file in files)
        return Dataset(folder.name, len(files), captioned, folder.stat().st_mtime)

    def folder(self, name: str) -> Path:
        """The folder of the dataset `name`.

        Raises:
            UnknownDatasetError: there is none.
        """
        folder = self._folder / name
        if not _is_name(name) or not folder.is_dir():
            raise UnknownDatasetError(
                f'There is no dataset "{name[:SHOWN]}". Make one, or put a folder of pictures into '
                f"{self._folder}."
            )
        return folder

    def make(self, name: str) -> None:
        """Make an empty dataset.

        Raises:
            DatasetError: there is one of that name, the name is no folder's, or it can't be made.
        """
        if not _is_name(name):
            raise DatasetError(
                f'"{name[:SHOWN]}" can\'t be a dataset\'s name: use letters, digits, spaces, "-" and "_".'
            )
        if (self._folder / name).exists():
            raise DatasetError(f'There is a dataset "{name}" already. Choose another name.')
        try:
            (self._folder / name).mkdir(parents=True)
        except OSError as error:
            raise DatasetError(sentence(error, self._folder)) from error

    def remove(self, name: str) -> None:
        """Remove a dataset with all that is in it.

        Raises:
            DatasetError: there is none, or it can't be removed.
        """
        folder = self.folder(name)
        try:
            folder.unlink() if folder.is_symlink() else shutil.rmtree(folder)
        except OSError as error:
            raise DatasetError(
                f'The dataset "{name}" can\'t be removed: {error.strerror or error}.'
            ) from error

    def files(self, name: str) -> list[Path]:
        """The pictures of the dataset `name`, by name.

        Raises:
            DatasetError: there is no such dataset, or it has more pictures than are read.
        """
        files = _pictures(self.folder(name))
        if len(files) > MAX_PICTURES:
            raise DatasetError(
                f'The dataset "{name}" has {len(files):,} pictures, and {MAX_PICTURES:,} are the limit. '
                "Move some elsewhere."
            )
        return files

    def examples(self, name: str) -> Iterator[Example]:
        """The pictures of the dataset `name` with their captions and sizes, by name.

        Raises:
            DatasetError: as `files`.
        """
        return map(_example, self.files(name))

    def path(self, name: str, file: str) -> Path:
        """The picture `file` of the dataset `name`.

        Raises:
            UnknownDatasetError: there is none.
        """
        path = self.folder(name) / file
        if Path(file).name != file or not _is_picture(path):
            raise UnknownDatasetError(f'There is no picture "{file[:SHOWN]}" in the dataset "{name}".')
        return path

    def example(self, name: str, file: str) -> Example:
        """One picture with its caption.

        Raises:
            UnknownDatasetError: there is none.
        """
        return _example(self.path(name, file))

    def add(self, name: str, file: str, data: bytes) -> str:
        """Put a picture into the dataset, as a PNG that holds nothing but pixels; the name that it has there.

        `file` is what it was called; a number is added where that is taken.

        Raises:
            DatasetError: there is no such dataset, it is full, or the disk is.
            PictureError: `data` is no picture that can be read.
        """
        folder = self.folder(name)
        if len(_pictures(folder)) >= MAX_PICTURES:
            raise DatasetError(f'The dataset "{name}" has {MAX_PICTURES:,} pictures, which is the limit.')
        image = read_picture(data, file)
        path = _free(folder, _stem(file))
        try:
            write(image, path, {})
        except NoRoomError as error:
            raise DatasetError(str(error)) from error
        return path.name

    def caption(self, name: str, file: str, caption: str) -> None:
        """Say what a picture shows; nothing: its caption is removed.

        Raises:
            DatasetError: there is no such picture, the caption is too long, or the disk is full.
        """
        path = self.path(name, file).with_suffix(CAPTION)
        if len(caption) > MAX_CAPTION:
            raise DatasetError(f"A caption has at most {MAX_CAPTION:,} characters.")
        try:
            if caption.strip():
                path.write_text(caption.strip() + "\n", encoding="utf-8")
            else:
                path.unlink(missing_ok=True)
        except OSError as error:
            raise DatasetError(sentence(error, path.parent)) from error

    def take_out(self, name: str, file: str) -> None:
        """Remove a picture and its caption.

        Raises:
            DatasetError: there is no such picture, or it can't be removed.
        """
        path = self.path(name, file)
        try:
            path.unlink()
            path.with_suffix(CAPTION).unlink(missing_ok=True)
        except OSError as error:
            raise DatasetError(f'"{file}" can\'t be removed: {error.strerror or error}.') from error


def _example(path: Path) -> Example:
    try:
        with Image.open(path) as image:
            width, height = image.size
    except Exception:  # Pillow's readers fail in every way there is on files that are damaged
        width = height = 0
    return Example(path.name, caption_of(path), width, height)


def caption_of(picture: Path) -> str:
    """What the text file beside a picture says, on one line; nothing where there is none that can be read."""
    try:
        with picture.with_suffix(CAPTION).open("rb") as stream:
            text = stream.read(4 * MAX_CAPTION).decode("utf-8", errors="replace")
    except OSError:
        return ""
    return " ".join(text.removeprefix("\ufeff").split())[:MAX_CAPTION]


def _pictures(folder: Path) -> list[Path]:
    try:
        return sorted(path for path in folder.iterdir() if _is_picture(path))
    except OSError:  # it may not be read
        return []


def _is_picture(path: Path) -> bool:
    if path.suffix.lower() not in ENDINGS or path.name.startswith(".") or path.is_symlink():
        return False
    try:
        path.name.encode()
        return path.is_file()
    except (OSError, UnicodeEncodeError, ValueError):
        return False


def _is_name(name: str) -> bool:
    short = len(name) <= MAX_NAME and not name.endswith((".", " "))
    return short and bool(re.fullmatch(NAME, name)) and not RESERVED.match(name)


def _stem(file: str) -> str:
    """What a picture is called in the dataset: the letters that every system takes."""
    plain = re.sub(r"[^\w.\- ]", "_", Path(file).stem).strip(" .")[:MAX_NAME]
    return plain if plain and not RESERVED.match(plain) else "picture"


def _free(folder: Path, stem: str) -> Path:
    """A name that neither a picture nor a caption has."""
    taken = {path.stem.lower() for path in folder.iterdir()}
    number, name = 1, stem
    while name.lower() in taken:
        number += 1
        name = f"{stem} {number}"
    return folder / f"{name}.png"
