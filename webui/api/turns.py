"""Work that is done one piece at a time, in the order in which it was asked for."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from anyio import CancelScope, CapacityLimiter, to_thread
from fastapi import HTTPException

T = TypeVar("T")
MOST_WAITING = 20
OUTDATED = "Another map was asked for meanwhile, and is made instead. Ask for this one again if you want it."
FULL = "Too many maps are being made. Try again in a moment."


class Turns:
    """Makes maps one at a time: each takes much memory, and networks take all cores.

    Of each owner one waits at most, so that nobody fills the queue: the newest.
    """

    def __init__(self) -> None:
        self._one = CapacityLimiter(1)
        self._waiting: dict[str, CancelScope] = {}

    async def run(self, owner: str, work: Callable[[], T]) -> T:
        """What `work` gives, done in a thread when its turn has come.

        Raises:
            HTTPException: 409 when `owner` asked for something newer before its turn came; 429 when too many
                others wait.
        """
        if older := self._waiting.pop(owner, None):
            older.cancel()
        if len(self._waiting) >= MOST_WAITING:
            raise HTTPException(429, FULL)
        turn = object()
        if not await self._come(owner, turn):
            raise HTTPException(409, OUTDATED)
        try:
            return await to_thread.run_sync(work)
        finally:
            self._one.release_on_behalf_of(turn)

    async def _come(self, owner: str, turn: object) -> bool:
        """Wait until `turn` has come; False: something newer takes its place."""
        with CancelScope() as waiting:
            self._waiting[owner] = waiting
            try:
                await self._one.acquire_on_behalf_of(turn)
                return True
            finally:
                if self._waiting.get(owner) is waiting:
                    del self._waiting[owner]
        return False
