"""What chance decides in a step of training: it follows from the seed and the step's number alone.

So a run that has stopped goes on as if it had not, and nothing of the generators need be kept.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate

import numpy as np
import torch
from torch import Tensor

ORDER, NOISE, TURNS = 0, 1, 2
"""Streams of chance that don't depend on each other."""


@dataclass(frozen=True)
class Lesson:
    """What a step is to look at, one entry for each row of its batch."""

    pictures: tuple[int, ...]
    mirrored: tuple[bool, ...]
    silent: tuple[bool, ...]
    """Whether the caption is left out."""
    shares: Tensor
    """How much noise: where on the noise table, from 0 to below 1, shape (batch,)."""
    generator: torch.Generator
    """Draws the noise, on the CPU."""


def lesson(
    seed: int, step: int, groups: Sequence[Sequence[int]], batch: int, silence: float, *, flip: bool
) -> Lesson:
    """That of `step`, from 0, of a run over pictures of which those of a group go together.

    Each picture of a group is seen once before any of it is seen again, and groups are looked at as often as
    they have pictures. The amounts of noise of a batch are spread evenly.

    Args:
        seed: the run's.
        step: counted from 0.
        groups: the numbers of the pictures.
        batch: how many of them a step looks at.
        silence: the share of captions that are left out.
        flip: whether half of the pictures are mirrored.
    """
    generator = _generator(seed, NOISE, step)
    rolls = torch.rand(2, batch, generator=generator)
    jitter = torch.rand(batch, generator=generator)
    return Lesson(
        tuple(_pictures(seed, step, groups, batch)),
        tuple(bool(roll < 0.5) and flip for roll in rolls[0]),
        tuple(bool(roll < silence) for roll in rolls[1]),
        (torch.arange(batch) + jitter) / batch,
        generator,
    )


def _pictures(seed: int, step: int, groups: Sequence[Sequence[int]], batch: int) -> list[int]:
    """Those that `step` looks at: of one group, as far as earlier steps have come in it."""
    ends = list(accumulate(len(group) for group in groups))
    turn, within = divmod(step, ends[-1])
    # In each turn, a step for each picture.
    order = torch.randperm(ends[-1], generator=_generator(seed, TURNS, turn))[: within + 1]
    earlier = torch.bucketize(order, torch.tensor(ends), right=True)
    chosen = int(earlier[-1])
    group = groups[chosen]
    begin = (turn * len(group) + int((earlier[:-1] == chosen).sum())) * batch
    return [group[_within(seed, place, len(group), chosen)] for place in range(begin, begin + batch)]


def _within(seed: int, place: int, pictures: int, group: int) -> int:
    """Which of a group's pictures comes at `place` in the row of all that are looked at in it."""
    turn, within = divmod(place, pictures)
    return int(torch.randperm(pictures, generator=_generator(seed, ORDER, turn, group))[within])


def _generator(seed: int, stream: int, *numbers: int) -> torch.Generator:
    own = np.random.SeedSequence([seed, stream, *numbers]).generate_state(1, np.uint64)[0]
    return torch.Generator().manual_seed(int(own) >> 1)
