"""A job: someone's wish for pictures, and what became of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from webui.params import GenerationParams

State = Literal["queued", "running", "done", "failed", "interrupted"]
ENDED: tuple[State, ...] = ("done", "failed", "interrupted")


@dataclass(frozen=True)
class SavedPicture:
    """A finished picture on disk. `file` is relative to the outputs folder, with forward slashes."""

    number: int
    file: str
    seed: int
    infotext: str


@dataclass(frozen=True)
class Job:
    """As it is kept in the store. `seed` is the first picture's, settled; `params.seed` as it was asked."""

    id: str
    owner: str
    state: State
    params: GenerationParams
    seed: int
    created: float
    started: float | None = None
    finished: float | None = None
    error: str | None = None
    pictures: tuple[SavedPicture, ...] = ()

    @property
    def ended(self) -> bool:
        """Whether nothing more will come of it."""
        return self.state in ENDED
