"""The job store: one SQLite file that outlives the server."""

from __future__ import annotations

import logging
import sqlite3
import threading
import time
from collections.abc import Generator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from webui.jobs.kept_params import read, readable
from webui.jobs.model import Job, PastPrompt, SavedPicture, State
from webui.jobs.schema import prepare

log = logging.getLogger(__name__)

CUT_OFF = "Darkroom stopped while this was being drawn."
UNREADABLE = "This was queued by another version of Darkroom, whose settings this one doesn't know."

PROMPTS = """
SELECT MAX(created) AS created, json_extract(params, '$.prompt') AS prompt,
    json_extract(params, '$.negative_prompt') AS negative_prompt
FROM jobs
WHERE owner = ? AND (instr(folded(prompt), ?) OR instr(folded(negative_prompt), ?))
GROUP BY 2, 3 HAVING prompt != '' OR negative_prompt != ''
ORDER BY MAX(number) DESC LIMIT ?
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
        values = {
            **{
                name: getattr(job, name)
                for name in ("id", "owner", "state", "seed", "subseed", "rounds", "created")
            },
            "params": job.params.model_dump_json(),
        }
        with self._open() as db:
            _insert(db, "jobs", values)

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
        with self._open() as db:
            _insert(db, "pictures", {"job": job_id, **asdict(picture)})

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

    def prompts(self, owner: str, q: str, limit: int) -> list[PastPrompt]:
        """What `owner` has drawn, each once, newest first; only what holds `q`, in any letter case."""
        held = q.casefold()
        with self._open() as db:
            rows = db.execute(PROMPTS, (owner, held, held, limit)).fetchall()
        return [PastPrompt(row["prompt"], row["negative_prompt"], row["created"]) for row in rows]

    def recover(self) -> None:
        """After a start: what still says "running" was cut off, and what can't be read can't be drawn."""
        with self._open() as db:
            now = time.time()
            db.execute(
                "UPDATE jobs SET state = 'interrupted', finished = ?, error = ? WHERE state = 'running'",
                (now, CUT_OFF),
            )
            for row in db.execute("SELECT id, params FROM jobs WHERE state = 'queued'").fetchall():
                if not readable(row["params"]):
                    db.execute(
                        "UPDATE jobs SET state = 'failed', finished = ?, error = ? WHERE id = ?",
                        (now, UNREADABLE, row["id"]),
                    )

    def _jobs(self, where: str, values: Sequence[object]) -> list[Job]:
        pictures: dict[str, list[SavedPicture]] = {}
        with self._open() as db:
            rows = db.execute(f"SELECT * FROM jobs {where}", values).fetchall()
            of_these = (
                f"SELECT * FROM pictures WHERE job IN (SELECT id FROM jobs {where}) ORDER BY job, number"
            )
            for row in db.execute(of_these, values):
                pictures.setdefault(row["job"], []).append(_picture(row))
            jobs = [_job(row, tuple(pictures.get(row["id"], ()))) for row in rows]
            return [replace(job, **self._unwritten.get(job.id, {})) for job in jobs]


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
        connection.create_function("folded", 1, _folded, deterministic=True)
    except BaseException:
        connection.close()
        raise
    return connection


def _folded(text: str | None) -> str:
    """Alike for texts that differ in letter case only; SQLite itself knows the case of ASCII alone."""
    return (text or "").casefold()


def _insert(db: sqlite3.Connection, table: str, values: Mapping[str, object]) -> None:
    places = ", ".join("?" * len(values))
    db.execute(f"INSERT INTO {table} ({', '.join(values)}) VALUES ({places})", tuple(values.values()))


def _picture(row: sqlite3.Row) -> SavedPicture:
    return SavedPicture(row["number"], row["file"], row["seed"], row["infotext"], row["kind"])


def _job(row: sqlite3.Row, pictures: tuple[SavedPicture, ...]) -> Job:
    params = read(row["params"])
    return Job(
        id=row["id"],
        owner=row["owner"],
        state=row["state"],
        params=params,
        seed=row["seed"],
        subseed=row["subseed"],
        rounds=row["rounds"] or params.n_iter,
        created=row["created"],
        started=row["started"],
        finished=row["finished"],
        error=row["error"],
        pictures=pictures,
    )


def _sentence(error: sqlite3.DatabaseError, file: Path) -> str:
    code = getattr(error, "sqlite_errorcode", 0) & 0xFF  # the rest of it tells kinds of one error apart
    if code == sqlite3.SQLITE_FULL:
        return f"The disk is full: the queue can't be kept in {file}. Make room and try again."
    if code == sqlite3.SQLITE_BUSY:
        return f"another Darkroom is using {file}. Stop it, or start this one with another --data-dir."
    return f"The queue can't be kept in {file}: {error}."
