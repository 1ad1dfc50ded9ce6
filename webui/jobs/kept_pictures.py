"""Pictures as the job store keeps them, and what about them the history is searched by."""

from __future__ import annotations

import sqlite3
import time
from typing import Any

from webui.infotext.pairs import split
from webui.inputs.names import Finished, read_name
from webui.jobs.model import SavedPicture
from webui.jobs.rows import folded, insert

JOB = """
SELECT owner, live, json_extract(params, '$.prompt') AS prompt,
    json_extract(params, '$.negative_prompt') AS negative_prompt,
    json_extract(params, '$.subseed_strength') > 0 AND json_extract(params, '$.script') IS NULL
        AND json_array_length(params, '$.init_images') = 0
        AND json_extract(params, '$.firstpass_image') = '' AS varies
FROM jobs WHERE id = ?
"""
COLUMNS = """
pictures.*, (
    SELECT group_concat(parent_job || '/' || parent_number, ' ') FROM parents
    WHERE parents.job = pictures.job AND parents.number = pictures.number
) AS parents
"""
"""What `read` wants of each picture."""

# What can have been varied was drawn from the same prompt, without a variation of its own. Many pictures may
# have the same seed: only the newest are looked at.
VARIED = """
SELECT seeded.job, seeded.number
FROM (
    SELECT job, number FROM pictures
    WHERE owner = ? AND seed = ? AND job != ? AND kind = 'picture' ORDER BY id DESC LIMIT 50
) AS seeded
JOIN jobs ON jobs.id = seeded.job
WHERE json_extract(jobs.params, '$.subseed_strength') = 0 AND json_extract(jobs.params, '$.prompt') = ?
LIMIT 1
"""

UNKNOWN = """
SELECT pictures.id, pictures.infotext, jobs.id AS job, jobs.owner,
    json_extract(jobs.params, '$.prompt') AS prompt,
    json_extract(jobs.params, '$.negative_prompt') AS negative_prompt,
    COALESCE(jobs.finished, jobs.started, jobs.created) AS ended
FROM pictures JOIN jobs ON jobs.id = pictures.job LEFT JOIN texts ON texts.picture = pictures.id
WHERE texts.picture IS NULL AND jobs.live = '' AND pictures.id > ? ORDER BY pictures.id LIMIT 1000
"""


def add(db: sqlite3.Connection, job_id: str, picture: SavedPicture) -> None:
    """Keep a picture of that job; unless the job is live, it is in its owner's history from now on."""
    job: sqlite3.Row | None = db.execute(JOB, (job_id,)).fetchone()
    values: dict[str, Any] = {
        name: getattr(picture, name)
        for name in ("number", "file", "seed", "infotext", "kind", "width", "height")
    }
    values |= {"job": job_id, "created": picture.created or time.time()}
    if job is None or job["live"]:
        insert(db, "pictures", values)
        return
    checkpoint, said = _told(picture.infotext, job)
    number = insert(db, "pictures", {**values, "owner": job["owner"], "checkpoint": checkpoint})
    insert(db, "texts", {"picture": number, "said": said})
    parents = [named for name in picture.parents if isinstance(named := read_name(name), Finished)]
    if not parents and job["varies"] and picture.kind == "picture":
        parents = _varied(db, job, job_id, picture.seed)
    for place, parent in enumerate(dict.fromkeys(parents)):
        child = {"job": job_id, "number": picture.number, "place": place}
        insert(db, "parents", {**child, "parent_job": parent.job, "parent_number": parent.number})


def _varied(db: sqlite3.Connection, job: sqlite3.Row, job_id: str, seed: int) -> list[Finished]:
    """The picture that one of `job` is a variation of, if there is one."""
    rows = db.execute(VARIED, (job["owner"], seed, job_id, job["prompt"]))
    return [Finished(row["job"], row["number"]) for row in rows]


def read(row: sqlite3.Row) -> SavedPicture:
    """A picture of a row of COLUMNS."""
    return SavedPicture(
        number=row["number"],
        file=row["file"],
        seed=row["seed"],
        infotext=row["infotext"],
        kind=row["kind"],
        width=row["width"],
        height=row["height"],
        created=row["created"],
        parents=tuple((row["parents"] or "").split()),
    )


def adopt(db: sqlite3.Connection) -> None:
    """Take pictures of versions that had no history into it, with their jobs' times."""
    last = 0
    while rows := db.execute(UNKNOWN, (last,)).fetchall():
        for row in rows:
            checkpoint, said = _told(row["infotext"], row)
            db.execute(
                "UPDATE pictures SET owner = ?, created = ?, checkpoint = ? WHERE id = ?",
                (row["owner"], row["ended"], checkpoint, row["id"]),
            )
            insert(db, "texts", {"picture": row["id"], "said": said})
        last = rows[-1]["id"]


def _told(infotext: str, job: sqlite3.Row) -> tuple[str, str]:
    """The checkpoint, and all that can be searched for: the infotext and the prompts as they were written."""
    written = [text for text in (job["prompt"], job["negative_prompt"]) if text and text not in infotext]
    return split(infotext).pairs.get("Model", ""), folded("\n".join((infotext, *written)))
