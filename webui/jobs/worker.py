"""The worker: one thread, one device. Takes jobs, has them drawn, saves the pictures."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from webui.catalog.catalog import Catalog
from webui.engine.protocol import Engine, EngineError
from webui.jobs.control import Control
from webui.jobs.drawing import Drawing, explained
from webui.jobs.events import EventBus
from webui.jobs.model import Job
from webui.jobs.outputs import Outputs
from webui.jobs.service import Jobs
from webui.jobs.store import CUT_OFF

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
        try:
            if self._engine is None:
                raise EngineError(self.status.detail)
            self._outputs.check_space()
            channel = self._bus.open(job.id)
            drawing = Drawing(job, control, self._jobs, channel, self._outputs, self._engine)
            complete = drawing.draw()
        except Exception as error:
            self._jobs.finish(job, "failed", explained(error))
        else:
            if complete:
                self._jobs.finish(job, "done")
            elif not self._jobs.put_back(job):
                self._jobs.finish(job, "interrupted", CUT_OFF if self._jobs.closed else None)
