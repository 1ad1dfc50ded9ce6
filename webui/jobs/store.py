"""The job store: one SQLite file that outlives the server."""

from __future__ import annotations

import json
import logging
import sqlite3
import threading
import time
from collections.abc import Generator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from webui.jobs.model import Job, SavedPicture, State
from webui.params import GenerationParams

log = logging.getLogger(__name__)

VERSION = 1
CUT_OFF = "Darkroom stopped while this was being drawn."
UNREADABLE = "This was queued by another version of Darkroom, whose settings this one doesn't know."

SCHEMA = """
CREATE TABLE IF NOT EXISTS jobs (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    id TEXT NOT NULL UNIQUE,
    owner TEXT NOT NULL,
    state TEXT NOT NULL,
    params TEXT NOT NULL,
    seed INTEGER NOT NULL,
    created REAL NOT NULL,
    started REAL,
    finished REAL,
    error TEXT
);
CREATE INDEX IF NOT EXISTS jobs_by_owner ON jobs (owner, number);
CREATE INDEX IF NOT EXISTS jobs_by_state ON jobs (state, number);
CREATE TABLE IF NOT EXISTS pictures (
    job TEXT NOT NULL REFERENCES jobs (id) ON DELETE CASCADE,
    number INTEGER NOT NULL,
    file TEXT NOT NULL,
    seed INTEGER NOT NULL,
    infotext TEXT NOT NULL,
    PRIMARY KEY (job, number)
);
"""


class StoreError(sqlite3.OperationalError):
    """The job store can't be written (or opened); the text is a sentence for people."""


class JobStore:
    """Reads and writes jobs; safe to use from any thread. One server at a time has the file."""

    def __init__(self, file: Path) -> None:
        file.parent.mkdir(parents=True, exist_ok=True)
        self._file = file
        self._lock = threading.Lock()
        self._unwritten: dict[str, dict[str, Any]] = {}
        try:
            self._connection = _connect(file)
        except sqlite3.DatabaseError as error:
            raise StoreError(_sentence(error, file)) from error

    def close(self) -> None:
        """Close the file."""
        with self._lock:
            with suppress(StoreError):
                if self._unwritten:
                    self._write_changes()
            self._connection.close()

    @contextmanager
    def _open(self) -> Generator[sqlite3.Connection]:
        with self._lock, self._transaction() as db:
            yield db

    @contextmanager
    def _transaction(self) -> Generator[sqlite3.Connection]:
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

    def add(self, job: Job) -> None:
        """Keep a new job.

        Raises:
            StoreError: the disk is full.
        """
        # All of the params and not only those given: other defaults in a later version don't change the job.
        values = (job.id, job.owner, job.state, job.params.model_dump_json(), job.seed, job.created)
        with self._open() as db:
            db.execute(
                "INSERT INTO jobs (id, owner, state, params, seed, created) VALUES (?, ?, ?, ?, ?, ?)", values
            )

    def start(self, job_id: str) -> None:
        """The job runs now."""
        self._change(job_id, state="running", started=time.time())

    def end(self, job_id: str, state: State, error: str | None = None) -> None:
        """The job is over."""
        self._change(job_id, state=state, error=error, finished=time.time())

    def _change(self, job_id: str, **values: object) -> None:
        """Change columns of a job; in memory only for as long as the disk is full, so that no job hangs."""
        with self._lock:
            self._unwritten.setdefault(job_id, {}).update(values)
            try:
                self._write_changes()
            except StoreError as error:
                log.warning("What becomes of jobs is kept in memory for now: %s", error)

    def _write_changes(self) -> None:
        with self._transaction() as db:
            for job_id, values in self._unwritten.items():
                columns = ", ".join(f"{column} = ?" for column in values)
                db.execute(f"UPDATE jobs SET {columns} WHERE id = ?", (*values.values(), job_id))
        self._unwritten.clear()

    def add_picture(self, job_id: str, picture: SavedPicture) -> None:
        """One more picture of the job is on disk.

        Raises:
            StoreError: the disk is full.
        """
        values = (job_id, picture.number, picture.file, picture.seed, picture.infotext)
        with self._open() as db:
            db.execute(
                "INSERT INTO pictures (job, number, file, seed, infotext) VALUES (?, ?, ?, ?, ?)", values
            )

    def get(self, job_id: str) -> Job | None:
        """The job of that id."""
        found = self._jobs("WHERE id = ?", (job_id,))
        return found[0] if found else None

    def of_owner(self, owner: str, limit: int = 50) -> list[Job]:
        """The newest jobs of `owner`, newest first."""
        return self._jobs("WHERE owner = ? ORDER BY number DESC LIMIT ?", (owner, limit))

    def queued(self) -> list[Job]:
        """Every job that waits, oldest first."""
        waiting = self._jobs("WHERE state = 'queued' ORDER BY number", ())
        return [job for job in waiting if job.state == "queued"]

    def recover(self) -> None:
        """After a start: what still says "running" was cut off, and what can't be read can't be drawn."""
        with self._open() as db:
            now = time.time()
            db.execute(
                "UPDATE jobs SET state = 'interrupted', finished = ?, error = ? WHERE state = 'running'",
                (now, CUT_OFF),
            )
            for row in db.execute("SELECT id, params FROM jobs WHERE state = 'queued'").fetchall():
                if not _readable(row["params"]):
                    db.execute(
                        "UPDATE jobs SET state = 'failed', finished = ?, error = ? WHERE id = ?",
                        (now, UNREADABLE, row["id"]),
                    )

    def _jobs(self, where: str, values: Sequence[object]) -> list[Job]:
        with self._open() as db:
            rows = db.execute(f"SELECT * FROM jobs {where}", values).fetchall()
            jobs = [_job(row, self._pictures(db, row["id"])) for row in rows]
            return [replace(job, **self._unwritten.get(job.id, {})) for job in jobs]

    @staticmethod
    def _pictures(db: sqlite3.Connection, job_id: str) -> tuple[SavedPicture, ...]:
        rows = db.execute("SELECT * FROM pictures WHERE job = ? ORDER BY number", (job_id,))
        return tuple(SavedPicture(row["number"], row["file"], row["seed"], row["infotext"]) for row in rows)


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
        connection.executescript(SCHEMA)
        connection.execute(f"PRAGMA user_version={VERSION}")
    except BaseException:
        connection.close()
        raise
    return connection


def _job(row: sqlite3.Row, pictures: tuple[SavedPicture, ...]) -> Job:
    return Job(
        id=row["id"],
        owner=row["owner"],
        state=row["state"],
        params=_params(json.loads(row["params"])),
        seed=row["seed"],
        created=row["created"],
        started=row["started"],
        finished=row["finished"],
        error=row["error"],
        pictures=pictures,
    )


def _readable(text: str) -> bool:
    try:
        GenerationParams.model_validate_json(text)
    except ValidationError:
        return False
    return True


def _params(values: dict[str, Any]) -> GenerationParams:
    """What of the params this version understands: a job of another version's is still to be listed."""
    try:
        return GenerationParams.model_validate(values)
    except ValidationError as error:
        wrong: set[object] = set()
        for problem in error.errors():
            # Without a place it is the size as a whole that is wrong.
            wrong.update(problem["loc"][:1] or ("width", "height", "batch_size"))
        return _params({name: values[name] for name in values.keys() - wrong})


def _sentence(error: sqlite3.DatabaseError, file: Path) -> str:
    code = getattr(error, "sqlite_errorcode", 0) & 0xFF  # the rest of it tells kinds of one error apart
    if code == sqlite3.SQLITE_FULL:
        return f"The disk is full: the queue can't be kept in {file}. Make room and try again."
    if code == sqlite3.SQLITE_BUSY:
        return f"another Darkroom is using {file}. Stop it, or start this one with another --data-dir."
    return f"The queue can't be kept in {file}: {error}."
