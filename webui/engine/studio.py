"""A model made ready to draw, whichever way it draws."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Protocol

from PIL import Image

from webui.engine.protocol import Observer, Order
from webui.imaging.detectors import BUILT_IN, Detector


class Enlarge(Protocol):
    """Enlarges a picture between two passes."""

    def __call__(
        self, name: str, image: Image.Image, width: int, height: int, observer: Observer
    ) -> Image.Image:
        """`image` at `width` x `height`, by the upscaler of that name; `observer` hears of its tiles.

        Raises:
            Interrupted: the observer said so.
        """
        ...


def _by_lanczos(name: str, image: Image.Image, width: int, height: int, observer: Observer) -> Image.Image:  # noqa: ARG001
    return image.resize((width, height), Image.Resampling.LANCZOS)


@dataclass(frozen=True)
class Helpers:
    """What else than its checkpoint's studio an order may need, opened when its turn comes."""

    refiner: Opener | None = None
    """Opens the studio that takes over on the way, where the order has one."""
    hires: Opener | None = None
    """Opens the studio that draws the second pass of hires fix, where it is another."""
    enlarge: Enlarge = _by_lanczos
    detectors: Sequence[Detector] = BUILT_IN


ALONE = Helpers()


class Studio(Protocol):
    """Draws the pictures of orders with one checkpoint."""

    def draw(self, order: Order, observer: Observer, already: int = 0, helpers: Helpers = ALONE) -> None:
        """Draw the pictures of `order` after the first `already`, which the observer has.

        Raises:
            EngineError: it can't be done; the text says why.
        """
        ...

    def run_once(self) -> None:
        """Run each of the networks once: a process's first run is the slowest."""
        ...


Opener = Callable[[], AbstractContextManager[Studio]]
