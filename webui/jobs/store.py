"""The job store: one SQLite file that outlives the server."""

from __future__ import annotations

import sqlite3
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from webui.jobs.model import Job, SavedPicture, State
from webui.params import GenerationParams

VERSION = 1

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


class JobStore:
    """Reads and writes jobs; safe to use from any thread."""

    def __init__(self, file: Path) -> None:
        file.parent.mkdir(parents=True, exist_ok=True)
        self._lock = threading.Lock()
        self._connection = sqlite3.connect(file, check_same_thread=False, isolation_level=None)
        self._connection.row_factory = sqlite3.Row
        # With a write-ahead log a kill at any moment leaves the file whole.
        self._connection.executescript("PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL; PRAGMA foreign_keys=ON;")
        self._connection.executescript(SCHEMA)
        self._connection.execute(f"PRAGMA user_version={VERSION}")

    def close(self) -> None:
        """Close the file."""
        with self._lock:
            self._connection.close()

    @contextmanager
    def _open(self) -> Iterator[sqlite3.Connection]:
        with self._lock:
            self._connection.execute("BEGIN")
            try:
                yield self._connection
            except BaseException:
                self._connection.execute("ROLLBACK")
                raise
            self._connection.execute("COMMIT")

    def add(self, job: Job) -> None:
        """Keep a new job."""
        values = (job.id, job.owner, job.state, job.params.model_dump_json(exclude_unset=True), job.seed, job.created)
        with self._open() as db:
            db.execute("INSERT INTO jobs (id, owner, state, params, seed, created) VALUES (?, ?, ?, ?, ?, ?)", values)

    def start(self, job_id: str) -> None:
        """The job runs now."""
        with self._open() as db:
            db.execute("UPDATE jobs SET state = 'running', started = ? WHERE id = ?", (time.time(), job_id))

    def end(self, job_id: str, state: State, error: str | None = None) -> None:
        """The job is over."""
        with self._open() as db:
            db.execute(
                "UPDATE jobs SET state = ?, error = ?, finished = ? WHERE id = ?", (state, error, time.time(), job_id)
            )

    def add_picture(self, job_id: str, picture: SavedPicture) -> None:
        """One more picture of the job is on disk."""
        values = (job_id, picture.number, picture.file, picture.seed, picture.infotext)
        with self._open() as db:
            db.execute("INSERT INTO pictures (job, number, file, seed, infotext) VALUES (?, ?, ?, ?, ?)", values)

    def get(self, job_id: str) -> Job | None:
        """The job of that id."""
        found = self._jobs("WHERE id = ?", (job_id,))
        return found[0] if found else None

    def of_owner(self, owner: str, limit: int = 50) -> list[Job]:
        """The newest jobs of `owner`, newest first."""
        return self._jobs("WHERE owner = ? ORDER BY number DESC LIMIT ?", (owner, limit))

    def queued(self) -> list[Job]:
        """Every job that waits, oldest first."""
        return self._jobs("WHERE state = 'queued' ORDER BY number", ())

    def recover(self) -> int:
        """After a start: what still says "running" was cut off. Says how many there were."""
        with self._open() as db:
            cursor = db.execute(
                "UPDATE jobs SET state = 'interrupted', finished = ?, error = ? WHERE state = 'running'",
                (time.time(), "Darkroom stopped while this was being drawn."),
            )
        return cursor.rowcount

    def _jobs(self, where: str, values: Sequence[object]) -> list[Job]:
        with self._open() as db:
            rows = db.execute(f"SELECT * FROM jobs {where}", values).fetchall()
            return [_job(row, self._pictures(db, row["id"])) for row in rows]

    @staticmethod
    def _pictures(db: sqlite3.Connection, job_id: str) -> tuple[SavedPicture, ...]:
        rows = db.execute("SELECT * FROM pictures WHERE job = ? ORDER BY number", (job_id,))
        return tuple(SavedPicture(row["number"], row["file"], row["seed"], row["infotext"]) for row in rows)


def _job(row: sqlite3.Row, pictures: tuple[SavedPicture, ...]) -> Job:
    return Job(
        id=row["id"],
        owner=row["owner"],
        state=row["state"],
        params=GenerationParams.model_validate_json(row["params"]),
        seed=row["seed"],
        created=row["created"],
        started=row["started"],
        finished=row["finished"],
        error=row["error"],
        pictures=pictures,
    )
