"""Telling an observer how far a batch is."""

from __future__ import annotations

import time
from collections.abc import Callable

import torch
from torch import Tensor

from webui.engine.general.watch import Predicted
from webui.engine.previews import PreviewBudget
from webui.engine.protocol import Observer


class Stopped(Exception):  # noqa: N818  # nothing is wrong
    """The person wishes to end this batch. Goes through the pipeline, which then decodes nothing."""


class Progress:
    """What `watch.listen` hears of batch number `iteration`, told to `observer`.

    `preview` makes JPEG files of predicted latents, as the pipeline packs them; none: it can't.
    It is call number `part`, from 0, of the `parts` that make the batch, and makes the last `most` of the
    schedule's steps; None: all of them.
    """

    def __init__(
        self,
        observer: Observer,
        iteration: int,
        preview: Callable[[Tensor], list[bytes]],
        budget: PreviewBudget,
        part: int = 0,
        parts: int = 1,
        most: int | None = None,
    ) -> None:
        self._observer, self._iteration = observer, iteration
        self._part, self._parts = part, parts
        self._preview, self._budget = preview, budget
        self._steps = 0
        self._most = most

    def begun(self, steps: int) -> None:
        """Sampling begins."""
        self._steps = min(steps, self._most or steps)
        self._observer.phase("sampling")
        self._tell(0)

    def stepped(self, step: int, predicted: Predicted) -> None:
        """A step is done.

        Raises:
            Stopped: the observer wishes so.
        """
        self._tell(step)
        if self._observer.interrupted() or self._observer.skipped():
            raise Stopped
        if self._observer.wants_preview() and self._budget.allows():
            self._show(predicted)
        if step == self._steps:
            self._observer.phase("decoding")

    def _tell(self, step: int) -> None:
        done, all_steps = self._part * self._steps + step, self._parts * self._steps
        self._observer.step(self._iteration, done, all_steps)

    def _show(self, predicted: Predicted) -> None:
        begun = time.perf_counter()
        latents = predicted()
        if latents is None:
            return
        if latents.is_cuda:
            # Else the time that the step itself still takes on the GPU would be counted as the preview's.
            torch.cuda.synchronize(latents.device)
            begun = time.perf_counter()
        if files := self._preview(latents):
            self._observer.preview(files)
        self._budget.spend(time.perf_counter() - begun)
