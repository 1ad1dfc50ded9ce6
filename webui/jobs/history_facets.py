"""What a history can be narrowed down to."""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass

CHECKPOINTS = """
SELECT checkpoint, COUNT(*) FROM pictures
WHERE owner = ? AND trashed IS NULL AND checkpoint != '' GROUP BY 1 ORDER BY 2 DESC, 1
"""
DAYS = """
SELECT date(created, 'unixepoch', 'localtime'), COUNT(*) FROM pictures
WHERE owner = ? AND trashed IS NULL GROUP BY 1 ORDER BY 1 DESC
"""
FAVOURITES = "SELECT COUNT(*) FROM pictures WHERE owner = ? AND trashed IS NULL AND favourite"
TRASH = "SELECT COUNT(*) FROM pictures WHERE owner = ? AND trashed IS NOT NULL"


@dataclass(frozen=True)
class Facets:
    """Names with how many pictures there are of each, and numbers of pictures.

    `checkpoints`: those with the most pictures first. `days` are the server's, as "2030-01-31", newest first.
    """

    checkpoints: tuple[tuple[str, int], ...]
    days: tuple[tuple[str, int], ...]
    favourites: int
    trash: int

    @property
    def total(self) -> int:
        """All pictures that aren't in the trash."""
        return sum(count for _, count in self.days)


def facets_of(db: sqlite3.Connection, owner: str) -> Facets:
    """What there is of the owner's pictures."""
    checkpoints, days = (
        tuple((str(name), int(count)) for name, count in db.execute(query, (owner,)))
        for query in (CHECKPOINTS, DAYS)
    )
    favourites, trash = (int(db.execute(query, (owner,)).fetchone()[0]) for query in (FAVOURITES, TRASH))
    return Facets(checkpoints, days, favourites, trash)
