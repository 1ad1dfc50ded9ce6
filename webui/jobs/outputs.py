"""Finished pictures on disk, where A1111 keeps them: outputs/txt2img-images/<date>/00000-<seed>.png."""

from __future__ import annotations

import errno
import re
import shutil
import threading
import time
from collections.abc import Callable
from itertools import count
from pathlib import Path

from PIL import Image

from webui.engine.protocol import EngineError, Picture
from webui.infotext import carriers
from webui.settings import Settings

NEEDED_BYTES = 64 * 2**20
DISK_FULL = (errno.ENOSPC, getattr(errno, "EDQUOT", errno.ENOSPC))  # Windows knows no quota error
NUMBERED = re.compile(r"(?:grid-)?(\d+)(?:[-.].*)?")
MAX_SIDES = {"webp": 16_383}
"""Pixels, in formats that hold less than what a grid may come to."""
MEDIA_TYPES = {".png": "image/png", ".jpg": "image/jpeg", ".webp": "image/webp", ".avif": "image/avif"}


class OutputError(EngineError):
    """A picture can't be kept; the text says why and the way out."""


class Outputs:
    """The outputs folder. Thread-safe; `settings` is asked anew for each picture."""

    def __init__(self, folder: Path, settings: Callable[[], Settings] = Settings) -> None:
        self.folder = folder
        self._settings = settings
        self._lock = threading.Lock()
        self._next: dict[Path, int] = {}

    def check_space(self) -> None:
        """Look before drawing.

        Raises:
            OutputError: the disk is as good as full, or the folder can't be made.
        """
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            free = shutil.disk_usage(self.folder).free
        except OSError as error:
            raise OutputError(_sentence(error, self.folder)) from error
        if free < NEEDED_BYTES:
            raise OutputError(
                f"The disk is full: {free // 2**20} MB are free where pictures are kept ({self.folder}). "
                "Make room and try again."
            )

    def save(self, picture: Picture, kind: str = "txt2img-images") -> str:
        """Write `picture` in the settings' format, whole or not at all; its path relative to the folder.

        Raises:
            OutputError: the disk is full or can't be written to, or the format can't hold the picture.
        """
        name = f"{{:05d}}-{picture.seed}.{self._settings().samples_format}"
        return self._keep(picture.image, picture.infotext, kind, name)

    def save_grid(self, image: Image.Image, infotext: str, kind: str = "txt2img-grids") -> str:
        """The same for a grid, which has a number of its own kind."""
        return self._keep(image, infotext, kind, f"grid-{{:04d}}.{self._settings().grid_format}")

    @property
    def max_grid_side(self) -> int | None:
        """How many pixels wide or high a grid may be in the format of the settings; None: any number."""
        return MAX_SIDES.get(self._settings().grid_format)

    def _keep(self, image: Image.Image, infotext: str, kind: str, name: str) -> str:
        """`name` has a place for the number, which only becomes known here."""
        folder = self.folder / kind / time.strftime("%Y-%m-%d")
        try:
            with self._lock:
                folder.mkdir(parents=True, exist_ok=True)
                number = self._free_number(folder, name)
                file = folder / name.format(number)
                self._write_whole(image, infotext, file)
                self._next[folder] = number + 1
        except carriers.CarrierError as error:
            raise OutputError(str(error)) from error
        except OSError as error:
            raise OutputError(_sentence(error, folder)) from error
        return file.relative_to(self.folder).as_posix()

    def _free_number(self, folder: Path, name: str) -> int:
        """The number after the last; the folder is looked through once, since it may hold thousands."""
        first = self._next[folder] if folder in self._next else _number_after_all(folder)
        return next(number for number in count(first) if not (folder / name.format(number)).exists())

    def _write_whole(self, image: Image.Image, infotext: str, file: Path) -> None:
        settings = self._settings()
        unfinished = file.with_name(f".{file.name}.part")
        try:
            carriers.save(
                image,
                unfinished,
                infotext if settings.enable_pnginfo else None,
                format=file.suffix[1:],
                quality=settings.jpeg_quality,
                lossless=settings.webp_lossless,
            )
            unfinished.replace(file)
        except BaseException:
            unfinished.unlink(missing_ok=True)
            raise
        if settings.save_txt:
            file.with_suffix(".txt").write_text(infotext + "\n", encoding="utf-8")

    def path(self, file: str) -> Path | None:
        """The full path of a saved picture, if it is there and inside the folder."""
        path = (self.folder / file).resolve()
        return path if path.is_relative_to(self.folder.resolve()) and path.is_file() else None


def media_type(path: Path) -> str:
    """What a browser is told that a saved picture is."""
    return MEDIA_TYPES.get(path.suffix.lower(), "application/octet-stream")


def _number_after_all(folder: Path) -> int:
    found = (NUMBERED.fullmatch(entry.name) for entry in folder.iterdir())
    return max((int(match[1]) + 1 for match in found if match), default=0)


def _sentence(error: OSError, folder: Path) -> str:
    if error.errno in DISK_FULL:
        return f"The disk is full: the picture could not be saved in {folder}. Make room and run it again."
    return f"Pictures can't be saved in {folder}: {error.strerror or error}."
