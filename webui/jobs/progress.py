"""How far a job is and how long it will take, from the steps done so far."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import Any


class Progress:
    """Follows one running job. Times are in seconds.

    `rounds`: how many steps each of its batches is to take, over all cells of a script.
    """

    def __init__(self, rounds: Sequence[int], clock: Callable[[], float] = time.monotonic) -> None:
        self._rounds = rounds
        self._after = _sums_from_behind(rounds)
        self._clock = clock
        self._begun: float | None = None
        self._phase = "starting"
        self._iteration = 1
        self._step = 0
        self._steps = rounds[0]
        self._done = 0

    def phase(self, text: str) -> dict[str, Any]:
        """What is being done has changed."""
        self._phase = text
        return self.state()

    def step(self, iteration: int, step: int, steps: int) -> dict[str, Any]:
        """`step` of `steps` of batch `iteration` is done."""
        # Steps of a batch that was left took no time and are not counted as done.
        before = self._step if iteration == self._iteration else 0
        if self._begun is None:
            self._begun = self._clock()
        else:
            self._done += step - before
        self._iteration, self._step, self._steps = iteration, step, steps
        return self.state()

    def state(self) -> dict[str, Any]:
        """As it goes out in progress events."""
        return {
            "state": "running",
            "position": 0,
            "phase": self._phase,
            "step": self._step,
            "steps": self._steps,
            "iteration": self._iteration,
            "n_iter": len(self._rounds),
            "eta": self._eta(),
        }

    def _eta(self) -> float | None:
        if self._begun is None or self._done == 0:
            return None
        at = self._iteration - 1
        # What was planned is told in steps as asked; some samplers make more of them.
        per_step = self._steps / max(1, self._rounds[at])
        left = self._steps - self._step + self._after[at] * per_step
        return round((self._clock() - self._begun) / self._done * left, 1)


def _sums_from_behind(rounds: Sequence[int]) -> list[int]:
    """For each round the steps of all later ones."""
    left = sum(rounds)
    sums: list[int] = []
    for steps in rounds:
        left -= steps
        sums.append(left)
    return sums
