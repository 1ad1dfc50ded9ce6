"""What watchers are told of a job, beside its progress while it is drawn."""

from __future__ import annotations

from typing import Any

from webui.jobs.model import Job, SavedPicture
from webui.jobs.progress import Progress


def told(picture: SavedPicture) -> dict[str, Any]:
    """The data of an `image` event."""
    return {
        "number": picture.number,
        "seed": picture.seed,
        "infotext": picture.infotext,
        "kind": picture.kind,
    }


def waiting(job: Job, position: int) -> dict[str, Any]:
    """The data of a `progress` event of a job that `position` others come before."""
    rounds = [job.params.steps] * max(1, job.rounds)
    return {**Progress(rounds).state(), "state": "queued", "position": position, "phase": "waiting"}
