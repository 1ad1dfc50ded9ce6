"""Jobs: what the page and the API ask of the queue. All of it is per owner; nobody touches another's."""

from __future__ import annotations

import random
import threading
import time
import uuid
from dataclasses import replace
from typing import Any

from webui.catalog.catalog import Catalog
from webui.imaging.preprocessors.table import Preprocessors
from webui.jobs.control import Control
from webui.jobs.events import Channel, EventBus
from webui.jobs.live import LiveJobs
from webui.jobs.model import Job, PastPrompt, SavedPicture, State
from webui.jobs.pictures import Pictures
from webui.jobs.queue import Turns
from webui.jobs.store import JobStore
from webui.jobs.tasks import Tasks
from webui.jobs.telling import over, retold, told
from webui.jobs.training import RunView, Trainings
from webui.jobs.wishes import Wishes
from webui.params import GenerationParams, InvalidParamsError
from webui.prompting.book import PromptBook
from webui.scripts.plan import RANDOM_SEEDS

MAX_QUEUED = 100
NO_SCRIPTS = "Live painting runs no scripts, since its pictures aren't kept. Choose none."


class QueueFullError(Exception):
    """The owner has as many jobs waiting as one may have."""


class UnknownJobError(KeyError):
    """The owner has no job of that id."""


class Jobs:
    """The queue. From `take` to `finish` is the worker's side; all else is the askers'.

    `book` puts styles and wildcards into prompts; None leaves them as they are written. `pictures` finds
    those that jobs start from; None: there are none. `preprocessors`: None are those that need no files.
    `tasks` is what the engine is given for jobs.
    """

    def __init__(
        self,
        store: JobStore,
        bus: EventBus,
        catalog: Catalog,
        book: PromptBook | None = None,
        pictures: Pictures | None = None,
        preprocessors: Preprocessors | None = None,
        trainings: Trainings | None = None,
    ) -> None:
        self._store = store
        self._bus = bus
        self.tasks = Tasks(Wishes(catalog, book, preprocessors), pictures, trainings)
        self._trainings = trainings
        self._live = LiveJobs(store, bus, pictures)
        self._changed = threading.Condition()
        self._running: dict[str, Control] = {}
        self._turns = Turns(store, bus)
        self._closed = False
        self._store.recover()
        self._live.clear()
        self._tell_positions()

    def submit(self, owner: str, params: GenerationParams, live: str = "") -> Job:
        """Queue a job. What `params` leave out follows the checkpoint; seeds of -1 are settled now.

        A `live` job takes the place of the owner's waiting one with the same key, and comes before their
        other jobs. Once it is over it is in no list, and its pictures last until the next are there. One that
        comes to its place after a newer one is not queued at all.

        Raises:
            InvalidParamsError: an unknown sampler, checkpoint, picture or such, or a script that can't be run
                as it is, or live.
            QueueFullError: `owner` has too many jobs waiting.
            StoreError: the disk is full.
        """
        if live and params.script:
            raise InvalidParamsError("script", NO_SCRIPTS)
        seed, subseed = (
            asked if asked >= 0 else random.randrange(RANDOM_SEEDS) for asked in (params.seed, params.subseed)
        )
        return self._queue(owner, params, seed, subseed, live)

    def _queue(self, owner: str, params: GenerationParams, seed: int, subseed: int, live: str = "") -> Job:
        came = self._live.came()
        params, rounds = self.tasks.settle(owner, params, seed, subseed, keep=not live)
        job = Job(uuid.uuid4().hex, owner, "queued", params, seed, time.time(), subseed, rounds, live=live)
        with self._changed:
            if live and not self._live.take_place(job, came):
                return replace(job, state="interrupted")
            if sum(waiting.owner == owner for waiting in self._store.queued()) >= MAX_QUEUED:
                raise QueueFullError(
                    f"You have {MAX_QUEUED} jobs waiting already. Let some finish, or cancel some."
                )
            self._store.add(job)
            self._tell_positions()
            self._changed.notify_all()
        return job

    def run_again(self, owner: str, job_id: str) -> Job:
        """Queue a new job like that one, with the same seeds, so that it draws the same pictures."""
        job = self.get(owner, job_id)
        # A script may have asked for a random seed for each picture: they all follow from the job's.
        params = job.params if job.params.script else job.params.changed(seed=job.seed)
        return self._queue(owner, params, job.seed, job.subseed)

    def get(self, owner: str, job_id: str, pictures: int | None = None) -> Job:
        """The owner's job of that id, with no more than the first `pictures` of its pictures.

        Raises:
            UnknownJobError: there is none.
        """
        job = self._store.get(job_id, pictures)
        if job is None or job.owner != owner:
            raise UnknownJobError(job_id)
        return job

    def picture(self, owner: str, job_id: str, number: int) -> SavedPicture | None:
        """One picture of the owner's job, unless it is in the trash.

        Raises:
            UnknownJobError: there is no such job.
        """
        picture = self._store.picture(owner, job_id, number)
        if picture is None:
            self.get(owner, job_id, pictures=0)
        return picture

    def listed(self, owner: str, limit: int = 50) -> list[Job]:
        """The owner's newest jobs, newest first, each with no more than one of its pictures."""
        return self._store.of_owner(owner, limit, pictures=1)

    def prompts(self, owner: str, q: str = "", limit: int = 50) -> list[PastPrompt]:
        """The owner's prompts that hold `q`, in any letter case; each once, newest first."""
        return self._store.prompts(owner, q, limit)

    def training_runs(self, owner: str) -> list[RunView]:
        """All training runs, whoever's they are, the newest first."""
        return self._trainings.listed(owner, self._store.training()) if self._trainings else []

    def interrupt(self, owner: str, job_id: str) -> Job:
        """Stop the job, or take it out of the queue. One that is over already stays as it is."""
        with self._changed:
            job = self.get(owner, job_id)
            if control := self._running.get(job_id):
                control.interrupted = True
            elif job.state == "queued":
                self._end(job, "interrupted", None)
                self._tell_positions()
        return self.get(owner, job_id)

    def skip(self, owner: str, job_id: str) -> Job:
        """Leave the batch that is being drawn and go on with the job's next."""
        job = self.get(owner, job_id)
        if control := self._running.get(job_id):
            control.skipped = True
        return job

    def progress(self, job: Job) -> dict[str, Any]:
        """The newest progress of a queued or running job: position, phase, step, iteration, eta and so on."""
        channel = None if job.ended else self._bus.get(job.id)
        return channel.progress() if channel else {}

    def notices(self, job: Job) -> list[str]:
        """What the owner of a recent job was told beside its pictures."""
        channel = self._bus.get(job.id)
        return channel.notices() if channel else []

    def channel(self, job: Job) -> Channel:
        """The job's events. Those of a job from before the last start are told again from the store."""
        if channel := self._bus.get(job.id):
            return channel
        # A live job may have gone since it was looked up.
        job = self._store.get(job.id) or replace(job, state="interrupted", pictures=())
        # One that isn't over has only just been queued, and its channel is about to be opened.
        return retold(job) if job.ended else self._bus.open(job.id)

    def next_if_changed(self) -> Job | None:
        """The job whose turn is next, if the queue has changed since this was asked last."""
        with self._changed:
            return self._turns.next_if_changed()

    def take(self) -> tuple[Job, Control] | None:
        """The next job to run, waiting for one if need be; None once the queue is closed."""
        with self._changed:
            while not self._closed:
                if order := self._turns.order():
                    return self._begin(order[0])
                self._changed.wait()
        return None

    def _begin(self, job: Job) -> tuple[Job, Control]:
        turn = self._trainings.turn() if self._trainings and job.params.train else None
        control = self._running[job.id] = Control(turn=turn)
        self._live.tidy()
        self._turns.begin(job)
        self._tell_positions()
        return job, control

    def drawn(self, job: Job, picture: SavedPicture) -> None:
        """The worker has saved one more picture of `job`."""
        self._store.add_picture(job.id, picture)
        if picture.kind == "grid" or not job.grid_alone:
            self.tell(job, picture)

    def tell(self, job: Job, picture: SavedPicture) -> None:
        """Let watchers know of a picture."""
        self._bus.open(job.id).publish("image", told(picture))

    def finish(self, job: Job, state: State, error: str | None = None) -> None:
        """The worker is done with `job`."""
        with self._changed:
            self._running.pop(job.id, None)
            self._live.tidy()
            self._end(job, state, error)
            self._tell_positions()

    def put_back(self, job: Job) -> bool:
        """Have `job` wait for its next turn, if it has given way and nobody has interrupted it since."""
        with self._changed:
            control = self._running[job.id]
            if not control.gave_way or control.interrupted:
                return False
            del self._running[job.id]
            self._store.put_back(job.id)
            self._tell_positions()
        return True

    def next_number(self, job: Job) -> int:
        """The number of the next picture of `job`."""
        return self._store.next_number(job.id)

    @property
    def others_wait(self) -> bool:
        """Whether a training is to give way. Two of them would only take turns at loading."""
        return self._turns.short > 0

    def close(self) -> None:
        """Stop handing out jobs; a running one is interrupted, the queued ones stay for the next start."""
        with self._changed:
            self._closed = True
            for control in self._running.values():
                control.interrupted = True
            self._changed.notify_all()

    @property
    def drawing(self) -> bool:
        """Whether a job is being drawn."""
        return bool(self._running)

    @property
    def closed(self) -> bool:
        """Whether the server is stopping."""
        return self._closed

    def _end(self, job: Job, state: State, error: str | None) -> None:
        self._store.end(job.id, state, error)
        self._bus.open(job.id).publish("end", over(state, error))
        if job.live:
            self._live.ended(job.id)

    def _tell_positions(self) -> None:
        self._turns.tell(len(self._running))
