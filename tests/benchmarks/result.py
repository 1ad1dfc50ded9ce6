"""What a benchmark says."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any


@dataclass(frozen=True)
class Result:
    """A figure beside what it is held against, both measured in the same run. Smaller is better."""

    name: str
    value: float
    unit: str
    baseline: float
    goal: float | None = None
    """The largest ratio of value to baseline that is good enough."""

    @property
    def ratio(self) -> float:
        return self.value / self.baseline

    @property
    def met(self) -> bool | None:
        return None if self.goal is None else self.ratio <= self.goal

    def as_json(self) -> dict[str, Any]:
        return {**asdict(self), "ratio": self.ratio, "met": self.met}

    def __str__(self) -> str:
        verdict = {True: "met", False: "NOT met", None: ""}[self.met]
        goal = f"goal {self.goal:.2f}x {verdict}" if self.goal is not None else ""
        figures = f"{self.value:10.3f} {self.unit:<3} against {self.baseline:10.3f} {self.unit:<3}"
        return f"{self.name:<28}{figures}  {self.ratio:6.3f}x  {goal}"


def interleaved(ours: Callable[[], object], theirs: Callable[[], object], rounds: int) -> tuple[float, float]:
    """Median seconds of each, run in turns, so that noise hits both alike; a first round is not counted."""
    times: tuple[list[float], list[float]] = ([], [])
    for round_number in range(rounds + 1):
        for kept, run in zip(times, (ours, theirs), strict=True):
            begun = time.perf_counter()
            run()
            if round_number:
                kept.append(time.perf_counter() - begun)
    return statistics.median(times[0]), statistics.median(times[1])
