"""The tables of the job store, and how those of earlier versions become them."""

from __future__ import annotations

import logging
import sqlite3

from webui.jobs import kept_pictures, past_prompts

log = logging.getLogger(__name__)

VERSION = 3

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
    error TEXT,
    subseed INTEGER NOT NULL DEFAULT 0,
    rounds INTEGER NOT NULL DEFAULT 0,
    live TEXT NOT NULL DEFAULT ''
);
CREATE INDEX IF NOT EXISTS jobs_by_owner ON jobs (owner, number);
CREATE INDEX IF NOT EXISTS jobs_by_state ON jobs (state, number);
CREATE INDEX IF NOT EXISTS jobs_live ON jobs (number) WHERE live != '';

-- `owner` is whose history a picture is in; those of live jobs are in nobody's. `trashed` is when it was put
-- into the trash. `seen`: whether a thumbnail has been tried.
CREATE TABLE IF NOT EXISTS pictures (
    id INTEGER PRIMARY KEY,
    job TEXT NOT NULL REFERENCES jobs (id) ON DELETE CASCADE,
    number INTEGER NOT NULL,
    file TEXT NOT NULL,
    seed INTEGER NOT NULL,
    kind TEXT NOT NULL DEFAULT 'picture',
    width INTEGER NOT NULL DEFAULT 0,
    height INTEGER NOT NULL DEFAULT 0,
    created REAL NOT NULL DEFAULT 0,
    owner TEXT,
    checkpoint TEXT NOT NULL DEFAULT '',
    favourite INTEGER NOT NULL DEFAULT 0,
    trashed REAL,
    seen INTEGER NOT NULL DEFAULT 0,
    infotext TEXT NOT NULL,
    UNIQUE (job, number)
);
-- All that a page of the history is chosen by, so that its rows alone are read from the table.
CREATE INDEX IF NOT EXISTS pictures_in_history
    ON pictures (owner, trashed, created, id, kind, favourite, checkpoint);
CREATE INDEX IF NOT EXISTS pictures_of_job ON pictures (job, trashed, kind, number);
CREATE INDEX IF NOT EXISTS pictures_by_seed ON pictures (owner, seed);
CREATE INDEX IF NOT EXISTS pictures_unseen ON pictures (id) WHERE seen = 0 AND owner IS NOT NULL;

-- What is searched: all that a picture was made from, letter case folded.
CREATE TABLE IF NOT EXISTS texts (
    picture INTEGER PRIMARY KEY REFERENCES pictures (id) ON DELETE CASCADE,
    said TEXT NOT NULL
);

-- What a picture was made from. Pictures that are gone stay in their descendants' line.
CREATE TABLE IF NOT EXISTS parents (
    job TEXT NOT NULL,
    number INTEGER NOT NULL,
    place INTEGER NOT NULL,
    parent_job TEXT NOT NULL,
    parent_number INTEGER NOT NULL,
    PRIMARY KEY (job, number, place)
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS parents_by_parent ON parents (parent_job, parent_number);

-- What was drawn with, each once. `last` is the number of the newest job; `said` is what is searched.
CREATE TABLE IF NOT EXISTS prompts (
    owner TEXT NOT NULL,
    prompt TEXT NOT NULL,
    negative_prompt TEXT NOT NULL,
    created REAL NOT NULL,
    last INTEGER NOT NULL,
    said TEXT NOT NULL,
    PRIMARY KEY (owner, prompt, negative_prompt)
);
CREATE INDEX IF NOT EXISTS prompts_by_owner ON prompts (owner, last);
"""

LATER_COLUMNS = {
    "jobs": {
        "subseed": "INTEGER NOT NULL DEFAULT 0",
        "rounds": "INTEGER NOT NULL DEFAULT 0",
        "live": "TEXT NOT NULL DEFAULT ''",
    },
    "pictures": {"kind": "TEXT NOT NULL DEFAULT 'picture'"},
}
"""What the tables of earlier versions lack; their pictures have no number of their own besides."""


def prepare(connection: sqlite3.Connection) -> None:
    """Make the tables, or make those of an earlier version into them: all of it or nothing."""
    version: int = connection.execute("PRAGMA user_version").fetchone()[0]
    connection.execute("BEGIN IMMEDIATE")
    try:
        if 0 < version < VERSION:
            log.info("The job store is brought to this version; with many pictures this takes a moment.")
        _add_columns(connection)
        old = _put_aside(connection)
        for statement in SCHEMA.split(";\n"):
            connection.execute(statement)
        if old:
            _copy(connection)
        if version < VERSION:
            kept_pictures.adopt(connection)
            past_prompts.gather(connection)
            connection.execute(f"PRAGMA user_version={VERSION}")
        connection.execute("COMMIT")
    except BaseException:
        connection.execute("ROLLBACK")
        raise


def _columns(connection: sqlite3.Connection, table: str) -> set[str]:
    return {row["name"] for row in connection.execute(f"PRAGMA table_info({table})")}


def _add_columns(connection: sqlite3.Connection) -> None:
    for table, columns in LATER_COLUMNS.items():
        there = _columns(connection, table)
        for column in columns.keys() - there if there else ():
            connection.execute(f"ALTER TABLE {table} ADD COLUMN {column} {columns[column]}")


def _put_aside(connection: sqlite3.Connection) -> bool:
    """Whether there was a table of pictures that has to be made anew: SQLite can't add a primary key."""
    there = _columns(connection, "pictures")
    old = bool(there) and "id" not in there
    if old:
        connection.execute("ALTER TABLE pictures RENAME TO old_pictures")
    return old


def _copy(connection: sqlite3.Connection) -> None:
    columns = "job, number, file, seed, infotext, kind"
    connection.execute(f"INSERT INTO pictures ({columns}) SELECT {columns} FROM old_pictures ORDER BY rowid")
    connection.execute("DROP TABLE old_pictures")
