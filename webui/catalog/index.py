"""The index: what was found out about files, kept in one SQLite file so that it is found out once.

It can be deleted at any time. Where it can't be read or written, the catalog is slower and nothing else.
"""

from __future__ import annotations

import json
import logging
import sqlite3
import threading
from collections.abc import Iterable
from dataclasses import asdict
from pathlib import Path
from typing import Any, NamedTuple

from webui.catalog.entry import Identity

log = logging.getLogger(__name__)

VERSION = 6
"""To be raised whenever files are told apart in another way: what older versions found out is let go."""
SCHEMA = f"""
CREATE TABLE IF NOT EXISTS files (
    path TEXT PRIMARY KEY, size INTEGER NOT NULL, mtime_ns INTEGER NOT NULL, identity TEXT, sha256 TEXT
) WITHOUT ROWID;
PRAGMA user_version = {VERSION};
"""


Row = tuple[str, int, int, str | None, str | None]


class Key(NamedTuple):
    """One state of one file: another size or time, and it is another file."""

    path: str
    size: int
    mtime_ns: int


Known = tuple[Key, Identity | None, str | None]


class ModelIndex:
    """Identities and sha256 sums by file. Thread-safe; `file` None: kept in memory alone."""

    def __init__(self, file: Path | None = None) -> None:
        self._lock = threading.Lock()
        self._identities: dict[Key, Identity] = {}
        self._hashes: dict[Key, str] = {}
        self._db, kept = _open(file) if file else (None, [])
        for key, identity, sha256 in kept:
            if identity:
                self._identities[key] = identity
            if sha256:
                self._hashes[key] = sha256

    def identity(self, key: Key) -> Identity | None:
        """What the file is, if it is known."""
        return self._identities.get(key)

    def sha256(self, key: Key) -> str | None:
        """The file's sha256 in hex digits, if it is known."""
        return self._hashes.get(key)

    def keep_identities(self, found: Iterable[tuple[Key, Identity]]) -> None:
        """Remember what files are."""
        with self._lock:
            found = list(found)
            self._identities.update(found)
            self._write("identity", [(key, json.dumps(asdict(identity))) for key, identity in found])

    def keep_sha256(self, key: Key, sha256: str) -> None:
        """Remember a file's sha256."""
        with self._lock:
            self._hashes[key] = sha256
            self._write("sha256", [(key, sha256)])

    def close(self) -> None:
        """Close the file."""
        with self._lock:
            if self._db:
                self._db.close()
            self._db = None

    def _write(self, column: str, rows: list[tuple[Key, str]]) -> None:
        """Rows of a file that has changed meanwhile replace those of what it was."""
        if not (self._db and rows):
            return
        other = "sha256" if column == "identity" else "identity"
        statement = f"""
            INSERT INTO files (path, size, mtime_ns, {column}) VALUES (?, ?, ?, ?)
            ON CONFLICT (path) DO UPDATE SET {column} = excluded.{column},
                {other} = iif(size = excluded.size AND mtime_ns = excluded.mtime_ns, {other}, NULL),
                size = excluded.size, mtime_ns = excluded.mtime_ns
        """
        try:
            with self._db:
                self._db.executemany(statement, [(*key, value) for key, value in rows if _is_text(key.path)])
        except sqlite3.Error as error:
            log.warning("The index of models can't be written: %s", error)


def _known(row: Row) -> Known:
    path, size, mtime_ns, identity, sha256 = row
    return Key(path, size, mtime_ns), Identity(**json.loads(identity)) if identity else None, sha256


def _is_text(path: str) -> bool:
    """Not so where a name isn't UTF-8: such a file is looked at anew after each start."""
    return not any("\ud800" <= letter <= "\udfff" for letter in path)


def _open(file: Path) -> tuple[sqlite3.Connection | None, list[Known]]:
    """The file's connection and rows; the file is made anew where it is damaged."""
    for attempt in ("as it is", "anew"):
        try:
            file.parent.mkdir(parents=True, exist_ok=True)
            if attempt == "anew":
                for ending in ("", "-wal", "-shm"):
                    file.with_name(file.name + ending).unlink(missing_ok=True)
            return _connect(file)
        except (sqlite3.Error, OSError, ValueError, TypeError) as error:
            log.warning("The index of models %s can't be used %s: %s", file, attempt, error)
    return None, []


def _connect(file: Path) -> tuple[sqlite3.Connection, list[Known]]:
    db = sqlite3.connect(file, timeout=1, check_same_thread=False)
    try:
        version: Any = db.execute("PRAGMA user_version").fetchone()[0]
        if version not in (0, VERSION):
            db.execute("DROP TABLE IF EXISTS files")
        db.executescript(SCHEMA)
        db.execute("PRAGMA journal_mode = WAL")
        db.execute("PRAGMA synchronous = NORMAL")
        rows: list[Row] = db.execute("SELECT path, size, mtime_ns, identity, sha256 FROM files").fetchall()
        return db, [_known(row) for row in rows]
    except BaseException:
        db.close()
        raise
