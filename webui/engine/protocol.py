"""What an engine is to those who call it. Nothing here imports torch."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from PIL import Image

from webui.catalog.checkpoints import Checkpoint
from webui.params import GenerationParams


class EngineError(Exception):
    """Drawing failed for a reason a person can act on; the text is that sentence."""


@dataclass(frozen=True)
class Order:
    """A job as the engine sees it: the seed is settled, the checkpoint found."""

    params: GenerationParams
    checkpoint: Checkpoint
    seed: int
    """Seed of the first picture; the others count up from it."""


@dataclass(frozen=True)
class Picture:
    """A finished picture, RGB, and what its infotext needs beside the params."""

    image: Image.Image
    seed: int
    infotext: str


class Observer(Protocol):
    """Who watches a picture being made. Called on the engine's thread; must return at once."""

    def phase(self, text: str) -> None:
        """What is being done now: "loading the checkpoint", "sampling", "decoding"."""
        ...

    def step(self, iteration: int, step: int, steps: int) -> None:
        """`step` of `steps` is done in batch number `iteration` (both count from 1)."""
        ...

    def wants_preview(self) -> bool:
        """Whether anyone looks; no preview is made where nobody does."""
        ...

    def preview(self, jpegs: list[bytes]) -> None:
        """The predicted clean pictures of the batch, as they look now."""
        ...

    def picture(self, picture: Picture) -> None:
        """One finished picture."""
        ...

    def interrupted(self) -> bool:
        """Whether to stop now. What is finished stays."""
        ...

    def skipped(self) -> bool:
        """Whether to leave this batch and go on with the next. Asking takes the wish back."""
        ...


class Engine(Protocol):
    """Draws pictures, one order at a time, on one device."""

    def warm_up(self, checkpoint: Checkpoint | None, report: Callable[[str], None]) -> None:
        """Make ready for the first order; `report` hears what is being done."""
        ...

    def draw(self, order: Order, observer: Observer) -> None:
        """Draw every picture of `order`.

        Raises:
            EngineError: it can't be done; the text says why and the way out.
        """
        ...
