"""What people have drawn with, each prompt once, so that it is quickly found among 100,000 jobs."""

from __future__ import annotations

import sqlite3

from webui.jobs.model import Job, PastPrompt
from webui.jobs.rows import folded

ADD = """
INSERT INTO prompts (owner, prompt, negative_prompt, created, last, said) VALUES (?, ?, ?, ?, ?, ?)
ON CONFLICT (owner, prompt, negative_prompt) DO UPDATE SET
    created = max(created, excluded.created), last = max(last, excluded.last)
"""
FIND = """
SELECT prompt, negative_prompt, created FROM prompts
WHERE owner = ? AND instr(said, ?) ORDER BY last DESC LIMIT ?
"""
ALL = """
SELECT owner, json_extract(params, '$.prompt') AS prompt,
    json_extract(params, '$.negative_prompt') AS negative_prompt, MAX(created) AS created,
    MAX(number) AS number
FROM jobs WHERE live = '' GROUP BY 1, 2, 3
"""


def add(db: sqlite3.Connection, job: Job, number: int) -> None:
    """Remember what `job`, the store's number `number`, draws with; nothing of live jobs."""
    if not job.live:
        _add(db, job.owner, job.params.prompt, job.params.negative_prompt, job.created, number)


def gather(db: sqlite3.Connection) -> None:
    """Remember it of all jobs that there are."""
    for row in db.execute(ALL).fetchall():
        prompts = row["prompt"] or "", row["negative_prompt"] or ""
        _add(db, row["owner"], *prompts, row["created"], row["number"])


def _add(db: sqlite3.Connection, owner: str, prompt: str, negative: str, created: float, number: int) -> None:
    if prompt or negative:
        said = folded(f"{prompt}\n{negative}")
        db.execute(ADD, (owner, prompt, negative, created, number, said))


def found(db: sqlite3.Connection, owner: str, q: str, limit: int) -> list[PastPrompt]:
    """The owner's prompts that hold `q`, in any letter case, newest first."""
    rows = db.execute(FIND, (owner, folded(q), limit)).fetchall()
    return [PastPrompt(row["prompt"], row["negative_prompt"], row["created"]) for row in rows]
