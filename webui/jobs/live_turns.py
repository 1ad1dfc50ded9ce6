"""Which wish of a canvas is the newest: one that came earlier may take longer to read."""

from __future__ import annotations

from itertools import count

KEPT = 1000
"""How many canvases are remembered, those that were drawn on last."""


class LiveTurns:
    """Counts wishes as they come. `came` may be called from any thread, `is_late` from one at a time."""

    def __init__(self) -> None:
        self._count = count(1)
        self._newest: dict[tuple[str, str], int] = {}

    def came(self) -> int:
        """The number of a wish that comes now."""
        return next(self._count)

    def is_late(self, owner: str, key: str, number: int) -> bool:
        """Whether a newer wish of that canvas has been queued before this one. If not, this is the newest."""
        newest = self._newest.pop((owner, key), 0)
        self._newest[owner, key] = max(newest, number)
        if len(self._newest) > KEPT:
            del self._newest[next(iter(self._newest))]
        return number < newest
