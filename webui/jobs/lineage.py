"""What a picture was made from, and what was made from it."""

from __future__ import annotations

import sqlite3
from collections import deque
from dataclasses import dataclass
from typing import Literal

from webui.inputs.names import Finished
from webui.jobs.history_entries import Entry, named
from webui.jobs.kept_params import read
from webui.params import GenerationParams
from webui.params.scripts import SDUpscale

EACH_WAY = 100
"""How many ancestors are told, and how many descendants."""

Way = Literal["img2img", "inpaint", "hires", "upscale", "variation"]

NEIGHBOURS = {
    "parents": "SELECT parent_job, parent_number FROM parents WHERE job = ? AND number = ? LIMIT ?",
    "children": "SELECT job, number FROM parents WHERE parent_job = ? AND parent_number = ? LIMIT ?",
}


@dataclass(frozen=True)
class Edge:
    """One picture became another; both are names."""

    parent: str
    child: str
    way: Way


@dataclass(frozen=True)
class Lineage:
    """A picture with its ancestors and its descendants by name, oldest first. None: it has been deleted.

    `more`: there are others beyond those that are told.
    """

    pictures: dict[str, Entry | None]
    edges: tuple[Edge, ...]
    more: bool


def lineage_of(db: sqlite3.Connection, entry: Entry) -> Lineage:
    """The line of descent in which `entry` stands."""
    start = Finished(entry.job, entry.picture.number)
    up, more_up = _walk(db, start, "parents")
    down, more_down = _walk(db, start, "children")
    pairs = [(parent, child) for child, parent in up] + down
    names = list(dict.fromkeys(str(name) for name in (start, *(name for pair in pairs for name in pair))))
    there = {known.id: known for known in named(db, entry.owner, names)}
    oldest_first = sorted(there.values(), key=lambda known: known.picture.created)
    gone = {name: None for name in names if name not in there}
    edges = tuple(Edge(str(parent), str(child), _way(db, child.job)) for parent, child in pairs)
    return Lineage(gone | {known.id: known for known in oldest_first}, edges, more_up or more_down)


def _walk(
    db: sqlite3.Connection, start: Finished, direction: Literal["parents", "children"]
) -> tuple[list[tuple[Finished, Finished]], bool]:
    """Each step from `start` on, nearest first, and whether there are more than EACH_WAY pictures."""
    known, waiting, more = {start}, deque([start]), False
    steps: list[tuple[Finished, Finished]] = []
    while waiting:
        name = waiting.popleft()
        for job, number in db.execute(NEIGHBOURS[direction], (name.job, name.number, EACH_WAY + 1)):
            other = Finished(job, number)
            if other not in known:
                if len(known) > EACH_WAY:
                    more = True
                    continue
                known.add(other)
                waiting.append(other)
            steps.append((name, other))
    return steps, more


def _way(db: sqlite3.Connection, job_id: str) -> Way:
    row = db.execute("SELECT params FROM jobs WHERE id = ?", (job_id,)).fetchone()
    return way_of(read(row["params"])) if row else "img2img"


def way_of(params: GenerationParams) -> Way:
    """What was done to the pictures that a job started from."""
    if params.extras or (params.init_images and isinstance(params.script, SDUpscale)):
        return "upscale"
    if params.init_images:
        return "inpaint" if params.masked else "img2img"
    return "hires" if params.firstpass_image else "variation"
