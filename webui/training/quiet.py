"""An observer for runs that nobody watches in the page: those of the command line."""

from __future__ import annotations

from collections.abc import Callable

from webui.engine.protocol import Picture


def _unheard(_: str) -> None:
    pass


class Quiet:
    """Tells phases, notices and every fiftieth step to `say`, and never stops. Keeps no pictures."""

    def __init__(self, say: Callable[[str], None] = _unheard) -> None:
        self._say = say

    def phase(self, text: str) -> None:
        """What is being done now."""
        self._say(text)

    def notice(self, text: str) -> None:
        """Something to know."""
        self._say(text)

    def step(self, iteration: int, step: int, steps: int) -> None:  # noqa: ARG002
        """A step is done."""
        if step % 50 == 0:
            self._say(f"step {step} of {steps}")

    def wants_preview(self) -> bool:
        """No."""
        return False

    def preview(self, jpegs: list[bytes]) -> None:
        """Never asked for."""

    def picture(self, picture: Picture) -> None:
        """Not kept."""

    def interrupted(self) -> bool:
        """No."""
        return False

    def skipped(self) -> bool:
        """No."""
        return False
