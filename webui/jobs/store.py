"""The job store: one SQLite file that outlives the server."""

from __future__ import annotations

import logging
import sqlite3
import threading
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

from webui.jobs import kept_pictures, past_prompts
from webui.jobs.database import Database, StoreError
from webui.jobs.kept_params import read, readable
from webui.jobs.model import Job, PastPrompt, SavedPicture, State
from webui.jobs.rows import insert

log = logging.getLogger(__name__)

CUT_OFF = "Darkroom stopped while this was being drawn."
UNREADABLE = "This was queued by another version of Darkroom, whose settings this one doesn't know."

# Grids before pictures, as they are shown.
PICTURES = f"""
SELECT {kept_pictures.COLUMNS} FROM pictures WHERE job = ? AND trashed IS NULL ORDER BY kind, number LIMIT ?
"""
COUNT = "SELECT COUNT(*) FROM pictures WHERE job = ? AND trashed IS NULL AND kind = 'picture'"
NEXT_NUMBER = "SELECT COALESCE(MAX(number) + 1, 0) FROM pictures WHERE job = ?"
PICTURE = f"""
SELECT {kept_pictures.COLUMNS} FROM pictures JOIN jobs ON jobs.id = pictures.job
WHERE pictures.job = ? AND pictures.number = ? AND jobs.owner = ? AND trashed IS NULL
"""


class JobStore:
    """Reads and writes jobs; safe to use from any thread. One server at a time has the file.

    `database` is the open file, for what else is kept in it.

    Raises:
        StoreError: the file can't be opened.
    """

    def __init__(self, file: Path) -> None:
        self.database = Database(file)
        self._lock = threading.Lock()  # always taken before the database's own
        self._unwritten: dict[str, dict[str, Any]] = {}

    def close(self) -> None:
        """Close the file."""
        with self._lock:
            with suppress(StoreError):
                if self._unwritten:
                    self._write_changes()
            self.database.close()

    def add(self, job: Job) -> None:
        """Keep a new job.

        Raises:
            StoreError: the disk is full.
        """
        # All of the params and not only those given: other defaults in a later version don't change the job.
        values = {
            **{
                name: getattr(job, name)
                for name in ("id", "owner", "state", "seed", "subseed", "rounds", "created", "live")
            },
            "params": job.params.model_dump_json(),
        }
        with self.database.transaction() as db:
            past_prompts.add(db, job, insert(db, "jobs", values))

    def start(self, job_id: str) -> None:
        """The job runs now."""
        self._change(job_id, state="running", started=time.time())

    def put_back(self, job_id: str) -> None:
        """The job waits again, for what is left of it."""
        self._change(job_id, state="queued")

    def next_number(self, job_id: str) -> int:
        """The number of the job's next picture."""
        with self.database.transaction() as db:
            return db.execute(NEXT_NUMBER, (job_id,)).fetchone()[0]

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
        with self.database.transaction() as db:
            for job_id, values in self._unwritten.items():
                columns = ", ".join(f"{column} = ?" for column in values)
                db.execute(f"UPDATE jobs SET {columns} WHERE id = ?", (*values.values(), job_id))
        self._unwritten.clear()

    def remove(self, job_id: str) -> None:
        """Forget a job and its pictures; their files are left to who made them.

        Raises:
            StoreError: the disk is full.
        """
        with self._lock, self.database.transaction() as db:
            db.execute("DELETE FROM parents WHERE job = ?", (job_id,))
            db.execute("DELETE FROM jobs WHERE id = ?", (job_id,))
            self._unwritten.pop(job_id, None)

    def add_picture(self, job_id: str, picture: SavedPicture) -> None:
        """One more picture of the job is on disk.

        Raises:
            StoreError: the disk is full.
        """
        with self.database.transaction() as db:
            kept_pictures.add(db, job_id, picture)

    def get(self, job_id: str, pictures: int | None = None) -> Job | None:
        """The job of that id, with no more than the first `pictures` of its pictures."""
        found = self._jobs("WHERE id = ?", (job_id,), pictures)
        return found[0] if found else None

    def of_owner(self, owner: str, limit: int = 50, pictures: int | None = None) -> list[Job]:
        """The newest jobs of `owner`, newest first, with no more than the first `pictures` pictures of each.

        Live ones are among them for as long as they aren't over.
        """
        over = "live != '' AND state NOT IN ('queued', 'running')"
        where = f"WHERE owner = ? AND NOT ({over}) ORDER BY number DESC LIMIT ?"
        return self._jobs(where, (owner, limit), pictures)

    def picture(self, owner: str, job_id: str, number: int) -> SavedPicture | None:
        """One picture of the owner's, unless it is in the trash."""
        with self.database.transaction() as db:
            row = db.execute(PICTURE, (job_id, number, owner)).fetchone()
        return kept_pictures.read(row) if row else None

    def queued(self) -> list[Job]:
        """Every job that waits, oldest first."""
        waiting = self._jobs("WHERE state = 'queued' ORDER BY number", ())
        return [job for job in waiting if job.state == "queued"]

    def live(self) -> list[Job]:
        """Every live job that there still is, oldest first."""
        return self._jobs("WHERE live != '' ORDER BY number", ())

    def training(self, limit: int = 500) -> list[Job]:
        """The newest jobs that train, whoever's they are, newest first, without their pictures."""
        # The text is looked through, and not read as JSON: there may be many thousands of other jobs.
        where = "WHERE params LIKE '%\"train\":{%' ORDER BY number DESC LIMIT ?"
        return self._jobs(where, (limit,), 0)

    def prompts(self, owner: str, q: str, limit: int) -> list[PastPrompt]:
        """What `owner` has drawn, each once, newest first; only what holds `q`, in any letter case."""
        with self.database.transaction() as db:
            return past_prompts.found(db, owner, q, limit)

    def recover(self) -> None:
        """After a start: what still says "running" was cut off, and what can't be read can't be drawn."""
        with self.database.transaction() as db:
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

    def _jobs(self, where: str, values: Sequence[object], pictures: int | None = None) -> list[Job]:
        with self._lock, self.database.transaction() as db:
            jobs = [
                _job(db, row, pictures)
                for row in db.execute(f"SELECT * FROM jobs {where}", values).fetchall()
            ]
            return [replace(job, **self._unwritten.get(job.id, {})) for job in jobs]


def _job(db: sqlite3.Connection, row: sqlite3.Row, most: int | None) -> Job:
    params = read(row["params"])
    found = db.execute(PICTURES, (row["id"], -1 if most is None else most))
    pictures = sorted((kept_pictures.read(row) for row in found), key=lambda picture: picture.number)
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
        pictures=tuple(pictures),
        image_count=db.execute(COUNT, (row["id"],)).fetchone()[0],
        live=row["live"],
    )
