"""The sha256 of model files, computed in the background, kept in the index."""

from __future__ import annotations

import hashlib
import logging
import os
import threading
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from webui.catalog.index import Key

if TYPE_CHECKING:
    from webui.catalog.catalog import Catalog

log = logging.getLogger(__name__)

CHUNK = 2**20
PAUSE = 0.5
"""Seconds between two looks whether a picture is still being drawn."""
IDLE = 5.0
"""Seconds between two looks for new files."""
LOWEST_PRIORITY = 19


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


class Hasher:
    """A thread that computes what sums are missing, while nothing else wants the machine.

    `busy` is asked between any two pieces of a file; while it says yes, the thread sleeps.
    """

    def __init__(self, catalog: Catalog, busy: Callable[[], bool] = lambda: False) -> None:
        self._catalog = catalog
        self._busy = busy
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._run, name="hasher", daemon=True)

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def stop(self) -> None:
        """End, in the middle of a file too; returns when it has."""
        self._stopped.set()
        if self._thread.is_alive():
            self._thread.join()

    def _run(self) -> None:
        step_back()
        failed: set[Key] = set()
        while not self._stopped.is_set():
            for key, file in self._catalog.unhashed():
                if key in failed or self._stopped.is_set():
                    continue
                try:
                    self._catalog.hash_file(file, self._go_on)
                except Exception as error:
                    # It has gone, can't be read, or its disk fails; the others are to be had all the same.
                    log.debug("%s has no sha256: %s", file, error)
                    failed.add(key)
            self._stopped.wait(IDLE)

    def _go_on(self) -> bool:
        while self._busy() and not self._stopped.wait(PAUSE):
            pass
        return not self._stopped.is_set()


def step_back() -> None:
    """Give this thread the lowest priority: on Linux each can have one of its own."""
    if os.name == "posix" and hasattr(os, "setpriority"):
        try:
            os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), LOWEST_PRIORITY)
        except OSError as error:
            log.debug("This thread runs at the usual priority: %s", error)
