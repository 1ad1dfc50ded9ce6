"""What is checked when the first bytes of a download are here, before the rest is waited for."""

from __future__ import annotations

from pathlib import Path, PurePosixPath
from typing import Protocol

import httpx

from webui.catalog.downloads.choice import FolderFile
from webui.catalog.downloads.content import check_start, looks_like_safetensors
from webui.catalog.downloads.names import PICKLES, SAFE, check_extension, harmless, suggested
from webui.catalog.downloads.partial import Part, check_free, check_room


class Report(Protocol):
    """Whoever is told how a transfer goes."""

    def named(self, name: str) -> None:
        """The name that the model gets."""
        ...

    def progressed(self, done: int, total: int | None) -> None:
        """`done` of `total` bytes are here."""
        ...


class FileArrival:
    """Watches a model in one file: settles its name, and refuses what is none or doesn't fit."""

    def __init__(self, report: Report, folder: Path, part: Part, wished: str, allow_pickle: bool) -> None:
        self._report = report
        self._folder = folder
        self._part = part
        self._wished = wished
        self._allow_pickle = allow_pickle
        self.target: Path | None = None
        """Where the file is to lie, once that is settled."""

    def settle(self, theirs: str) -> Path:
        """Settle the name, where the other side calls the file `theirs`.

        Raises:
            DownloadError: it's no model's name, or taken.
        """
        name = self._wished or theirs
        if PurePosixPath(name).suffix.lower() not in SAFE + PICKLES and self._wished:
            name += PurePosixPath(theirs).suffix
        check_extension(name, self._allow_pickle)
        self.target = self._folder / harmless(name)
        check_free(self.target)
        self._report.named(self.target.name)
        return self.target

    def arrived(self, response: httpx.Response, start: bytes, total: int | None) -> None:
        """Check name, content and room."""
        theirs = self.target.name if self.target else suggested(response)
        suffix = PurePosixPath(theirs).suffix.lower()
        if suffix not in SAFE + PICKLES:
            suffix = SAFE[0] if looks_like_safetensors(start) else ""
            theirs = f"{theirs or 'model'}{suffix}"
        check_start(start, response.headers.get("content-type", ""), suffix, response.url.host)
        if not self.target:
            self.settle(theirs)
        check_room(self._folder, max(0, (total or 0) - self._part.size))

    def progressed(self, done: int, total: int | None) -> None:
        """Pass it on."""
        self._report.progressed(done, total)


class FolderArrival:
    """Watches one file of a folder, of whose `total` bytes `before` came before it."""

    def __init__(self, report: Report, file: FolderFile, before: int, total: int) -> None:
        self._report = report
        self._file = file
        self._before = before
        self._total = total

    def arrived(self, response: httpx.Response, start: bytes, _: int | None) -> None:
        """Check the content of weights."""
        if self._file.inside.endswith(SAFE):
            check_start(start, response.headers.get("content-type", ""), SAFE[0], response.url.host)

    def progressed(self, done: int, _: int | None) -> None:
        """Pass it on, for the whole folder."""
        self._report.progressed(self._before + done, self._total)
