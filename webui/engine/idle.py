"""Doing something after nothing has been done for a while."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable


class IdleTimer:
    """Calls `act` once `seconds()` have passed since `begin`, unless `stop` came; 0: never. Thread-safe.

    `seconds` is asked again every `period` seconds, so that it may change meanwhile.
    """

    def __init__(self, seconds: Callable[[], float], act: Callable[[], None], period: float = 10.0) -> None:
        self._seconds = seconds
        self._act = act
        self._period = period
        self._since = 0.0
        self._timer: threading.Timer | None = None
        self._lock = threading.Lock()

    def begin(self) -> None:
        """It is idle from now on."""
        with self._lock:
            self._since = time.monotonic()
            self._wait()

    def stop(self) -> None:
        """It is at work again."""
        with self._lock:
            self._cancel()

    def _wait(self) -> None:
        self._cancel()
        left = self._since + self._seconds() - time.monotonic()
        self._timer = threading.Timer(min(self._period, left) if left > 0 else self._period, self._look)
        self._timer.daemon = True
        self._timer.start()

    def _cancel(self) -> None:
        if self._timer:
            self._timer.cancel()
        self._timer = None

    def _look(self) -> None:
        with self._lock:
            if self._timer is not threading.current_thread():
                return
            seconds = self._seconds()
            due = 0 < seconds <= time.monotonic() - self._since
            if not due:
                self._wait()
        if due:
            self._act()
