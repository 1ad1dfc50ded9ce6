"""The tables of the job store, and how those of earlier versions become them."""

from __future__ import annotations

import sqlite3

VERSION = 2

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
    rounds INTEGER NOT NULL DEFAULT 0
);
CREATE INDEX IF NOT EXISTS jobs_by_owner ON jobs (owner, number);
CREATE INDEX IF NOT EXISTS jobs_by_state ON jobs (state, number);
CREATE TABLE IF NOT EXISTS pictures (
    job TEXT NOT NULL REFERENCES jobs (id) ON DELETE CASCADE,
    number INTEGER NOT NULL,
    file TEXT NOT NULL,
    seed INTEGER NOT NULL,
    infotext TEXT NOT NULL,
    kind TEXT NOT NULL DEFAULT 'picture',
    PRIMARY KEY (job, number)
);
"""


LATER_COLUMNS = {
    "jobs": {"subseed": "INTEGER NOT NULL DEFAULT 0", "rounds": "INTEGER NOT NULL DEFAULT 0"},
    "pictures": {"kind": "TEXT NOT NULL DEFAULT 'picture'"},
}
"""What the tables of earlier versions lack."""


def prepare(connection: sqlite3.Connection) -> None:
    """Make the tables, or add to those of an earlier version what they lack."""
    connection.executescript(SCHEMA)
    for table, columns in LATER_COLUMNS.items():
        there = {row["name"] for row in connection.execute(f"PRAGMA table_info({table})")}
        for column in columns.keys() - there:
            connection.execute(f"ALTER TABLE {table} ADD COLUMN {column} {columns[column]}")
    connection.execute(f"PRAGMA user_version={VERSION}")
