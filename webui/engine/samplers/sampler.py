"""A sampler: its step, and all that is particular about it beside that."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from webui.engine.samplers import schedules
from webui.engine.samplers.cut import Cut
from webui.engine.samplers.move import Memory, Step
from webui.engine.samplers.options import DEFAULTS, SamplerOptions
from webui.engine.samplers.schedule_types import AUTOMATIC, SCHEDULES
from webui.engine.samplers.schedules import NoiseTable, Schedule, Span

Path = Callable[[Sequence[float], NoiseTable, SamplerOptions], list[float]]
"""The way over given levels, with rises in it, where the sampler adds noise and nothing else."""


@dataclass(frozen=True)
class Sampler:
    """A sampler as A1111 users know it."""

    name: str
    aliases: tuple[str, ...]
    step: Step
    automatic: str | None = None
    """The schedule type that "Automatic" means, if not Uniform."""
    own: Schedule | None = None
    """What "Automatic" means if that is none of the schedule types."""
    spans: bool = False
    """Whether its own levels are made of the first and the last alone, so that none can be left out."""
    fixed: bool = False
    """Whether it goes its own schedule whatever is asked for."""
    keeps_variance: bool = False
    """Whether it begins at x of variance 1 + sigma**2 rather than sigma**2."""
    evaluations: int = 1
    """How often it asks the model in a step, as A1111 counts it for prompts that change on the way."""
    discards: bool = False
    """Whether it goes without the last sigma but one."""
    brownian: bool = False
    """Whether its noise is that of a Brownian path."""
    known: Callable[[NoiseTable], NoiseTable] | None = None
    """Which part of the model's noise it goes by, if not all."""
    path: Path | None = None
    progress: Callable[[Memory, Sequence[float]], float] | None = None
    """How far it has come, if it chooses its steps itself."""
    cfg_factor: float = 1.0
    """What the CFG scale is multiplied by."""
    needs_unconditional: bool = False
    """Whether it needs the prediction for the negative prompt, whatever the CFG scale."""

    @property
    def adaptive(self) -> bool:
        """Whether it chooses its steps itself."""
        return self.progress is not None

    def start(self, sigma: float, options: SamplerOptions = DEFAULTS) -> float:
        """What unit noise is multiplied by to begin at `sigma`."""
        noisier = self.keeps_variance or options.sgm_noise_multiplier
        return math.sqrt(1 + sigma**2) if noisier else sigma

    def schedule_name(self, scheduler: str) -> str:
        """The schedule type as infotexts tell it: what is really gone by."""
        if self.fixed:
            return AUTOMATIC
        return self.automatic if scheduler == AUTOMATIC and self.automatic else scheduler

    def sigmas(
        self,
        scheduler: str,
        table: NoiseTable,
        steps: int,
        options: SamplerOptions = DEFAULTS,
        *,
        sdxl: bool = False,
        cut: Cut | None = None,
    ) -> list[float]:
        """The sigmas of a walk of `steps` steps, or of the part of one that `cut` leaves.

        They fall, but for samplers with a `path` and DPM fast, and as a rule there is one more than steps.
        Where A1111 makes more steps, so does this. `scheduler` is a name as `find_schedule` gives it; `sdxl`
        tells whether the model is of that family. A cut is made before a path is laid over what it leaves.

        Raises:
            InvalidParamsError: the least sigma asked for is above the largest.
        """
        table = self.known(table) if self.known else table
        levels = self._cut(scheduler, Span(table, cut.steps if cut else steps, options, sdxl), cut)
        return self.path(levels, table, options) if self.path else levels

    def _cut(self, scheduler: str, span: Span, cut: Cut | None) -> list[float]:
        if cut and self.spans and self.own:
            even = schedules.uniform(span)
            below = span.table.until(float(even[cut.begin(even.tolist(), least=2)]))
            return self.own(replace(span, table=below, steps=cut.walked)).tolist()
        levels = self._levels(scheduler, span)
        return levels[cut.begin(levels) :] if cut else levels

    def _levels(self, scheduler: str, span: Span) -> list[float]:
        if self.own and (self.fixed or scheduler == AUTOMATIC):
            return self.own(span).tolist()
        span.check()
        schedule = SCHEDULES.get(self.schedule_name(scheduler), schedules.uniform)
        if not (self.discards or span.options.discard_next_to_last_sigma):
            return schedules.falling(schedule(span))
        longer = schedule(replace(span, steps=span.steps + 1))
        return schedules.falling(np.delete(longer, -2))

    def total_steps(self, sigmas: Sequence[float]) -> int | None:
        """How many steps a walk makes; None where that shows on the way only."""
        if self.adaptive:
            return None
        if not self.path:
            return len(sigmas) - 1
        return sum(following < sigma for sigma, following in itertools.pairwise(sigmas))
