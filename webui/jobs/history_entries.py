"""What the history tells of a picture."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable
from dataclasses import dataclass

from webui.inputs.names import Finished, read_name
from webui.jobs import kept_pictures
from webui.jobs.model import SavedPicture

NUMBERED = f"SELECT {kept_pictures.COLUMNS} FROM pictures WHERE id IN (SELECT value FROM json_each(?))"
NAMED = f"SELECT {kept_pictures.COLUMNS} FROM pictures WHERE job = ? AND number = ? AND owner = ?"
TRASH = "SELECT job, number FROM pictures WHERE owner = ? AND trashed IS NOT NULL"
UNSEEN = f"""
SELECT {kept_pictures.COLUMNS} FROM pictures
WHERE seen = 0 AND owner IS NOT NULL ORDER BY id DESC LIMIT ?
"""


@dataclass(frozen=True)
class Entry:
    """A picture of `owner`'s. `trashed` is when it was put into the trash, in seconds since 1970."""

    job: str
    owner: str
    picture: SavedPicture
    checkpoint: str
    """As its infotext names it; empty if nothing was drawn."""
    favourite: bool
    trashed: float | None

    @property
    def id(self) -> str:
        """Its name: "<job>/<number>"."""
        return str(Finished(self.job, self.picture.number))


def numbered(db: sqlite3.Connection, numbers: list[int]) -> tuple[Entry, ...]:
    """The pictures that have these numbers in their table, in the order of the numbers."""
    rows = {row["id"]: row for row in db.execute(NUMBERED, (json.dumps(numbers),))}
    return tuple(_read(rows[number]) for number in numbers)


def named(db: sqlite3.Connection, owner: str, names: Iterable[str]) -> list[Entry]:
    """The owner's pictures of these names, each once; names of none are passed over."""
    known = dict.fromkeys(found for name in names if isinstance(found := read_name(name), Finished))
    rows = (db.execute(NAMED, (found.job, found.number, owner)).fetchone() for found in known)
    return [_read(row) for row in rows if row]


def in_trash(db: sqlite3.Connection, owner: str) -> list[str]:
    """The names of what is in the owner's trash."""
    return [str(Finished(job, number)) for job, number in db.execute(TRASH, (owner,))]


def unseen(db: sqlite3.Connection, limit: int) -> list[Entry]:
    """Anyone's newest pictures of which no thumbnail has been tried."""
    return [_read(row) for row in db.execute(UNSEEN, (limit,))]


def _read(row: sqlite3.Row) -> Entry:
    return Entry(
        job=row["job"],
        owner=row["owner"],
        picture=kept_pictures.read(row),
        checkpoint=row["checkpoint"],
        favourite=bool(row["favourite"]),
        trashed=row["trashed"],
    )
