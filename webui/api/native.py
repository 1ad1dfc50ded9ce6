"""The native API: jobs and their events, each owner's own."""

from collections.abc import AsyncIterator
from contextlib import aclosing
from typing import Annotated, Any

from fastapi import APIRouter, Depends, FastAPI, Header, Path, Query, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from fastapi.sse import EventSourceResponse, ServerSentEvent
from pydantic import BaseModel

from webui import __version__
from webui.api.bodies import ANY_SIZE, limited
from webui.api.job_views import JobView, image_url, view
from webui.api.saved_files import SavedFile, saved_picture
from webui.catalog.catalog import Catalog
from webui.guard import owner_of
from webui.jobs.events import Event
from webui.jobs.model import Job
from webui.jobs.outputs import Outputs
from webui.jobs.service import Jobs, QueueFullError, UnknownJobError
from webui.jobs.store import StoreError
from webui.jobs.worker import Worker
from webui.params import GenerationParams, InvalidParamsError

MAX_BODY = 2**20
MAX_JOB = 96 * 2**20


class Created(BaseModel):
    """A job that has been queued."""

    id: str


class CheckpointView(BaseModel):
    """A checkpoint. `problem` says why it can't be used; `defaults` are its own settings."""

    name: str
    problem: str | None
    defaults: dict[str, Any]
    examples: list[str]


Owner = Annotated[str, Depends(owner_of)]


def build_router(jobs: Jobs, outputs: Outputs, worker: Worker, catalog: Catalog) -> APIRouter:
    """All routes, over the services they call."""
    router = APIRouter(max_body_size=MAX_BODY)

    @router.get("/api/v1/checkpoints", tags=["models"])
    def checkpoints() -> list[CheckpointView]:  # pyright: ignore[reportUnusedFunction]
        """What lies in the checkpoint folders now."""
        catalog.refresh()
        return [
            CheckpointView(name=c.name, problem=c.problem, defaults=c.defaults, examples=list(c.examples))
            for c in catalog.checkpoints()
        ]

    _add_submit_route(router, jobs)
    _add_job_routes(router, jobs)
    _add_stream_routes(router, jobs, outputs)

    @router.get("/healthz", tags=["server"])
    def healthz() -> dict[str, str]:  # pyright: ignore[reportUnusedFunction]
        """Whether the server lives, and how its engine is: starting, ready or failed."""
        status = worker.status
        return {"status": "ok", "version": __version__, "engine": status.state, "detail": status.detail}

    return router


def _add_submit_route(router: APIRouter, jobs: Jobs) -> None:
    # With pictures in it, a job is far larger than anything else that is sent here.
    large = APIRouter(route_class=limited(MAX_JOB, "The job", MAX_BODY), max_body_size=ANY_SIZE)

    @large.post("/api/v1/jobs", status_code=201, tags=["jobs"])
    def create(  # pyright: ignore[reportUnusedFunction]
        params: GenerationParams, owner: Owner, live: Annotated[str, Query(max_length=100)] = ""
    ) -> Created:
        """Queue a job. Fields left out follow the checkpoint; a seed of -1 asks for a random one.

        A `live` job takes the place of the waiting one with the same key; its pictures are not kept.
        """
        return Created(id=jobs.submit(owner, params, live).id)

    router.include_router(large)


def _add_job_routes(router: APIRouter, jobs: Jobs) -> None:
    @router.get("/api/v1/jobs", tags=["jobs"])
    def listed(owner: Owner, limit: int = 50) -> list[JobView]:  # pyright: ignore[reportUnusedFunction]
        """One's own jobs, newest first; of their images only the first, and of their init images."""
        return [view(jobs, job, images=1) for job in jobs.listed(owner, max(1, min(limit, 500)))]

    @router.get("/api/v1/jobs/{job_id}", tags=["jobs"])
    def get(job_id: str, owner: Owner) -> JobView:  # pyright: ignore[reportUnusedFunction]
        """One job."""
        return view(jobs, jobs.get(owner, job_id))

    @router.delete("/api/v1/jobs/{job_id}", tags=["jobs"])
    def interrupt(job_id: str, owner: Owner) -> JobView:  # pyright: ignore[reportUnusedFunction]
        """Interrupt the job, or take it out of the queue. What is finished stays."""
        return view(jobs, jobs.interrupt(owner, job_id))

    @router.post("/api/v1/jobs/{job_id}/skip", tags=["jobs"])
    def skip(job_id: str, owner: Owner) -> JobView:  # pyright: ignore[reportUnusedFunction]
        """Leave the batch that is being drawn and go on with the next."""
        return view(jobs, jobs.skip(owner, job_id))

    @router.post("/api/v1/jobs/{job_id}/run-again", status_code=201, tags=["jobs"])
    def run_again(job_id: str, owner: Owner) -> Created:  # pyright: ignore[reportUnusedFunction]
        """Queue a new job that draws the same pictures."""
        return Created(id=jobs.run_again(owner, job_id).id)


def _add_stream_routes(router: APIRouter, jobs: Jobs, outputs: Outputs) -> None:
    # The job is looked up before the stream begins, so that an unknown one is a 404 and not an empty stream.
    def own_job(job_id: str, owner: Owner) -> Job:
        return jobs.get(owner, job_id, pictures=0)

    @router.get("/api/v1/jobs/{job_id}/events", response_class=EventSourceResponse, tags=["jobs"])
    async def events(  # pyright: ignore[reportUnusedFunction]
        job: Annotated[Job, Depends(own_job)], last_event_id: Annotated[int, Header()] = 0
    ) -> AsyncIterator[ServerSentEvent]:
        """What happens to the job: progress, preview, notice, image and end. Goes on after Last-Event-ID."""
        async with aclosing(jobs.channel(job).watch(last_event_id)) as watched:
            async for event in watched:
                yield ServerSentEvent(data=_event_data(job, event), event=event.kind, id=str(event.id))

    @router.get("/api/v1/jobs/{job_id}/images/{number}", tags=["jobs"])
    def image(  # pyright: ignore[reportUnusedFunction]
        job_id: str, number: Annotated[int, Path(ge=0, le=999_999)], owner: Owner
    ) -> SavedFile:
        """A finished picture or grid: the file as saved, its parameters inside."""
        picture = jobs.picture(owner, job_id, number)
        return saved_picture(outputs.path(picture.file) if picture else None)


def _event_data(job: Job, event: Event) -> dict[str, Any]:
    if event.kind == "image":
        return {**event.data, "url": image_url(job.id, event.data["number"])}
    return event.data


def _told(problem: dict[str, Any]) -> dict[str, Any]:
    unknown = problem["type"] == "extra_forbidden"
    message = f'There is no field "{problem["loc"][-1]}".' if unknown else problem["msg"]
    return {"type": problem["type"], "loc": problem["loc"], "msg": message}


def add_error_answers(app: FastAPI) -> None:
    """What the services raise, as HTTP answers."""

    @app.exception_handler(RequestValidationError)
    def malformed(_: Request, error: RequestValidationError) -> JSONResponse:  # pyright: ignore[reportUnusedFunction]
        # Without what was given: it may be a megabyte, or NaN, which JSON can't hold.
        told = [_told(problem) for problem in error.errors()]
        return JSONResponse({"detail": told}, 422)

    @app.exception_handler(InvalidParamsError)
    def invalid(_: Request, error: InvalidParamsError) -> JSONResponse:  # pyright: ignore[reportUnusedFunction]
        where = {"type": "value_error", "loc": ["body", *error.field.split(".")], "msg": str(error)}
        return JSONResponse({"detail": [where]}, 422)

    @app.exception_handler(QueueFullError)
    def full(_: Request, error: QueueFullError) -> JSONResponse:  # pyright: ignore[reportUnusedFunction]
        return JSONResponse({"detail": str(error)}, 429)

    @app.exception_handler(UnknownJobError)
    def unknown(_: Request, error: UnknownJobError) -> JSONResponse:  # pyright: ignore[reportUnusedFunction]
        return JSONResponse({"detail": f"You have no job {error.args[0]}."}, 404)

    @app.exception_handler(StoreError)
    def unwritable(_: Request, error: StoreError) -> JSONResponse:  # pyright: ignore[reportUnusedFunction]
        return JSONResponse({"detail": str(error)}, 507)
