"""Datasets to train from: their pictures and captions."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager
from pathlib import PurePath
from typing import Annotated
from urllib.parse import quote

from fastapi import APIRouter, HTTPException, Query, Request, Response
from pydantic import BaseModel, ConfigDict, Field
from starlette.concurrency import run_in_threadpool
from starlette.datastructures import UploadFile

from webui.api.bodies import ANY_SIZE, limited
from webui.api.fields import ToldRoute
from webui.api.saved_files import SavedFile
from webui.imaging.reading import PictureError
from webui.inputs.datasets import (
    CAPTION,
    MAX_CAPTION,
    SHOWN,
    DatasetError,
    Datasets,
    Example,
    UnknownDatasetError,
)
from webui.jobs.thumbnails import Thumbnails

MAX_BODY = 2**20
MAX_UPLOAD = 512 * 2**20
MAX_FILES = 1000
NO_THUMBNAIL = "This picture has no thumbnail: its file is damaged or too large."
FILES = {
    "requestBody": {
        "required": True,
        "content": {
            "multipart/form-data": {
                "schema": {
                    "type": "object",
                    "properties": {
                        "file": {"type": "array", "items": {"type": "string", "format": "binary"}}
                    },
                }
            }
        },
    }
}
Sent = list[tuple[str, bytes]]


class DatasetView(BaseModel):
    """A dataset at a glance."""

    name: str
    pictures: int
    captions: int


class ExampleView(BaseModel):
    """A picture of a dataset. 0 by 0: it can't be read."""

    file: str
    caption: str
    width: int
    height: int
    url: str


class ContentView(BaseModel):
    """A dataset. `folder` is where it lies on the server, for files to be put there by hand."""

    name: str
    folder: str
    pictures: list[ExampleView]
    refused: list[str] = []
    """Sentences: files that were sent and could not be used."""


class NameBody(BaseModel):
    """A new dataset's name."""

    model_config = ConfigDict(extra="forbid")

    name: str = Field(title="Name", min_length=1, max_length=200)


class CaptionBody(BaseModel):
    """What a picture shows. Empty: nothing is said of it."""

    model_config = ConfigDict(extra="forbid")

    caption: str = Field(title="Caption", max_length=MAX_CAPTION)


def build_datasets_router(datasets: Datasets, thumbnails: Thumbnails) -> APIRouter:
    """The routes, over all datasets."""
    router = APIRouter(
        prefix="/api/v1/datasets", max_body_size=MAX_BODY, route_class=ToldRoute, tags=["training"]
    )
    _add_dataset_routes(router, datasets)
    _add_picture_routes(router, datasets, thumbnails)
    _add_upload_route(router, datasets)
    return router


def _add_dataset_routes(router: APIRouter, datasets: Datasets) -> None:
    @router.get("")
    def listed() -> list[DatasetView]:  # pyright: ignore[reportUnusedFunction]
        """All datasets, the last changed first."""
        return [DatasetView.model_validate(one, from_attributes=True) for one in datasets.listed()]

    @router.post("", status_code=201)
    def make(body: NameBody) -> DatasetView:  # pyright: ignore[reportUnusedFunction]
        """Make an empty dataset."""
        with _refused(409):
            datasets.make(body.name)
        return DatasetView(name=body.name, pictures=0, captions=0)

    @router.get("/{name}")
    def content(name: str) -> ContentView:  # pyright: ignore[reportUnusedFunction]
        """The pictures and captions of a dataset."""
        return _content(datasets, name)

    @router.delete("/{name}", status_code=204)
    def remove(name: str) -> Response:  # pyright: ignore[reportUnusedFunction]
        """Remove a dataset with all its pictures."""
        with _refused(409):
            datasets.remove(name)
        return Response(status_code=204)


def _add_picture_routes(router: APIRouter, datasets: Datasets, thumbnails: Thumbnails) -> None:
    @router.get("/{name}/pictures/{file}")
    def picture(  # pyright: ignore[reportUnusedFunction]
        name: str, file: str, thumbnail: Annotated[bool, Query()] = False
    ) -> Response:
        """A picture as it is, or its thumbnail as WebP."""
        with _refused(404):
            path = datasets.path(name, file)
        if not thumbnail:
            return SavedFile(path)
        key = thumbnails.key(f"dataset {name}/{file}", path)
        small = thumbnails.get(key, path) if key else None
        if small is None:
            raise HTTPException(404, NO_THUMBNAIL)
        return Response(small.data, media_type="image/webp")

    @router.put("/{name}/pictures/{file}")
    def caption(name: str, file: str, body: CaptionBody) -> ExampleView:  # pyright: ignore[reportUnusedFunction]
        """Say what a picture shows."""
        with _refused(422):
            datasets.caption(name, file, body.caption)
            return _example(name, datasets.example(name, file))

    @router.delete("/{name}/pictures/{file}", status_code=204)
    def take_out(name: str, file: str) -> Response:  # pyright: ignore[reportUnusedFunction]
        """Remove a picture and its caption."""
        with _refused(409):
            datasets.take_out(name, file)
        return Response(status_code=204)


def _add_upload_route(router: APIRouter, datasets: Datasets) -> None:
    large = APIRouter(route_class=limited(MAX_UPLOAD, "What was sent"), max_body_size=ANY_SIZE)

    @large.post("/{name}/pictures", status_code=201, openapi_extra=FILES)
    async def add(name: str, request: Request) -> ContentView:  # pyright: ignore[reportUnusedFunction]
        """Put pictures into a dataset. A `.txt` among the files is the caption of the picture called like it.

        What can't be read is told under `refused`, and the others are kept.
        """
        if not request.headers.get("content-type", "").startswith("multipart/form-data"):
            raise HTTPException(422, "Send the pictures as the files of a form (multipart/form-data).")
        async with request.form(max_files=MAX_FILES, max_fields=10) as form:
            sent = [
                (value.filename or "picture", await value.read())
                for value in form.getlist("file")
                if isinstance(value, UploadFile)
            ]
        if not sent:
            raise HTTPException(422, 'Send the pictures as files of the field "file".')
        return await run_in_threadpool(_added, datasets, name, sent)

    router.include_router(large)


def _added(datasets: Datasets, name: str, sent: Sent) -> ContentView:
    texts = [(file, data) for file, data in sent if _is_text(file)]
    # By what a picture was called; None: it was refused.
    kept: dict[str, str | None] = {}
    refused: list[str] = []
    with _refused(507):
        for file, data in sent:
            if _is_text(file):
                continue
            kept[PurePath(file).stem] = None
            try:
                kept[PurePath(file).stem] = datasets.add(name, file, data)
            except PictureError as error:
                refused.append(str(error))
        refused += _captioned(datasets, name, texts, kept)
    return _content(datasets, name, refused)


def _captioned(datasets: Datasets, name: str, texts: Sent, kept: dict[str, str | None]) -> list[str]:
    """Give captions to pictures that came with them, or were there; what is told of those without one."""
    known = {file.stem: file.name for file in datasets.files(name)} | kept
    for file, data in texts:
        if picture := known.get(PurePath(file).stem):
            datasets.caption(name, picture, data.decode("utf-8", errors="replace")[:MAX_CAPTION])
    alone = [file for file, _ in texts if PurePath(file).stem not in known]
    return [f'"{file[:SHOWN]}" is the caption of no picture here. Bring the picture, too.' for file in alone]


def _is_text(file: str) -> bool:
    return file.lower().endswith(CAPTION)


def _content(datasets: Datasets, name: str, refused: list[str] | None = None) -> ContentView:
    with _refused(409):
        pictures = [_example(name, example) for example in datasets.examples(name)]
        return ContentView(
            name=name, folder=str(datasets.folder(name)), pictures=pictures, refused=refused or []
        )


def _example(name: str, example: Example) -> ExampleView:
    url = f"/api/v1/datasets/{quote(name, safe='')}/pictures/{quote(example.file, safe='')}"
    return ExampleView(
        file=example.file, caption=example.caption, width=example.width, height=example.height, url=url
    )


@contextmanager
def _refused(status: int) -> Generator[None]:
    """What can't be done is told with `status`; what isn't there, with a 404."""
    try:
        yield
    except UnknownDatasetError as error:
        raise HTTPException(404, str(error)) from error
    except DatasetError as error:
        raise HTTPException(status, str(error)) from error
