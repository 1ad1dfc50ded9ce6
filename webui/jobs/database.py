"""One SQLite file, open for as long as the server runs."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

from webui.jobs.schema import prepare


class StoreError(sqlite3.OperationalError):
    """The job store can't be written (or opened); the text is a sentence for people."""


class Database:
    """The file's one connection, lent to one thread at a time. One server at a time has the file.

    Raises:
        StoreError: it can't be opened, or another server has it.
    """

    def __init__(self, file: Path) -> None:
        file.parent.mkdir(parents=True, exist_ok=True)
        self._file = file
        self._lock = threading.Lock()
        try:
            self._connection = _connect(file)
        except sqlite3.DatabaseError as error:
            raise StoreError(_sentence(error, file)) from error

    def close(self) -> None:
        """Close the file."""
        with self._lock:
            self._connection.close()

    @contextmanager
    def transaction(self) -> Generator[sqlite3.Connection]:
        """The connection; what is written is kept once the block ends, and nothing of it if it raises.

        Raises:
            StoreError: the file can't be written, because the disk is full for one.
        """
        with self._lock:
            self._connection.execute("BEGIN")
            try:
                yield self._connection
                self._connection.execute("COMMIT")
            except BaseException as error:
                # On a full disk SQLite may have rolled back by itself, or may fail only at the COMMIT.
                if self._connection.in_transaction:
                    self._connection.execute("ROLLBACK")
                if isinstance(error, sqlite3.OperationalError):
                    raise StoreError(_sentence(error, self._file)) from error
                raise


def _connect(file: Path) -> sqlite3.Connection:
    connection = sqlite3.connect(file, check_same_thread=False, isolation_level=None)
    connection.row_factory = sqlite3.Row
    try:
        # A second server on this file would take the first one's running jobs for cut off and draw the queued
        # ones twice.
        connection.execute("PRAGMA locking_mode=EXCLUSIVE")
        # With a write-ahead log a kill at any moment leaves the file whole.
        connection.execute("PRAGMA journal_mode=WAL")
        connection.execute("PRAGMA synchronous=NORMAL")
        connection.execute("PRAGMA foreign_keys=ON")
        prepare(connection)
    except BaseException:
        connection.close()
        raise
    return connection


def _sentence(error: sqlite3.DatabaseError, file: Path) -> str:
    code = getattr(error, "sqlite_errorcode", 0) & 0xFF  # the rest of it tells kinds of one error apart
    if code == sqlite3.SQLITE_FULL:
        return f"The disk is full: the queue can't be kept in {file}. Make room and try again."
    if code == sqlite3.SQLITE_BUSY:
        return f"another Darkroom is using {file}. Stop it, or start this one with another --data-dir."
    return f"The queue can't be kept in {file}: {error}."
