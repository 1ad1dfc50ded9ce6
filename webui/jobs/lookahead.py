"""Having the engine read what comes next, while something else is drawn."""

from __future__ import annotations

import logging

from webui.engine.protocol import Engine
from webui.jobs.service import Jobs
from webui.params import InvalidParamsError
from webui.scripts.plan import Cell

log = logging.getLogger(__name__)

MODELS = ("checkpoint", "vae", "refiner_checkpoint", "hr_checkpoint_name")


class LookAhead:
    """Looks ahead while one job is drawn. Never raises: what is to come will say itself what is wrong."""

    def __init__(self, jobs: Jobs, engine: Engine) -> None:
        self._jobs = jobs
        self._engine = engine
        self._last = True
        self._next: Cell | None = None

    def at(self, cell: Cell, following: Cell | None) -> None:
        """`cell` is being drawn, and `following` after it; None: the next job."""
        self._last = following is None
        other = following and any(
            getattr(cell.params, name) != getattr(following.params, name) for name in MODELS
        )
        self._next = following if other else None

    def look(self) -> None:
        """Have what comes next read, if it isn't being read already."""
        cell, self._next = self._next, None
        try:
            if self._last and (job := self._jobs.next_if_changed()):
                cell = self._jobs.tasks.plan(job).cell(0)
            if cell and (order := self._jobs.tasks.outline(cell)):
                self._engine.preload(order)
        except InvalidParamsError:
            pass
        except Exception:
            log.exception("Reading the next checkpoint ahead failed")
