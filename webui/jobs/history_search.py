"""Which pictures of the history are wanted, and how they are found among 100,000."""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta

from webui.jobs.history_entries import Entry
from webui.jobs.model import PictureKind
from webui.jobs.rows import folded

NEWEST_FIRST = "ORDER BY trashed DESC, created DESC, id DESC"
FIRST_DAY, LAST_DAY = date(1971, 1, 1), date(2999, 12, 30)
"""Beyond these not every system knows the local time."""
KEPT = 8
"""How many searches are remembered."""


@dataclass(frozen=True)
class Filters:
    """Which pictures to show; those that are left as they are leave none out.

    `q`: every word of it has to be in the infotext or the prompts, in any letter case. `since` and `until`
    are days of the server's time, both included. `trash`: those in the trash instead of all others.
    """

    q: str = ""
    checkpoint: str = ""
    since: date | None = None
    until: date | None = None
    favourite: bool | None = None
    kind: PictureKind | None = None
    trash: bool = False

    @property
    def words(self) -> list[str]:
        """What is searched for, what is likely to be rare first."""
        return sorted(dict.fromkeys(folded(self.q).split()), key=len, reverse=True)


@dataclass(frozen=True)
class Page:
    """Some of the pictures that were asked for, newest first, and how many there are in all."""

    pictures: tuple[Entry, ...]
    total: int


class Searches:
    """Finds the numbers of pictures. Texts are looked through once for all pages of a search.

    Not for two threads at once: whoever calls it has the database.
    """

    def __init__(self) -> None:
        self._found: dict[tuple[str, Filters], tuple[int, list[int]]] = {}

    def find(
        self, db: sqlite3.Connection, owner: str, filters: Filters, offset: int, limit: int
    ) -> tuple[list[int], int]:
        """`limit` numbers from `offset` on, newest first, and how many there are in all."""
        if filters.words:
            found = self._searched(db, owner, filters)
            return found[offset : offset + limit], len(found)
        where, values = _where(owner, filters)
        total: int = db.execute(f"SELECT COUNT(*) {where}", values).fetchone()[0]
        wanted = f"SELECT id {where} {NEWEST_FIRST} LIMIT ? OFFSET ?"
        return [row[0] for row in db.execute(wanted, (*values, limit, offset))], total

    def _searched(self, db: sqlite3.Connection, owner: str, filters: Filters) -> list[int]:
        key = owner, filters
        at, found = self._found.pop(key, (-1, []))
        if at != db.total_changes:
            where, values = _where(owner, filters)
            found = [row[0] for row in db.execute(f"SELECT id {where} {NEWEST_FIRST}", values)]
        self._found[key] = db.total_changes, found
        if len(self._found) > KEPT:
            del self._found[next(iter(self._found))]
        return found


def _where(owner: str, filters: Filters) -> tuple[str, list[object]]:
    """FROM and WHERE for the pictures that `filters` leave, and the values for their question marks."""
    wanted: list[tuple[str, object]] = [("owner = ?", owner)]
    if filters.since:
        wanted.append(("created >= ?", _midnight(filters.since)))
    if filters.until:
        wanted.append(("created < ?", _midnight(filters.until, days=1)))
    if filters.checkpoint:
        wanted.append(("checkpoint = ?", filters.checkpoint))
    if filters.favourite is not None:
        wanted.append(("favourite = ?", filters.favourite))
    if filters.kind:
        wanted.append(("kind = ?", filters.kind))
    # GLOB is twice as quick on most texts, but on those of one letter a hundred times slower.
    wanted += [("instr(said, ?)", word) for word in filters.words]
    tables = "pictures JOIN texts ON texts.picture = pictures.id" if filters.words else "pictures"
    trashed = "trashed IS NOT NULL" if filters.trash else "trashed IS NULL"
    clauses = " AND ".join([trashed, *(clause for clause, _ in wanted)])
    return f"FROM {tables} WHERE {clauses}", [value for _, value in wanted]


def _midnight(day: date, days: int = 0) -> float:
    """When the day begins that is `days` after `day`, in seconds since 1970."""
    known = min(max(day, FIRST_DAY), LAST_DAY)
    return datetime.combine(known + timedelta(days), time.min).timestamp()
