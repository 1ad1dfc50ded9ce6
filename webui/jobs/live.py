"""Live painting: jobs of which only the newest of each canvas counts, and whose pictures aren't kept."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterable

from webui.jobs.events import EventBus
from webui.jobs.model import Job
from webui.jobs.pictures import Pictures
from webui.jobs.store import JobStore, StoreError

log = logging.getLogger(__name__)

MAX_SECONDS = 3600


class LiveJobs:
    """The live jobs that are over, until something takes their place or an hour has gone.

    Not thread-safe: whoever calls it holds the queue's lock.
    """

    def __init__(
        self,
        store: JobStore,
        bus: EventBus,
        pictures: Pictures | None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._store = store
        self._bus = bus
        self._pictures = pictures
        self._clock = clock
        self._over: dict[str, Job] = {}

    def clear(self) -> None:
        """After a start nobody paints: forget what is left from before."""
        self._forget(self._store.live())
        if self._pictures:
            self._pictures.forget_live()

    def ended(self, job_id: str) -> None:
        """A live job is over. One that was drawn takes the place of those of its canvas before it."""
        job = self._store.get(job_id)
        if job is None:
            return
        self._forget([old for old in self._over.values() if self._is_past(old, job)])
        self._over[job.id] = job

    def _is_past(self, old: Job, job: Job) -> bool:
        replaced = job.state == "done" and (old.owner, old.live) == (job.owner, job.live)
        return replaced or old.created < self._clock() - MAX_SECONDS

    def superseded(self, job: Job) -> None:
        """A live job was taken out of the queue by a newer one."""
        self._forget([job])

    def _forget(self, jobs: Iterable[Job]) -> None:
        for job in jobs:
            try:
                self._store.remove(job.id)
            except StoreError as error:
                log.warning("A live job could not be forgotten: %s", error)
                continue
            self._over.pop(job.id, None)
            self._bus.drop(job.id)
            if self._pictures:
                self._pictures.forget_live(job)
