"""What all that is kept in the job store's tables has in common."""

from __future__ import annotations

import sqlite3
import unicodedata
from collections.abc import Mapping


def insert(db: sqlite3.Connection, table: str, values: Mapping[str, object]) -> int:
    """Add a row; its number."""
    places = ", ".join("?" * len(values))
    statement = f"INSERT INTO {table} ({', '.join(values)}) VALUES ({places})"
    return db.execute(statement, tuple(values.values())).lastrowid or 0


def folded(text: str) -> str:
    """Alike for texts that differ in letter case only; SQLite itself knows the case of ASCII alone.

    Without NUL, at which SQLite takes a text to end.
    """
    return unicodedata.normalize("NFKC", text).casefold().replace("\0", " ")
