"""PNG files that aren't kept for ever: written whole or not at all, removed when they are old."""

from __future__ import annotations

import errno
import logging
import os
import shutil
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import suppress
from pathlib import Path

from PIL import Image
from PIL.PngImagePlugin import PngInfo

log = logging.getLogger(__name__)

NEEDED_BYTES = 64 * 2**20
DISK_FULL = (errno.ENOSPC, getattr(errno, "EDQUOT", errno.ENOSPC))  # Windows knows no quota error
QUICKLY = 1
"""PNG's compression level: on the way from a canvas to a picture every millisecond is felt."""
PNG_END = b"\0\0\0\0IEND\xaeB`\x82"
"""The last chunk of every PNG file (W3C PNG, 11.2.5)."""


class NoRoomError(OSError):
    """A picture can't be kept; the text says why and the way out."""


def write(image: Image.Image, file: Path, texts: Mapping[str, str], *, lasting: bool = False) -> None:
    """Save `image` as a PNG with `texts` inside, by name; empty ones are left out.

    One that is `lasting` is on the disk itself before it has its name, whatever becomes of the machine.

    Raises:
        NoRoomError: the disk is full or can't be written to.
    """
    unfinished = file.with_name(f".{file.stem}.{threading.get_ident()}.part")
    info = PngInfo()
    for name, text in texts.items():
        if text:
            info.add_itxt(name, text)
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        if shutil.disk_usage(file.parent).free < NEEDED_BYTES:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        try:
            with unfinished.open("wb") as stream:
                image.save(stream, "PNG", compress_level=QUICKLY, pnginfo=info)
                if lasting:
                    stream.flush()
                    os.fsync(stream.fileno())
            unfinished.replace(file)
        finally:
            unfinished.unlink(missing_ok=True)
    except OSError as error:
        raise NoRoomError(sentence(error, file.parent)) from error


def sentence(error: OSError, folder: Path) -> str:
    """Why nothing can be written into `folder`, for people."""
    if error.errno in DISK_FULL:
        return f"The disk is full: pictures can't be kept in {folder}. Make room and try again."
    return f"Pictures can't be kept in {folder}: {error.strerror or error}."


def is_whole(file: Path) -> bool:
    """Whether `file` is there and ends as PNG files do."""
    try:
        with file.open("rb") as stream:
            stream.seek(-len(PNG_END), os.SEEK_END)
            return stream.read() == PNG_END
    except OSError:  # gone, or too short
        return False


def touch(file: Path) -> None:
    """Mark `file` as used now."""
    with suppress(OSError):  # of another user's, say: it goes earlier then
        os.utime(file)


def sweep(folder: Path, seconds: float, most: int | None = None) -> None:
    """Remove the files in `folder` that weren't used for so long, and all but the `most` newest.

    What a crash left unfinished goes, too.
    """
    now = time.time()
    newest_first = sorted(_files(folder), key=lambda pair: pair[1], reverse=True)
    for place, (file, used) in enumerate(newest_first):
        if now - used > seconds or (most is not None and place >= most):
            try:
                file.unlink(missing_ok=True)
            except OSError as error:
                log.warning("%s can't be removed: %s", file, error)


def _files(folder: Path) -> Iterator[tuple[Path, float]]:
    """The files in `folder`, and when each was used last."""
    with suppress(FileNotFoundError):
        for path in folder.iterdir():
            with suppress(FileNotFoundError):
                if path.is_file():
                    yield path, path.stat().st_mtime
