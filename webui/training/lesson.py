"""What chance decides in a step of training: it follows from the seed and the step's number alone.

So a run that has stopped goes on as if it had not, and nothing of the generators need be kept.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

ORDER, NOISE = 0, 1
"""Two streams of chance that don't depend on each other."""


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


def lesson(seed: int, step: int, pictures: int, batch: int, silence: float, *, flip: bool) -> Lesson:
    """That of `step`, from 0, of a run over so many `pictures`.

    Each picture is seen once before any is seen again. The amounts of noise of a batch are spread evenly.

    Args:
        seed: the run's.
        step: counted from 0.
        pictures: how many there are.
        batch: how many of them a step looks at.
        silence: the share of captions that are left out.
        flip: whether half of the pictures are mirrored.
    """
    generator = _generator(seed, NOISE, step)
    places = range(step * batch, (step + 1) * batch)
    rolls = torch.rand(2, batch, generator=generator)
    jitter = torch.rand(batch, generator=generator)
    return Lesson(
        tuple(_picture(seed, place, pictures) for place in places),
        tuple(bool(roll < 0.5) and flip for roll in rolls[0]),
        tuple(bool(roll < silence) for roll in rolls[1]),
        (torch.arange(batch) + jitter) / batch,
        generator,
    )


def _picture(seed: int, place: int, pictures: int) -> int:
    """Which picture comes at `place` in the row of all that are looked at."""
    turn, within = divmod(place, pictures)
    return int(torch.randperm(pictures, generator=_generator(seed, ORDER, turn))[within])


def _generator(seed: int, stream: int, number: int) -> torch.Generator:
    own = np.random.SeedSequence([seed, stream, number]).generate_state(1, np.uint64)[0]
    return torch.Generator().manual_seed(int(own) >> 1)
