"""Thumbnails: small WebP pictures in the cache, made when wanted. They can be deleted at any time."""

from __future__ import annotations

import hashlib
import io
import logging
import threading
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

from PIL import Image

log = logging.getLogger(__name__)

SIDE = 256
"""Pixels of the longer side."""
QUALITY = 80
AT_ONCE = 2
"""How many pictures are decoded at the same time: each may take hundreds of megabytes."""
FORMATS = ("PNG", "JPEG", "WEBP", "AVIF")
UNREADABLE = (
    OSError,
    ValueError,
    SyntaxError,
    EOFError,
    RuntimeError,
    MemoryError,
    Image.DecompressionBombError,
    Image.DecompressionBombWarning,
)
"""What Pillow raises where a file is no picture, damaged, or too large."""


class Thumbnail(NamedTuple):
    """WebP data. Size in pixels: the picture's own, if it has been opened for this, else 0."""

    data: bytes
    width: int = 0
    height: int = 0


class Thumbnails:
    """The thumbnails in `folder`. Safe to use from any thread."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._room = threading.Semaphore(AT_ONCE)

    @property
    def any(self) -> bool:
        """Whether there may be any."""
        return self._folder.is_dir()

    def key(self, name: str, path: Path) -> str | None:
        """What the thumbnail of picture `name` is called while its file stays as it is; None: it is gone."""
        try:
            stat = path.stat()
        except OSError:
            return None
        return hashlib.sha256(f"{name} {stat.st_size} {stat.st_mtime_ns}".encode()).hexdigest()[:40]

    def get(self, key: str, path: Path) -> Thumbnail | None:
        """The thumbnail of the picture at `path`, made now if need be; None if it can't be read."""
        try:
            return Thumbnail(self._file(key).read_bytes())
        except OSError:
            return self._make(key, path)

    def _make(self, key: str, path: Path) -> Thumbnail | None:
        try:
            with self._room:
                made = _made(path)
        except UNREADABLE as error:
            log.debug("%s has no thumbnail: %s", path, error)
            return None
        self._keep(key, made.data)
        return made

    def _keep(self, key: str, data: bytes) -> None:
        file = self._file(key)
        unfinished = file.with_name(f".{file.name}.{threading.get_ident()}.part")
        try:
            file.parent.mkdir(parents=True, exist_ok=True)
            unfinished.write_bytes(data)
            unfinished.replace(file)
        except OSError as error:
            log.debug("The thumbnail %s can't be kept: %s", file, error)
            with suppress(OSError):
                unfinished.unlink()

    def forget(self, key: str) -> None:
        """Delete a thumbnail."""
        try:
            self._file(key).unlink(missing_ok=True)
        except OSError as error:
            log.debug("The thumbnail %s can't be deleted: %s", key, error)

    def _file(self, key: str) -> Path:
        return self._folder / key[:2] / f"{key}.webp"


def _made(path: Path) -> Thumbnail:
    with Image.open(path, formats=FORMATS) as image:
        width, height = image.size
        image.draft("RGB", (2 * SIDE, 2 * SIDE))
        image.thumbnail((SIDE, SIDE), reducing_gap=2.0)
        plain = image.convert("RGBA" if image.has_transparency_data else "RGB")
    data = io.BytesIO()
    plain.save(data, "WEBP", quality=QUALITY, method=2)
    return Thumbnail(data.getvalue(), width, height)
