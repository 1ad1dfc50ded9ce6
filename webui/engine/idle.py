"""Doing something after nothing has been done for a while."""

from __future__ import annotations

import threading
from collections.abc import Callable


class IdleTimer:
    """Calls `act` once `seconds()` have passed between `begin` and the next `stop`; 0: never. Thread-safe."""

    def __init__(self, seconds: Callable[[], float], act: Callable[[], None]) -> None:
        self._seconds = seconds
        self._act = act
        self._timer: threading.Timer | None = None
        self._lock = threading.Lock()

    def begin(self) -> None:
        """It is idle from now on. Also to be called when `seconds` has changed."""
        self.stop()
        if (seconds := self._seconds()) <= 0:
            return
        with self._lock:
            self._timer = threading.Timer(seconds, self._act)
            self._timer.daemon = True
            self._timer.start()

    def stop(self) -> None:
        """It is at work again."""
        with self._lock:
            if self._timer:
                self._timer.cancel()
            self._timer = None
