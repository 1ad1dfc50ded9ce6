"""A batch that goes through several passes: their steps are told as one row."""

from __future__ import annotations

from webui.engine.protocol import Observer


class Passes:
    """An observer of one batch that passes everything on, and counts the steps of its passes on.

    `ahead`: about how many steps are to come after the first pass.
    """

    def __init__(self, observer: Observer, ahead: int = 0) -> None:
        self._observer = observer
        self._before = 0
        self._steps = 0
        self._ahead = ahead
        self.phase = observer.phase
        self.notice = observer.notice
        self.wants_preview = observer.wants_preview
        self.preview = observer.preview
        self.picture = observer.picture
        self.interrupted = observer.interrupted
        self.skipped = observer.skipped

    def step(self, iteration: int, step: int, steps: int) -> None:
        """`step` of `steps` of this pass is done."""
        self._steps = steps
        self._observer.step(iteration, self._before + step, self._before + steps + self._ahead)

    def following(self, ahead: int = 0) -> None:
        """Another pass begins, after which about `ahead` steps are to come."""
        self._before += self._steps
        self._steps = 0
        self._ahead = ahead


class Tiles:
    """An observer for what works in tiles between two passes: its steps are told in words."""

    def __init__(self, observer: Observer, doing: str) -> None:
        self._observer = observer
        self._doing = doing
        self.phase = observer.phase
        self.notice = observer.notice
        self.wants_preview = observer.wants_preview
        self.preview = observer.preview
        self.picture = observer.picture
        self.interrupted = observer.interrupted
        self.skipped = observer.skipped

    def step(self, iteration: int, step: int, steps: int) -> None:  # noqa: ARG002
        """`step` of `steps` tiles is done."""
        if step < steps:
            self._observer.phase(f"{self._doing}, tile {step + 1} of {steps}")
