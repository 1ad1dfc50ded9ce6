"""What the API tells of jobs and their pictures."""

from __future__ import annotations

from pydantic import BaseModel

from webui.jobs.model import Job, PictureKind, SavedPicture, State
from webui.jobs.service import Jobs
from webui.jobs.telling import steps_of
from webui.params import GenerationParams, JobKind


class ImageView(BaseModel):
    """One finished picture, or a grid of a script's pictures."""

    url: str
    seed: int
    infotext: str
    kind: PictureKind


class JobView(BaseModel):
    """A job as its owner sees it. `position` counts the jobs before it; `eta` is in seconds.

    `iteration` of `n_iter` batches is being drawn, over all parts of a script. `live` is the key of a job
    whose pictures aren't kept.
    """

    id: str
    kind: JobKind
    live: str = ""
    state: State
    position: int = 0
    phase: str = ""
    step: int = 0
    steps: int
    iteration: int = 1
    n_iter: int
    share: float = 0.0
    """The part of the job that is done, 0 to 1."""
    eta: float | None = None
    images: list[ImageView]
    image_count: int
    """Finished pictures, grids aside."""
    error: str | None
    notices: list[str] = []
    seed: int
    created: float
    params: GenerationParams


def view(jobs: Jobs, job: Job, images: int | None = None) -> JobView:
    """What the API tells of `job`, with no more than its first `images` images, grids before pictures.

    Where these are limited, so are its init images.
    """
    shown, steps = job.shown, steps_of(job.params)
    known = JobView(
        id=job.id,
        kind=job.params.kind,
        live=job.live,
        state=job.state,
        step=steps if job.state == "done" else 0,
        steps=steps,
        n_iter=job.rounds,
        share=float(job.state == "done"),
        images=[_image_view(job, picture) for picture in shown[:images]],
        image_count=job.image_count,
        error=job.error,
        seed=job.seed,
        created=job.created,
        params=job.params.model_copy(update={"init_images": job.params.init_images[:images]}),
    )
    # The state is the store's: the newest progress may be older.
    told = {**jobs.progress(job), "state": job.state, "notices": jobs.notices(job)}
    return known.model_copy(update=told)


def _image_view(job: Job, picture: SavedPicture) -> ImageView:
    url = image_url(job.id, picture.number)
    return ImageView(url=url, seed=picture.seed, infotext=picture.infotext, kind=picture.kind)


def image_url(job_id: str, number: int) -> str:
    """Where a finished picture is served."""
    return f"/api/v1/jobs/{job_id}/images/{number}"
