"""Live painting: jobs of which only the newest of each canvas counts, and whose pictures aren't kept."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterable

from webui.jobs.events import EventBus
from webui.jobs.live_turns import LiveTurns
from webui.jobs.model import Job
from webui.jobs.pictures import Pictures
from webui.jobs.store import JobStore, StoreError
from webui.jobs.telling import over

log = logging.getLogger(__name__)

MAX_SECONDS = 3600


class LiveJobs:
    """The live jobs that are over, until something takes their place or an hour has gone.

    Not thread-safe, but for `came`: whoever calls it holds the queue's lock.
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
        self._turns = LiveTurns()

    def clear(self) -> None:
        """After a start nobody paints: forget what is left from before."""
        self._forget(self._store.live())
        if self._pictures:
            self._pictures.forget_live()

    def came(self) -> int:
        """The number of a wish that comes now."""
        return self._turns.came()

    def take_place(self, job: Job, came: int) -> bool:
        """Take what waits of its canvas out of the queue; False if a newer wish than `came` has done so."""
        if self._turns.is_late(job.owner, job.live, came):
            return False
        for old in _same_canvas(self._store.queued(), job):
            self._store.end(old.id, "interrupted")
            self._bus.open(old.id).publish("end", over("interrupted", None))
            self._over[old.id] = old
            self._forget([old])
        return True

    def ended(self, job_id: str) -> None:
        """A live job is over. One that was drawn takes the place of those of its canvas before it."""
        job = self._store.get(job_id)
        if job is None:
            return
        if job.state == "done":
            self._forget(_same_canvas(self._over.values(), job))
        self._over[job.id] = job

    def tidy(self) -> None:
        """Forget those that were over an hour ago."""
        past = self._clock() - MAX_SECONDS
        self._forget([job for job in self._over.values() if (job.finished or job.created) < past])

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


def _same_canvas(jobs: Iterable[Job], job: Job) -> list[Job]:
    return [other for other in jobs if (other.owner, other.live) == (job.owner, job.live)]
