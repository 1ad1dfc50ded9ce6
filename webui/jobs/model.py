"""A job: someone's wish for pictures, and what became of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from webui.params import GenerationParams
from webui.params.scripts import XYZPlot

State = Literal["queued", "running", "done", "failed", "interrupted"]
ENDED: tuple[State, ...] = ("done", "failed", "interrupted")
PictureKind = Literal["picture", "grid"]


@dataclass(frozen=True)
class SavedPicture:
    """A finished picture on disk. `file` is relative to the outputs folder, with forward slashes."""

    number: int
    file: str
    seed: int
    infotext: str
    kind: PictureKind = "picture"
    width: int = 0
    height: int = 0
    """In pixels; 0 for pictures of versions that didn't keep it, until their thumbnail is made."""
    created: float = 0.0
    """Seconds since 1970; 0 for one that is only now being kept."""
    parents: tuple[str, ...] = ()
    """What it was made from: "<job>/<number>" of finished pictures."""


@dataclass(frozen=True)
class Job:
    """As it is kept in the store. `seed` is the first picture's, settled; `params.seed` as it was asked.

    The same of `subseed`. `rounds` is how many batches all its cells make.
    """

    id: str
    owner: str
    state: State
    params: GenerationParams
    seed: int
    created: float
    subseed: int = 0
    rounds: int = 1
    started: float | None = None
    finished: float | None = None
    error: str | None = None
    pictures: tuple[SavedPicture, ...] = ()
    """Those in the trash aside; where jobs are listed, perhaps only the first of them."""
    image_count: int = 0
    """How many there are of them in all, grids aside."""
    live: str = ""
    """The key of live painting: of jobs with the same one only the newest counts. Empty: an ordinary job."""

    @property
    def ended(self) -> bool:
        """Whether nothing more will come of it."""
        return self.state in ENDED

    @property
    def grid_alone(self) -> bool:
        """Whether its pictures are to be seen on their grid only."""
        return isinstance(self.params.script, XYZPlot) and not self.params.script.include_lone_images

    @property
    def shown(self) -> tuple[SavedPicture, ...]:
        """What there is to see of it so far, grids first. Where there is no grid in the end, all pictures."""
        grids = tuple(picture for picture in self.pictures if picture.kind == "grid")
        if self.grid_alone and (grids or not self.ended):
            return grids
        return grids + tuple(picture for picture in self.pictures if picture.kind != "grid")


@dataclass(frozen=True)
class PastPrompt:
    """What someone has drawn before. `created` is when last, in seconds since 1970."""

    prompt: str
    negative_prompt: str
    created: float
