"""Makes the thumbnails of all pictures, newest first, while nothing else wants the machine."""

from __future__ import annotations

import logging
from collections.abc import Callable

from webui.catalog.idle_thread import IdleThread
from webui.jobs.history import History
from webui.jobs.history_entries import Entry
from webui.jobs.store import StoreError
from webui.jobs.thumbnails import Thumbnails

log = logging.getLogger(__name__)

AT_ONCE = 20


class ThumbnailMaker:
    """Works on a thread of the lowest priority. While `busy` says yes it sleeps."""

    def __init__(
        self, history: History, thumbnails: Thumbnails, busy: Callable[[], bool] = lambda: False
    ) -> None:
        self._history = history
        self._thumbnails = thumbnails
        self._thread = IdleThread("thumbnails", self._run, busy)
        self.start, self.stop = self._thread.start, self._thread.stop

    def _run(self) -> None:
        if not self._thumbnails.any:
            self._try(self._history.forget_thumbnails)
        for _ in self._thread.looks():
            self._try(self._look)

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
                if not self._thread.go_on():
                    return
                self._make(entry)

    def _make(self, entry: Entry) -> None:
        path = self._history.path(entry)
        key = self._thumbnails.key(entry.id, path) if path else None
        made = self._thumbnails.get(key, path) if path and key else None
        # Tried once: one that can't be read would be tried for ever.
        self._history.seen(entry, made)
