"""One download as it stands, and how fast it goes."""

from __future__ import annotations

import asyncio
import threading
import time
from collections import deque
from dataclasses import replace
from pathlib import Path
from typing import TypedDict, Unpack

from webui.catalog.downloads.model import Download, State, Wish
from webui.catalog.downloads.transfer import Transfer

SPEED_SECONDS = 5.0


class Changes(TypedDict, total=False):
    """Fields of a Download that change."""

    state: State
    name: str
    path: Path
    done: int
    total: int | None
    speed: float
    sha256: str | None
    error: str | None


class Entry:
    """A download in the list. The transfer tells it how it goes; whoever asks gets a value. Thread-safe."""

    def __init__(self, download: Download, wish: Wish, folder: Path) -> None:
        self.wish = wish
        self.folder = folder
        self.task: asyncio.Task[None] | None = None
        """What works on it; for the event loop's thread alone, as is `transfer`."""
        self.transfer: Transfer | None = None
        self._download = download
        self._lock = threading.Lock()
        self._samples: deque[tuple[float, int]] = deque()

    @property
    def download(self) -> Download:
        """How it stands now."""
        return self._download

    def tell(self, **changes: Unpack[Changes]) -> Download:
        """Change some of its fields; how it stands then."""
        with self._lock:
            self._download = replace(self._download, **changes)
            return self._download

    def named(self, name: str) -> None:
        """The name that the model gets."""
        self.tell(name=name)

    def progressed(self, done: int, total: int | None) -> None:
        """`done` of `total` bytes are here."""
        now = time.monotonic()
        self._samples.append((now, done))
        while now - self._samples[0][0] > SPEED_SECONDS and len(self._samples) > 2:
            self._samples.popleft()
        (since, before), elapsed = self._samples[0], now - self._samples[0][0]
        speed = max(0.0, (done - before) / elapsed) if since < now else 0.0
        self.tell(done=done, total=total, speed=speed)

    def begin_anew(self) -> None:
        """Back into the queue."""
        self._samples.clear()
        self.tell(state="queued", error=None, speed=0.0)
