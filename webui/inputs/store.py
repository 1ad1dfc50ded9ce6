"""Pictures that people bring: each owner's own, kept as PNG until no job has used them for long."""

from __future__ import annotations

import hashlib
import logging
import threading
from contextlib import suppress
from dataclasses import dataclass
from itertools import count
from pathlib import Path

from PIL.PngImagePlugin import PngImageFile

from webui.imaging.reading import read_picture
from webui.infotext import picture as told
from webui.infotext.carriers import PARAMETERS
from webui.inputs.files import NoRoomError, is_whole, sentence, sweep, touch, write
from webui.inputs.names import UPLOAD

log = logging.getLogger(__name__)

PARENT = "darkroom-parent"
"""The text in a PNG that names the finished picture which it was made from."""
UNUSED = "unused"
"""The folder of what no job has used yet."""
MOST_UNUSED = 2000
DAY = 24 * 3600
SWEEP_EVERY = 100
AT_ONCE = 2
"""How many pictures are decoded at the same time: the largest take gigabytes."""


class UnknownInputError(KeyError):
    """The owner has no picture of that id."""


@dataclass(frozen=True)
class Upload:
    """A picture that has been brought. `infotext` and `parent` are empty where nothing is known of them.

    `parent` is the finished picture that it was made from, as "<job>/<number>".
    """

    id: str
    width: int
    height: int
    has_alpha: bool
    infotext: str = ""
    parent: str = ""


class InputStore:
    """The pictures of all owners, under one folder. Thread-safe.

    What no job has used lies apart, and goes after a day, or when there is very much of it: a canvas that is
    drawn live brings a picture with each stroke.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._decoding = threading.Semaphore(AT_ONCE)
        self._added = count(1)

    def add(self, owner: str, data: bytes, parent: str = "") -> Upload:
        """Keep a picture file of any format; the same one of the same owner and parent has the same id.

        Raises:
            PictureError: it can't be read as a picture.
            NoRoomError: the disk is full or can't be written to.
        """
        name = _id(owner, data, parent)
        unused = self._of(owner) / UNUSED
        file = unused / f"{name}.png"
        with suppress(UnknownInputError):
            file = self.path(owner, name)
            if is_whole(file):
                touch(file)
                return self.look(owner, name)
        with self._decoding:
            write(read_picture(data), file, {PARAMETERS: _infotext(data), PARENT: parent}, lasting=True)
        if next(self._added) % SWEEP_EVERY == 0:
            sweep(unused, DAY, MOST_UNUSED)
        return self.look(owner, name)

    def look(self, owner: str, name: str) -> Upload:
        """What is known of a picture, without decoding it.

        Raises:
            UnknownInputError: the owner has none of that id, or its file is damaged.
        """
        try:
            return _look(self.path(owner, name), name)
        except UnknownInputError:  # perhaps it was moved meanwhile
            return _look(self.path(owner, name), name)

    def path(self, owner: str, name: str) -> Path:
        """The picture's PNG file.

        Raises:
            UnknownInputError: the owner has none of that id.
        """
        if UPLOAD.fullmatch(name):
            # In this order, since a file only ever moves from the first place to the second.
            for folder in (self._of(owner) / UNUSED, self._of(owner)):
                file = folder / f"{name}.png"
                if file.is_file():
                    return file
        raise UnknownInputError(name)

    def use(self, owner: str, name: str) -> None:
        """A job that is kept uses the picture, so that it is kept, too.

        Raises:
            UnknownInputError: the owner has none of that id.
            NoRoomError: the disk can't be written to.
        """
        file = self.path(owner, name)
        if file.parent.name == UNUSED:
            try:
                file = file.replace(self._of(owner) / file.name)
            except FileNotFoundError:  # another job was quicker
                file = self.path(owner, name)
            except OSError as error:
                raise NoRoomError(sentence(error, self._folder)) from error
        touch(file)

    def sweep(self, days: float) -> None:
        """Remove what no job has used for `days` (0: keep that for ever), and old pictures never used."""
        owners = self._folder.iterdir() if self._folder.is_dir() else ()
        for folder in [path for path in owners if path.is_dir()]:
            sweep(folder / UNUSED, DAY, MOST_UNUSED)
            if days:
                sweep(folder, days * DAY)

    def _of(self, owner: str) -> Path:
        return self._folder / hashlib.sha256(owner.encode()).hexdigest()[:32]


def _id(owner: str, data: bytes, parent: str) -> str:
    digest = hashlib.sha256(f"{len(owner)} {owner} {parent}\n".encode())
    digest.update(data)
    return digest.hexdigest()[:32]


def _infotext(data: bytes) -> str:
    try:
        return told.read_picture(data).text
    except told.InfotextError as error:
        log.info("What a brought picture tells of itself can't be read: %s", error)
        return ""


def _look(file: Path, name: str) -> Upload:
    try:
        with PngImageFile(file) as image:
            infotext, parent = (str(image.info.get(text, "")) for text in (PARAMETERS, PARENT))
            return Upload(name, image.width, image.height, image.mode == "RGBA", infotext, parent)
    except (OSError, SyntaxError, ValueError) as error:  # gone, or damaged
        raise UnknownInputError(name) from error
