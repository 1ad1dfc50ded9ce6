"""The worker: one thread, one device. Takes jobs, has them drawn, saves the pictures."""

from __future__ import annotations

import base64
import logging
import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from webui.catalog.catalog import Catalog
from webui.engine.protocol import Engine, EngineError, Order, Picture
from webui.jobs.events import Channel, EventBus
from webui.jobs.model import Job, SavedPicture
from webui.jobs.outputs import Outputs
from webui.jobs.progress import Progress
from webui.jobs.service import Control, Jobs
from webui.jobs.store import CUT_OFF, StoreError
from webui.params import InvalidParamsError

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class EngineStatus:
    """How the engine is, in a word and a few more for people."""

    state: Literal["starting", "ready", "failed"]
    detail: str


class Worker:
    """Runs jobs on a thread of its own. The engine is made there, since importing torch takes seconds."""

    def __init__(
        self, jobs: Jobs, bus: EventBus, outputs: Outputs, catalog: Catalog, make_engine: Callable[[], Engine]
    ) -> None:
        self._jobs = jobs
        self._bus = bus
        self._outputs = outputs
        self._catalog = catalog
        self._make_engine = make_engine
        self._engine: Engine | None = None
        self._thread = threading.Thread(target=self._run, name="worker", daemon=True)
        self.status = EngineStatus("starting", "starting the engine")

    @property
    def engine(self) -> Engine | None:
        """The engine, once it has started."""
        return self._engine

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def stop(self, timeout: float = 10.0) -> None:
        """Interrupt what runs and end the thread, waiting `timeout` seconds at most."""
        self._jobs.close()
        # An engine that still starts has no job yet, so that there is nothing to wait for.
        if self._thread.is_alive() and self.status.state != "starting":
            self._thread.join(timeout)

    def _run(self) -> None:
        self._start_engine()
        try:
            while (taken := self._jobs.take()) is not None:
                self._draw(*taken)
        except Exception as error:
            log.exception("The queue stopped")
            sentence = f"The queue stopped ({type(error).__name__}: {error}). Restart Darkroom."
            self.status = EngineStatus("failed", sentence)

    def _start_engine(self) -> None:
        try:
            self._report("loading torch")
            engine = self._make_engine()
        except Exception as error:
            log.exception("The engine did not start")
            reason = str(error) if isinstance(error, EngineError) else f"{type(error).__name__}: {error}"
            self.status = EngineStatus("failed", f"The engine did not start: {reason}")
            return
        self._engine = engine
        try:
            engine.warm_up(self._catalog.default(), self._report)
        except Exception as error:
            # Another checkpoint may work; a job with this one will say so itself.
            log.warning("Warming up failed: %s", error)
        self.status = EngineStatus("ready", "ready")

    def _report(self, detail: str) -> None:
        self.status = EngineStatus("starting", detail)

    def _draw(self, job: Job, control: Control) -> None:
        observer = _JobObserver(
            self._jobs, job, control, self._bus.open(job.id), self._outputs, self._look_ahead
        )
        try:
            if self._engine is None:
                raise EngineError(self.status.detail)
            self._outputs.check_space()
            order = self._order(job)
            if not control.interrupted:
                self._engine.draw(order, observer)
        except (EngineError, InvalidParamsError, StoreError) as error:
            self._jobs.finish(job, "failed", str(error))
        except Exception as error:
            log.exception("Drawing failed")
            what = f"{type(error).__name__}: {error}"
            self._jobs.finish(
                job, "failed", f"Drawing failed unexpectedly ({what}). The server's log tells more."
            )
        else:
            if control.interrupted and not observer.complete:
                self._jobs.finish(job, "interrupted", CUT_OFF if self._jobs.closed else None)
            else:
                self._jobs.finish(job, "done")

    def _order(self, job: Job) -> Order:
        checkpoint = self._catalog.find(job.params.checkpoint)
        return Order(job.params, checkpoint, job.seed, self._catalog.find_vae(job.params.vae, checkpoint))

    def _look_ahead(self) -> None:
        """Have the engine read what the next job needs, while this one is drawn. Never raises."""
        try:
            job = self._jobs.next_if_changed()
            if job is not None and self._engine is not None:
                self._engine.preload(self._order(job))
        except InvalidParamsError:
            pass  # the job will say so itself when its turn comes
        except Exception:
            log.exception("Reading the next job's checkpoint ahead failed")


class _JobObserver:
    """Tells a job's channel what the engine does. Implements `protocol.Observer`."""

    def __init__(
        self,
        jobs: Jobs,
        job: Job,
        control: Control,
        channel: Channel,
        outputs: Outputs,
        look_ahead: Callable[[], None],
    ) -> None:
        self._jobs = jobs
        self._job = job
        self._control = control
        self._channel = channel
        self._outputs = outputs
        self._look_ahead = look_ahead
        self._progress = Progress(job.params)
        self._saved = 0

    @property
    def complete(self) -> bool:
        """Whether every picture that was asked for is there."""
        return self._saved == self._job.params.n_iter * self._job.params.batch_size

    def phase(self, text: str) -> None:
        self._channel.publish("progress", self._progress.phase(text))

    def step(self, iteration: int, step: int, steps: int) -> None:
        self._channel.publish("progress", self._progress.step(iteration, step, steps))
        self._look_ahead()

    def notice(self, text: str) -> None:
        if text not in self._channel.notices():
            self._channel.publish("notice", {"text": text})

    def wants_preview(self) -> bool:
        return self._channel.watched

    def preview(self, jpegs: list[bytes]) -> None:
        images = ["data:image/jpeg;base64," + base64.b64encode(jpeg).decode("ascii") for jpeg in jpegs]
        self._channel.publish("preview", {"images": images})

    def picture(self, picture: Picture) -> None:
        file = self._outputs.save(picture)
        self._jobs.drawn(self._job, SavedPicture(self._saved, file, picture.seed, picture.infotext))
        self._saved += 1
        # A wish to skip that came while this batch was decoded is not meant for the next one.
        self._control.skipped = False

    def interrupted(self) -> bool:
        return self._control.interrupted

    def skipped(self) -> bool:
        skipped, self._control.skipped = self._control.skipped, False
        return skipped
