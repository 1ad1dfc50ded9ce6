"""The API for downloading models: into the folders of this server, so that all who may come in share it."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, FastAPI, Query, Request
from fastapi.responses import JSONResponse
from pydantic import BaseModel, ConfigDict, Field

from webui.catalog.curated import read_curated
from webui.catalog.downloads.model import (
    BusyError,
    Download,
    DownloadError,
    NoRoomError,
    State,
    UnknownDownloadError,
)
from webui.catalog.downloads.service import Downloads
from webui.catalog.entry import Family, Kind

MAX_SOURCE = 4000
MAX_BODY = 2**16


class NewDownload(BaseModel):
    """What to download. `source`: org/name[@revision][:file] on the Hugging Face Hub, or an https address."""

    model_config = ConfigDict(extra="forbid")

    source: str = Field(min_length=1, max_length=MAX_SOURCE)
    kind: Kind = "checkpoint"
    name: str = Field(
        default="", max_length=200, description="A file name of one's own; a tokenizer gets none."
    )
    token: str = Field(default="", max_length=1000, description="A bearer token for where it comes from.")
    allow_pickle: bool = Field(default=False, description="Also .ckpt, .pt and such, which can hold code.")
    variant: str = Field(default="", max_length=20, description="Of a repository's weights, such as fp16.")
    sha256: str = Field(default="", max_length=64, description="The file's, in hex, to be checked.")


class DownloadView(BaseModel):
    """How a download stands. `done` and `total` are bytes, `speed` bytes a second; `total` may be unknown."""

    id: str
    source: str
    kind: Kind
    name: str
    state: State
    done: int
    total: int | None
    speed: float
    sha256: str | None
    error: str | None
    created: float


class CandidateView(BaseModel):
    """One thing that a source offers; `source` and `variant` ask for it. `size` in bytes, if known."""

    source: str
    file: str
    folder: bool
    variant: str
    size: int | None


class CuratedView(BaseModel):
    """A well-known model. `source`, `variant`, `kind` and `save_as` (as the name) ask for it."""

    name: str
    purpose: str
    kind: Kind
    family: Family
    size: int
    licence: str
    licence_url: str
    repo: str
    source: str
    variant: str
    save_as: str


def view(download: Download) -> DownloadView:
    """What the API tells of `download`."""
    return DownloadView.model_validate(download, from_attributes=True)


def build_router(downloads: Downloads) -> APIRouter:
    """All routes, over the service that they call."""
    router = APIRouter(tags=["models"], max_body_size=MAX_BODY)
    _add_list_routes(router, downloads)

    @router.post("/api/v1/downloads", status_code=201)
    def start(wish: NewDownload) -> DownloadView:  # pyright: ignore[reportUnusedFunction]
        """Queue a download. One that broke off goes on where it was."""
        return view(downloads.start(**wish.model_dump()))

    @router.delete("/api/v1/downloads/{download_id}")
    def cancel(download_id: str) -> DownloadView:  # pyright: ignore[reportUnusedFunction]
        """Stop it and delete what has come. One that has ended leaves the list; a finished model stays."""
        return view(downloads.cancel(download_id))

    @router.post("/api/v1/downloads/{download_id}/retry")
    def retry(download_id: str) -> DownloadView:  # pyright: ignore[reportUnusedFunction]
        """Try one again that failed or was cancelled."""
        return view(downloads.retry(download_id))

    return router


def _add_list_routes(router: APIRouter, downloads: Downloads) -> None:
    @router.get("/api/v1/downloads")
    def listed() -> list[DownloadView]:  # pyright: ignore[reportUnusedFunction]
        """All downloads since the server started, the newest first."""
        return [view(download) for download in downloads.listed()]

    @router.get("/api/v1/downloads/candidates")
    def candidates(  # pyright: ignore[reportUnusedFunction]
        source: Annotated[str, Query(min_length=1, max_length=MAX_SOURCE)],
        kind: Kind = "checkpoint",
        allow_pickle: bool = False,
    ) -> list[CandidateView]:
        """What a source has of that kind to choose from; all kinds of models are alike in this."""
        offered = downloads.files(source, kind, allow_pickle=allow_pickle)
        return [CandidateView.model_validate(one, from_attributes=True) for one in offered]

    @router.get("/api/v1/curated")
    def curated() -> list[CuratedView]:  # pyright: ignore[reportUnusedFunction]
        """Well-known models under open licences."""
        return [CuratedView.model_validate(one, from_attributes=True) for one in read_curated()]


def add_error_answers(app: FastAPI) -> None:
    """What the service raises, as HTTP answers."""

    @app.exception_handler(DownloadError)
    def refused(_: Request, error: DownloadError) -> JSONResponse:  # pyright: ignore[reportUnusedFunction]
        return JSONResponse({"detail": str(error)}, 422)

    @app.exception_handler(BusyError)
    def busy(_: Request, error: BusyError) -> JSONResponse:  # pyright: ignore[reportUnusedFunction]
        return JSONResponse({"detail": str(error)}, 409)

    @app.exception_handler(NoRoomError)
    def full(_: Request, error: NoRoomError) -> JSONResponse:  # pyright: ignore[reportUnusedFunction]
        return JSONResponse({"detail": str(error)}, 507)

    @app.exception_handler(UnknownDownloadError)
    def unknown(_: Request, error: UnknownDownloadError) -> JSONResponse:  # pyright: ignore[reportUnusedFunction]
        return JSONResponse({"detail": f"There is no download {error.args[0]}."}, 404)
