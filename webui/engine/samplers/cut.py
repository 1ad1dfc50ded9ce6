"""How much of a schedule is left for what is a picture already, with some noise on it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

NEARLY_ALL = 0.999
MOST_LEVELS = 10_000
"""Far finer than the thousand levels that models know. Else a tiny strength would ask for endless ones."""


@dataclass(frozen=True)
class Cut:
    """The last `walked` of the `steps` steps of a schedule, by A1111's rule."""

    steps: int
    walked: int

    @classmethod
    def of(cls, steps: int, strength: float, *, exact: bool = False) -> Cut:
        """The steps to make where `steps` were asked for and a share `strength` of the way is to be gone.

        As a rule that is the share of the steps, rounded down, and one more. `exact`: all that were asked
        for, the last ones of a schedule that is as much longer. No strength, no steps.

        Where the strength is small, schedules that are picked from a table of levels, such as DDIM's, have
        none left for so many steps: then fewer are made, from the noise that the strength means.
        """
        strength = min(strength, NEARLY_ALL)
        if strength <= 0:
            return cls(steps, 0)
        if exact:
            return cls(int(min(steps / strength, MOST_LEVELS)), steps)
        return cls(steps, int(strength * steps) + 1)

    def begin(self, levels: Sequence[float], least: int = 1) -> int:
        """At which of `levels` to begin. At least so many steps are left, if there are as many."""
        made, skipped = len(levels) - 1, self.steps - self.walked
        if made < self.steps:  # a method or a table that has no more
            skipped = skipped * made // self.steps
        return max(0, min(skipped, made - least))
