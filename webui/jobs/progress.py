"""How far a job is and how long it will take, from the steps done so far."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Sequence
from typing import Any

RECENT = 8
"""The pace is that of so many steps: those of a second, larger pass take longer."""


class Progress:
    """Follows one running job. Times are in seconds.

    `rounds`: about how many steps each of its batches is to take, over all cells of a script.
    """

    def __init__(self, rounds: Sequence[int], clock: Callable[[], float] = time.monotonic) -> None:
        self._rounds = rounds
        self._after = _sums_from_behind(rounds)
        self._clock = clock
        self._phase = "starting"
        self._iteration = 1
        self._step = 0
        self._steps = rounds[0]
        self._share = _Share()
        self._pace = _Pace(clock)

    def phase(self, text: str) -> dict[str, Any]:
        """What is being done has changed."""
        self._phase = text
        return self.state()

    def step(self, iteration: int, step: int, steps: int) -> dict[str, Any]:
        """`step` of `steps` of batch `iteration` is done.

        A batch may turn out to take more steps than was told before. Told again of the same step, another of
        its passes begins.
        """
        if iteration != self._iteration:
            whole = self._rounds[self._iteration - 1] if self._step == self._steps else 0
            self._pace.batch_over(whole)
            self._share = _Share()
        self._share.at(step, steps)
        self._pace.at(step)
        self._iteration, self._step, self._steps = iteration, step, steps
        return self.state()

    def state(self) -> dict[str, Any]:
        """As it goes out in progress events. `share` is the part of the job that is done, and never falls."""
        return {
            "state": "running",
            "position": 0,
            "phase": self._phase,
            "step": self._step,
            "steps": self._steps,
            "iteration": self._iteration,
            "n_iter": len(self._rounds),
            "share": round((self._iteration - 1 + self._share.now) / len(self._rounds), 4),
            "eta": self._eta(),
        }

    def _eta(self) -> float | None:
        pace = self._pace.now
        if pace is None:
            return None
        at = self._iteration - 1
        # What was planned is told in steps as asked; some samplers make more of them.
        planned = self._pace.of_whole_batches or pace * self._steps / max(1, self._rounds[at])
        return round(pace * (self._steps - self._step) + planned * self._after[at], 1)


class _Share:
    """The part of one batch that is done, 0 to 1.

    Where the batch takes more steps than was told, what is left is shared out among them: it never falls.
    """

    def __init__(self) -> None:
        self.now = 0.0
        self._step, self._steps = 0, 0
        self._since, self._had = 0, 0.0

    def at(self, step: int, steps: int) -> None:
        """`step` of `steps` is done."""
        if steps != self._steps or step < self._step:
            self._since, self._had = min(step, self._step), self.now
        left = steps - self._since
        self.now = self._had + (1 - self._had) * (step - self._since) / left if left > 0 else 1.0
        self._step, self._steps = step, steps


class _Pace:
    """Seconds for a step, lately; and for a planned step, over whole batches with all that they take."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._begun: float | None = None
        self._batch_begun = 0.0
        self._spent, self._planned = 0.0, 0
        self._done = 0
        self._lately: deque[tuple[float, int]] = deque(maxlen=RECENT + 1)

    def at(self, step: int) -> None:
        """`step` of the batch is done."""
        now = self._clock()
        if self._begun is None:
            self._begun = self._batch_begun = now
        # Steps of a batch that was left took no time and are not counted as done.
        before = self._lately[-1][1] if self._lately else None
        if before is not None and step > before:
            self._done += step - before
        else:
            self._lately.clear()
        self._lately.append((now, step))

    def batch_over(self, planned: int) -> None:
        """The next batch begins; `planned`: the steps that this one was to take, 0 if it was left."""
        now = self._clock()
        if planned:
            self._spent += now - self._batch_begun
            self._planned += planned
        self._batch_begun = now
        self._lately.clear()

    @property
    def now(self) -> float | None:
        """Seconds for a step; None before the first."""
        if len(self._lately) > 1:
            (begun, first), (now, last) = self._lately[0], self._lately[-1]
            return (now - begun) / (last - first)
        if self._begun is None or self._done == 0:
            return None
        return (self._clock() - self._begun) / self._done

    @property
    def of_whole_batches(self) -> float | None:
        """Seconds for a planned step; None before a batch is finished."""
        return self._spent / self._planned if self._planned else None


def _sums_from_behind(rounds: Sequence[int]) -> list[int]:
    """For each round the steps of all later ones."""
    left = sum(rounds)
    sums: list[int] = []
    for steps in rounds:
        left -= steps
        sums.append(left)
    return sums
