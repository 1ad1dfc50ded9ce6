"""A model made ready to draw, whichever way it draws."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Protocol

from webui.engine.protocol import Observer, Order


class Studio(Protocol):
    """Draws the pictures of orders with one checkpoint."""

    def draw(
        self, order: Order, observer: Observer, already: int = 0, refiner: Refiner | None = None
    ) -> None:
        """Draw the pictures of `order` after the first `already`, which the observer has.

        `refiner` opens the studio that takes over on the way, where the order has one.

        Raises:
            EngineError: it can't be done; the text says why.
        """
        ...

    def run_once(self) -> None:
        """Run each of the networks once: a process's first run is the slowest."""
        ...


Refiner = Callable[[], AbstractContextManager[Studio]]
