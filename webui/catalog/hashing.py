"""The sha256 of model files, computed in the background, kept in the index."""

from __future__ import annotations

import hashlib
import logging
import os
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from webui.catalog.idle_thread import IdleThread
from webui.catalog.index import Key

if TYPE_CHECKING:
    from webui.catalog.catalog import Catalog

log = logging.getLogger(__name__)

CHUNK = 2**20


def key_of(file: Path) -> Key:
    """The file as it is now.

    Raises:
        OSError: it isn't there.
    """
    stat = file.stat()
    return Key(os.path.realpath(file), stat.st_size, stat.st_mtime_ns)


def sha256_of(file: Path, go_on: Callable[[], bool] = lambda: True) -> str | None:
    """The sha256 of `file` in hex digits; None if `go_on` said no, or the file changed meanwhile.

    Raises:
        OSError: it can't be read.
    """
    before, digest = key_of(file), hashlib.sha256()
    with file.open("rb", buffering=0) as stream:
        while chunk := stream.read(CHUNK):
            digest.update(chunk)
            # One that is still being written might grow as fast as it is read.
            if not go_on() or stream.tell() > before.size:
                return None
    return digest.hexdigest() if key_of(file) == before else None


def former_hash(file: Path) -> str | None:
    """A1111's former hash, which the ControlNet extension still writes: of 64 KiB that begin at 1 MiB.

    Eight hex digits; None where the file can't be read.
    """
    try:
        with file.open("rb") as stream:
            stream.seek(2**20)
            return hashlib.sha256(stream.read(2**16)).hexdigest()[:8]
    except OSError:
        return None


class Hasher:
    """Computes what sums are missing, while nothing else wants the machine.

    `busy` is asked between any two pieces of a file; while it says yes, the thread sleeps.
    """

    def __init__(self, catalog: Catalog, busy: Callable[[], bool] = lambda: False) -> None:
        self._catalog = catalog
        self._thread = IdleThread("hasher", self._run, busy)
        self.start, self.stop = self._thread.start, self._thread.stop

    def _run(self) -> None:
        failed: set[Key] = set()
        for _ in self._thread.looks():
            for key, file in self._catalog.unhashed():
                if key in failed or self._thread.stopped:
                    continue
                try:
                    self._catalog.hash_file(file, self._thread.go_on)
                except Exception as error:
                    # It has gone, can't be read, or its disk fails; the others are to be had all the same.
                    log.debug("%s has no sha256: %s", file, error)
                    failed.add(key)
