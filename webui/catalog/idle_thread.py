"""Work that is done while nothing else wants the machine."""

from __future__ import annotations

import logging
import os
import threading
from collections.abc import Callable, Iterator

log = logging.getLogger(__name__)

PAUSE = 0.5
"""Seconds between two looks whether a picture is still being drawn."""
IDLE = 5.0
"""Seconds between two looks for new work."""
LOWEST_PRIORITY = 19


class IdleThread:
    """A thread of the lowest priority that does `run`; while `busy` says yes, `go_on` sleeps."""

    def __init__(self, name: str, run: Callable[[], None], busy: Callable[[], bool]) -> None:
        self._run = run
        self._busy = busy
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._begin, name=name, daemon=True)

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def stop(self) -> None:
        """End, in the middle of some work too; returns when it has."""
        self._stopped.set()
        if self._thread.is_alive():
            self._thread.join()

    @property
    def stopped(self) -> bool:
        """Whether it is to end."""
        return self._stopped.is_set()

    def looks(self) -> Iterator[None]:
        """Once for each look for work, with idle time between two, until it is to end."""
        while not self.stopped:
            yield
            self._stopped.wait(IDLE)

    def go_on(self) -> bool:
        """Whether there is time for a piece of work, once there is; not so if it is to end."""
        while self._busy() and not self._stopped.wait(PAUSE):
            pass
        return not self.stopped

    def _begin(self) -> None:
        _step_back()
        self._run()


def _step_back() -> None:
    """Give this thread the lowest priority: on Linux each can have one of its own."""
    if os.name == "posix" and hasattr(os, "setpriority"):
        try:
            os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), LOWEST_PRIORITY)
        except OSError as error:
            log.debug("This thread runs at the usual priority: %s", error)
