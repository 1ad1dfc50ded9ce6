"""Work that is done one piece at a time, in the order in which it was asked for."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from anyio import CancelScope, CapacityLimiter, to_thread
from fastapi import HTTPException

T = TypeVar("T")
MOST_WAITING = 20
MOST_OF_ONE = 10
"""As many as a tab may have ControlNet units."""
OUTDATED = "Another map was asked for meanwhile, and is made instead. Ask for this one again if you want it."
FULL = "Too many maps are being made. Try again in a moment."


class Turns:
    """Makes maps one at a time: each takes much memory, and networks take all cores.

    Of each owner one waits for each place that shows it: the newest. More than MOST_OF_ONE places have none,
    so that nobody fills the queue.
    """

    def __init__(self) -> None:
        self._one = CapacityLimiter(1)
        self._waiting: dict[tuple[str, str], CancelScope] = {}

    async def run(self, owner: str, work: Callable[[], T], place: str = "") -> T:
        """What `work` gives, done in a thread when its turn has come. `place`: where it will be shown.

        Raises:
            HTTPException: 409 when `owner` asked for something newer before its turn came; 429 when too many
                others wait.
        """
        self._overtake(owner, place)
        if len(self._waiting) >= MOST_WAITING:
            raise HTTPException(429, FULL)
        turn = object()
        if not await self._come((owner, place), turn):
            raise HTTPException(409, OUTDATED)
        try:
            return await to_thread.run_sync(work)
        finally:
            self._one.release_on_behalf_of(turn)

    def _overtake(self, owner: str, place: str) -> None:
        mine = [key for key in self._waiting if key[0] == owner]
        older = [key for key in mine if key[1] == place] or mine[: max(0, len(mine) + 1 - MOST_OF_ONE)]
        for key in older:
            self._waiting.pop(key).cancel()

    async def _come(self, key: tuple[str, str], turn: object) -> bool:
        """Wait until `turn` has come; False: something newer takes its place."""
        with CancelScope() as waiting:
            self._waiting[key] = waiting
            try:
                await self._one.acquire_on_behalf_of(turn)
                return True
            finally:
                if self._waiting.get(key) is waiting:
                    del self._waiting[key]
        return False
