"""One job being drawn: its cells one after the other, and the grids of them at the end."""

from __future__ import annotations

import logging

from webui.engine.protocol import Engine, EngineError, Repair, Training
from webui.jobs.control import Control
from webui.jobs.events import Channel
from webui.jobs.gathering import Gathering
from webui.jobs.lookahead import LookAhead
from webui.jobs.model import Job
from webui.jobs.observer import JobObserver
from webui.jobs.outputs import OutputError, Outputs
from webui.jobs.service import Jobs
from webui.jobs.store import StoreError
from webui.jobs.telling import steps_of
from webui.params import InvalidParamsError
from webui.scripts.plan import Cell

log = logging.getLogger(__name__)

MAX_TOLD = 10
"""How many cells that failed are told of one by one."""


class Drawing:
    """Draws a job.

    Raises:
        InvalidParamsError: the job's script can't be planned any more.
    """

    def __init__(
        self, job: Job, control: Control, jobs: Jobs, channel: Channel, outputs: Outputs, engine: Engine
    ) -> None:
        self._job = job
        self._control = control
        self._jobs = jobs
        self._outputs = outputs
        self._engine = engine
        self._plan = jobs.tasks.plan(job)
        rounds: list[int] = []
        for cell in self._plan.cells():
            rounds += [steps_of(cell.params)] * cell.params.n_iter
        self._ahead = LookAhead(jobs, engine)
        self._observer = JobObserver(jobs, job, control, channel, outputs, rounds, self._ahead.look)
        self._gathering = Gathering(self._plan)
        self._missing = 0
        self._failures: list[Exception] = []

    def draw(self) -> bool:
        """Draw all cells and compose their grids; whether nothing was left out because it stopped.

        A cell that fails beside others is told of, and they go on.

        Raises:
            Exception: whatever the engine raised, if nothing at all could be drawn.
            OutputError: pictures can't be saved any more.
            StoreError: the disk is full.
        """
        for notice in self._plan.notices:
            self._observer.notice(notice)
        for number, cell in enumerate(self._plan.cells(), 1):
            if self._control.stopped:
                self._missing += cell.pictures
                break
            self._ahead.at(cell, self._plan.cell(number) if number < self._plan.count else None)
            self._draw_cell(cell)
        if self._failures and not self._observer.saved:
            raise self._failures[0]
        if len(self._failures) > MAX_TOLD:
            self._observer.notice(f"{len(self._failures)} parts in all could not be drawn.")
        if self._plan.layout and self._observer.saved and not self._jobs.closed:
            self._compose()
        return not self._missing

    def _draw_cell(self, cell: Cell) -> None:
        before = len(self._observer.saved)
        if not cell.from_last:
            self._observer.last = None
        try:
            task = self._jobs.tasks.task(self._job, cell, self._observer.last)
            for notice in task.notices:
                self._observer.notice(notice)
            self._observer.parents, self._observer.finish = task.parents, task.finish
            if isinstance(task.work, Repair):
                self._engine.repair(task.work, self._observer)
            elif isinstance(task.work, Training):
                self._engine.train(task.work, self._observer)
            else:
                self._engine.draw(task.work, self._observer)
        except (OutputError, StoreError):
            raise
        except Exception as error:
            if self._job.params.script is None and self._plan.count == 1:
                raise
            self._fail(cell, error)
        saved = self._observer.saved[before:]
        if saved and self._observer.last:
            file = self._outputs.path(saved[0].file)
            self._gathering.picture(cell.place, file, self._observer.last.image.size)
        if self._control.stopped:
            # How many samples a run makes says nothing of whether it was over.
            self._missing += 1 if cell.params.train else cell.pictures - len(saved)
        self._observer.before += cell.params.n_iter

    def _fail(self, cell: Cell, error: Exception) -> None:
        sentence = explained(error)
        self._failures.append(error)
        self._gathering.failure(cell.place, sentence)
        if len(self._failures) <= MAX_TOLD:
            self._observer.notice(f"{cell.name[:200]}: {sentence}" if cell.name else sentence)

    def _compose(self) -> None:
        """Make the grids. Nothing that goes wrong here is worth losing the job for."""
        first = self._observer.saved[0]
        self._observer.phase("composing the grid")
        try:
            for grid in self._gathering.grids(self._outputs.max_grid_side):
                self._observer.grid(grid, first.seed, self._gathering.infotext(first.infotext))
        except Exception as error:
            self._observer.notice(f"The grid could not be made: {explained(error)}")
            if self._job.grid_alone and not any(picture.kind == "grid" for picture in self._observer.saved):
                for picture in self._observer.saved:
                    self._jobs.tell(self._job, picture)


def explained(error: Exception) -> str:
    """What went wrong as a sentence for people; the log tells what was not foreseen."""
    if isinstance(error, (EngineError, InvalidParamsError, StoreError)):
        return str(error)
    log.error("Drawing failed", exc_info=error)
    what = f"{type(error).__name__}: {error}"
    return f"Drawing failed unexpectedly ({what}). The server's log tells more."
