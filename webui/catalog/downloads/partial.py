"""An unfinished file on the disk, and how a finished one gets its name."""

from __future__ import annotations

import asyncio
import hashlib
import shutil
from collections.abc import Iterator
from itertools import count
from pathlib import Path
from typing import Protocol

from webui.catalog.downloads.model import DownloadError, NoRoomError, readable

SUFFIX = ".part"
# What must stay free beside a download: the queue's database and pictures need room too.
MARGIN = 512 * 2**20
HASHED_AT_ONCE = 16 * 2**20


class Digest(Protocol):
    """A hash that is being computed, hashlib's."""

    def update(self, data: bytes, /) -> None:
        """Add `data`."""
        ...

    def hexdigest(self) -> str:
        """What it is so far."""
        ...


class Part:
    """An unfinished file. Beside it lies the validator (RFC 9110: ETag or date) its server gave for it."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._validator = path.with_name(f"{path.name}.validator")

    @property
    def size(self) -> int:
        """Bytes that are here."""
        return self.path.stat().st_size if self.path.is_file() else 0

    @property
    def validator(self) -> str:
        """What If-Range takes to go on with it; "" if the server gave nothing."""
        try:
            return self._validator.read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError):
            return ""

    def begin(self, validator: str) -> None:
        """Empty it, for a file that `validator` stands for."""
        self.path.parent.mkdir(parents=True, exist_ok=True)
        self.path.write_bytes(b"")
        self._validator.write_text(validator, encoding="utf-8")

    def start(self, length: int) -> bytes:
        """Its first `length` bytes."""
        if not self.size:
            return b""
        with self.path.open("rb") as file:
            return file.read(length)

    async def digest(self) -> Digest:
        """The sha256 of what is here, to be gone on with."""
        digest = hashlib.sha256()
        if self.size:
            with self.path.open("rb") as file:
                while block := await asyncio.to_thread(file.read, HASHED_AT_ONCE):
                    await asyncio.to_thread(digest.update, block)
        return digest

    def done(self) -> None:
        """Forget the validator: the file is whole."""
        self._validator.unlink(missing_ok=True)

    def discard(self) -> None:
        """Delete it."""
        self.path.unlink(missing_ok=True)
        self.done()


def check_room(folder: Path, size: int) -> None:
    """Refuse what would fill the disk of `folder`, which need not be there yet; `size` in bytes.

    Raises:
        NoRoomError: there is too little room.
    """
    there = next(path for path in (folder, *folder.parents) if path.is_dir())
    free = shutil.disk_usage(there).free
    if free < size + MARGIN:
        raise NoRoomError(
            f"There is too little room in {folder}: the download takes {readable(size)} and "
            f"{readable(free)} are free. Make room there, or choose something smaller."
        )


def check_free(target: Path) -> None:
    """Refuse a name that is taken.

    Raises:
        DownloadError: there is such a file or folder already.
    """
    if target.exists():
        raise DownloadError(
            f"There is already a {target.name} in {target.parent}: download under another name, "
            "or delete that one first."
        )


def place_file(part: Part, target: Path) -> Path:
    """Give a finished file its name, or that name with a number if someone took it meanwhile."""
    for path in _numbered(target):
        try:
            # Unlike a rename, a link never replaces what is there.
            path.hardlink_to(part.path)
        except FileExistsError:
            continue
        except OSError:  # a file system without links
            if path.exists():
                continue
            part.path.rename(path)
        part.discard()
        return path
    raise AssertionError


def place_folder(folder: Path, target: Path) -> Path:
    """The same for a folder."""
    for path in _numbered(target):
        if not path.exists():
            folder.rename(path)
            return path
    raise AssertionError


def _numbered(target: Path) -> Iterator[Path]:
    yield target
    for number in count(2):
        yield target.with_name(f"{target.stem} ({number}){target.suffix}")
