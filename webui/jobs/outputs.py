"""Finished pictures on disk, where A1111 keeps them: outputs/txt2img-images/<date>/00000-<seed>.png."""

from __future__ import annotations

import errno
import re
import shutil
import threading
import time
from pathlib import Path

from PIL.PngImagePlugin import PngInfo

from webui.engine.protocol import EngineError, Picture

NEEDED_BYTES = 64 * 2**20
DISK_FULL = (errno.ENOSPC, getattr(errno, "EDQUOT", errno.ENOSPC))  # Windows knows no quota error
NUMBERED = re.compile(r"(\d+)-.*")


class Outputs:
    """The outputs folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._lock = threading.Lock()

    def check_space(self) -> None:
        """Look before drawing.

        Raises:
            EngineError: the disk is as good as full, or the folder can't be made.
        """
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            free = shutil.disk_usage(self.folder).free
        except OSError as error:
            raise EngineError(_sentence(error, self.folder)) from error
        if free < NEEDED_BYTES:
            raise EngineError(
                f"The disk is full: {free // 2**20} MB are free where pictures are kept ({self.folder}). "
                "Make room and try again."
            )

    def save(self, picture: Picture, kind: str = "txt2img-images") -> str:
        """Write `picture` as PNG with its infotext, whole or not at all; the path relative to the folder.

        Raises:
            EngineError: the disk is full or can't be written to.
        """
        folder = self.folder / kind / time.strftime("%Y-%m-%d")
        try:
            with self._lock:
                folder.mkdir(parents=True, exist_ok=True)
                file = folder / f"{_next_number(folder):05d}-{picture.seed}.png"
                _write_whole(picture, file)
        except OSError as error:
            raise EngineError(_sentence(error, folder)) from error
        return file.relative_to(self.folder).as_posix()

    def path(self, file: str) -> Path | None:
        """The full path of a saved picture, if it is there and inside the folder."""
        path = (self.folder / file).resolve()
        return path if path.is_relative_to(self.folder.resolve()) and path.is_file() else None


def _next_number(folder: Path) -> int:
    found = (NUMBERED.fullmatch(entry.name) for entry in folder.iterdir())
    return max((int(match[1]) + 1 for match in found if match), default=0)


def _write_whole(picture: Picture, file: Path) -> None:
    info = PngInfo()
    info.add_text("parameters", picture.infotext)
    unfinished = file.with_name(f".{file.name}.part")
    try:
        picture.image.save(unfinished, "PNG", pnginfo=info)
        unfinished.replace(file)
    except BaseException:
        unfinished.unlink(missing_ok=True)
        raise


def _sentence(error: OSError, folder: Path) -> str:
    if error.errno in DISK_FULL:
        return f"The disk is full: the picture could not be saved in {folder}. Make room and run it again."
    return f"Pictures can't be saved in {folder}: {error.strerror or error}."
