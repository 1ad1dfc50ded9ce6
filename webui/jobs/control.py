"""What can be asked of a job while it runs, and when it gives way to others."""

from __future__ import annotations

import math
import time
from dataclasses import dataclass


class Turn:
    """A training's turn, which may end before the training does: others are not to wait for hours.

    It lasts for `seconds` (0: to the end), and for a step at least, so that each brings the training on.
    """

    def __init__(self, seconds: float) -> None:
        self._ends = time.monotonic() + (seconds or math.inf)
        self._began_at: int | None = None

    def over(self, step: int, steps: int) -> bool:
        """Whether it has lasted long enough, now that `step` of `steps` are done."""
        if self._began_at is None:
            self._began_at = step
        return self._began_at < step < steps and time.monotonic() >= self._ends


@dataclass
class Control:
    """What a running job has been asked to do. `turn`: once it is over it may give way; None: never."""

    interrupted: bool = False
    skipped: bool = False
    gave_way: bool = False
    turn: Turn | None = None

    @property
    def stopped(self) -> bool:
        """Whether it is to stop now, be it for good or until its next turn."""
        return self.interrupted or self.gave_way
