"""What watchers are told of a job, beside its progress while it is drawn."""

from __future__ import annotations

from typing import Any

from webui.jobs.events import Channel
from webui.jobs.model import Job, SavedPicture, State
from webui.jobs.progress import Progress
from webui.params import GenerationParams


def told(picture: SavedPicture) -> dict[str, Any]:
    """The data of an `image` event."""
    return {
        "number": picture.number,
        "seed": picture.seed,
        "infotext": picture.infotext,
        "kind": picture.kind,
    }


def over(state: State, error: str | None) -> dict[str, Any]:
    """The data of an `end` event."""
    return {"state": state, "error": error}


def retold(job: Job) -> Channel:
    """The events of a job that is over, told again: each time with the same numbers.

    So a stream that broke off goes on where it was.
    """
    channel = Channel(after=int((job.finished or 0) * 1_000_000))
    for picture in job.shown:
        channel.publish("image", told(picture))
    channel.publish("end", over(job.state, job.error))
    return channel


def steps_of(params: GenerationParams) -> int:
    """About how many steps a batch takes. Extras are done in tiles, whose number isn't known before."""
    if params.train:
        return params.train.steps
    return 1 if params.extras else params.steps + params.steps_ahead


def waiting(job: Job, position: int) -> dict[str, Any]:
    """The data of a `progress` event of a job that `position` others come before."""
    rounds = [steps_of(job.params)] * max(1, job.rounds)
    return {**Progress(rounds).state(), "state": "queued", "position": position, "phase": "waiting"}
