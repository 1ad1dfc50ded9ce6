"""What a download is, and the ways in which one can go wrong. Nothing here reads the network or a disk."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from webui.catalog.entry import Kind

State = Literal["queued", "running", "done", "failed", "cancelled"]


class DownloadError(Exception):
    """A reason not to go on, as one sentence for a person."""


class BusyError(DownloadError):
    """The same is being downloaded already, or isn't over yet."""


class NoRoomError(DownloadError):
    """The disk is too full, or the folder can't be written."""


class DamagedError(DownloadError):
    """What came is not what was asked for; it is of no use for going on."""


class UnknownDownloadError(KeyError):
    """There is no download of that id."""


@dataclass(frozen=True)
class Wish:
    """What is to be downloaded, and as what.

    `name` is the file's or folder's own name here ("": the one it has there; a tokenizer's is always
    tokenizer.json), `variant` that of a repository's weights ("fp16"), `sha256` the file's if known, in hex.
    """

    source: str
    kind: Kind
    name: str = ""
    token: str = ""
    allow_pickle: bool = False
    variant: str = ""
    sha256: str = ""


@dataclass(frozen=True)
class Candidate:
    """One thing that a source offers. `source` and `variant` ask for exactly this one."""

    source: str
    file: str
    """Its path in the repository; of a folder "" (then `folder` is true)."""
    folder: bool = False
    variant: str = ""
    size: int | None = None
    """Bytes; None where the server doesn't tell."""


@dataclass(frozen=True)
class Download:
    """How a download stands. A value: what changes is told by a new one."""

    id: str
    source: str
    """As given, without its secrets."""
    kind: Kind
    state: State = "queued"
    name: str = ""
    """The file's or folder's name here; "" until it is known."""
    path: Path | None = None
    """Where it lies once it is done."""
    done: int = 0
    """Bytes that are here."""
    total: int | None = None
    """Bytes in all; None until known, or where the server doesn't tell."""
    speed: float = 0.0
    """Bytes a second, over the last seconds."""
    sha256: str | None = None
    """Of the finished file; None for a folder."""
    error: str | None = None
    created: float = 0.0
    """Seconds since the epoch."""

    @property
    def ended(self) -> bool:
        """Whether nothing more happens to it by itself."""
        return self.state in ("done", "failed", "cancelled")


def readable(size: int) -> str:
    """`size` bytes as people write it: "6.9 GB"."""
    if size >= 10**9:
        return f"{size / 10**9:.1f} GB"
    return f"{size / 10**6:.1f} MB" if size >= 10**6 else f"{size} bytes"
