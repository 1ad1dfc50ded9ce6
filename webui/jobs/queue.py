"""Whose turn it is: round robin over owners, so that a long list of one doesn't keep the others waiting."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from webui.jobs.events import EventBus
from webui.jobs.model import Job
from webui.jobs.store import JobStore
from webui.jobs.telling import waiting


def fair_order(queued: Sequence[Job], last_served: Mapping[str, int]) -> list[Job]:
    """The order in which `queued` (oldest first) will run.

    Each round takes the oldest job of every owner, live ones before all others of theirs, and trainings,
    which last long, after them; who was served
    longest ago (the smallest number in `last_served`, or none) comes first, and of equals the one whose job
    is older.
    """
    lists: dict[str, list[Job]] = {}
    for job in queued:
        lists.setdefault(job.owner, []).append(job)
    owners = sorted(lists, key=lambda owner: last_served.get(owner, -1))
    for jobs in lists.values():
        jobs.sort(key=lambda job: (not job.live, job.params.train is not None))
    rounds = max(map(len, lists.values()), default=0)
    return [lists[owner][turn] for turn in range(rounds) for owner in owners if turn < len(lists[owner])]


class Turns:
    """Who waits, in the order in which they will run. Not thread-safe: its user holds the queue's lock."""

    def __init__(self, store: JobStore, bus: EventBus) -> None:
        self._store = store
        self._bus = bus
        self._last_served: dict[str, int] = {}
        self._served = 0
        self._changes = 0
        self._looked = -1
        self.short = 0
        """How many wait that don't train, and so are soon done."""

    def order(self) -> list[Job]:
        """Every job that waits."""
        return fair_order(self._store.queued(), self._last_served)

    def begin(self, job: Job) -> None:
        """It is the turn of `job`."""
        self._served += 1
        self._last_served[job.owner] = self._served
        self._store.start(job.id)

    def next_if_changed(self) -> Job | None:
        """The job whose turn is next, if the queue has changed since this was asked last."""
        if self._looked == self._changes:
            return None
        self._looked = self._changes
        return next(iter(self.order()), None)

    def tell(self, running: int) -> None:
        """The queue has changed: tell those who wait how many come before them; `running` are being drawn."""
        self._changes += 1
        order = self.order()
        self.short = sum(job.params.train is None for job in order)
        for place, job in enumerate(order):
            channel = self._bus.open(job.id)
            position = place + running
            if channel.progress().get("position") != position:
                channel.publish("progress", waiting(job, position))
