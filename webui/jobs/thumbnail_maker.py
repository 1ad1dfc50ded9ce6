"""Makes the thumbnails of all pictures, newest first, while nothing else wants the machine."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable

from webui.catalog.hashing import IDLE, PAUSE, step_back
from webui.jobs.history import History
from webui.jobs.history_entries import Entry
from webui.jobs.store import StoreError
from webui.jobs.thumbnails import Thumbnails

log = logging.getLogger(__name__)

AT_ONCE = 20


class ThumbnailMaker:
    """A thread of the lowest priority. While `busy` says yes it sleeps."""

    def __init__(
        self, history: History, thumbnails: Thumbnails, busy: Callable[[], bool] = lambda: False
    ) -> None:
        self._history = history
        self._thumbnails = thumbnails
        self._busy = busy
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._run, name="thumbnails", daemon=True)

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def stop(self) -> None:
        """End; returns when it has."""
        self._stopped.set()
        if self._thread.is_alive():
            self._thread.join()

    def _run(self) -> None:
        step_back()
        if not self._thumbnails.any:
            self._try(self._history.forget_thumbnails)
        while not self._stopped.is_set():
            self._try(self._look)
            self._stopped.wait(IDLE)

    def _try(self, work: Callable[[], None]) -> None:
        try:
            work()
        except StoreError as error:
            log.debug("Thumbnails wait: %s", error)
        except Exception:
            log.exception("Thumbnails could not be made")

    def _look(self) -> None:
        while entries := self._history.without_thumbnail(AT_ONCE):
            for entry in entries:
                if not self._go_on():
                    return
                self._make(entry)

    def _make(self, entry: Entry) -> None:
        path = self._history.path(entry)
        key = self._thumbnails.key(entry.id, path) if path else None
        made = self._thumbnails.get(key, path) if path and key else None
        # Tried once: one that can't be read would be tried for ever.
        self._history.seen(entry, made)

    def _go_on(self) -> bool:
        while self._busy() and not self._stopped.wait(PAUSE):
            pass
        return not self._stopped.is_set()
