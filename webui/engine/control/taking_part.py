"""Which units of an order have a say on a walk."""

from __future__ import annotations

from webui.engine.batch import Batch
from webui.engine.company import Visit
from webui.engine.protocol import Control, EngineError
from webui.params.control import ControlUnit


def has_a_say(unit: ControlUnit) -> bool:
    """Whether a unit changes anything at some time."""
    return unit.weight > 0 and unit.guidance_start < unit.guidance_end


def in_pass(unit: ControlUnit, batch: Batch) -> bool:
    """Whether a unit steers in this pass, where hires fix makes two."""
    if batch.before is not None:
        return unit.hr_option != "Low res only"
    return unit.hr_option != "High res only" or not batch.params.hires


class Admission:
    """Leaves those units out that don't go with a model, and tells each reason once in an order.

    `spoken`: what is left out, as a sentence begins with it.
    """

    def __init__(self, spoken: str) -> None:
        self._spoken = spoken
        self._order: tuple[Control, ...] = ()
        self._told: set[str] = set()

    def admits(self, visit: Visit, problem: str | None) -> bool:
        """Whether a unit goes with the model that draws; `problem`: why not, if it doesn't.

        Raises:
            EngineError: it doesn't go with the order's checkpoint. Of another model, which goes on with
                what the checkpoint began, this is told, and the unit left out.
        """
        order = visit.batch.order
        if problem and visit.model.checkpoint.path == order.checkpoint.path:
            raise EngineError(problem)
        if order.controls is not self._order:
            self._told.clear()
            self._order = order.controls
        if problem and problem not in self._told:
            self._told.add(problem)
            visit.observer.notice(f"{self._spoken} was left out where another model draws: {problem}")
        return problem is None
