"""Infotexts and pictures' metadata, read into parameters."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, HTTPException, Request
from pydantic import BaseModel, Field
from starlette.concurrency import run_in_threadpool

from webui.api.bodies import FILE, sent_file
from webui.catalog.catalog import Catalog
from webui.catalog.mentioned import resolve
from webui.engine.samplers.table import find_sampler, find_schedule
from webui.infotext.pairs import MAX_TEXT
from webui.infotext.picture import InfotextError, PictureInfo, read_picture
from webui.infotext.read import Infotext, read
from webui.jobs.second_pass import is_same
from webui.params import InvalidParamsError

MAX_BODY = 64 * 2**20
NAMES = {
    "sampler_name": find_sampler,
    "scheduler": find_schedule,
    "hr_sampler_name": find_sampler,
    "hr_scheduler": find_schedule,
}


class Pasted(BaseModel):
    """A text to be read."""

    text: str = Field(max_length=MAX_TEXT, description="What A1111 and its likes put into pictures.")


class InfotextView(BaseModel):
    """What a text says.

    `fields` can be sent to /api/v1/jobs as they are. `checkpoint`, `vae` and `refiner` are the names in the
    text; where they are known here, `fields` has the names that they have here. `unused` are keys without a
    field. `notices` say in sentences what could not be used.
    """

    text: str
    source: str
    version: str | None
    fields: dict[str, Any]
    checkpoint: str | None
    model_hash: str | None
    vae: str | None
    vae_hash: str | None
    refiner: str | None
    refiner_hash: str | None
    unused: dict[str, str]
    notices: list[str]


class PictureView(BaseModel):
    """What a picture tells. `infotext` is null where nothing in it tells how it was made."""

    infotext: InfotextView | None
    items: dict[str, str]
    width: int
    height: int
    format: str


def build_infotext_router(catalog: Catalog) -> APIRouter:
    """The routes, over the catalog in which models are looked up."""
    router = APIRouter(max_body_size=MAX_BODY, tags=["infotext"])

    @router.post("/api/v1/infotext")
    def read_text(pasted: Pasted) -> InfotextView:  # pyright: ignore[reportUnusedFunction]
        """Read a text: the form of A1111, its forks and its imitators."""
        return view(catalog, pasted.text, read(pasted.text))

    @router.post("/api/v1/png-info", openapi_extra=FILE)
    async def read_file(request: Request) -> PictureView:  # pyright: ignore[reportUnusedFunction]
        """Read a picture's metadata: PNG, JPEG, WebP, AVIF, GIF, or the text file beside one."""
        data = await sent_file(request)
        return await run_in_threadpool(_picture_view, catalog, data)

    return router


def view(catalog: Catalog, text: str, infotext: Infotext) -> InfotextView:
    """What the API tells of a text that has been read."""
    resolved = resolve(catalog, infotext)
    fields, unknown = _known_names(resolved.fields)
    return InfotextView(
        text=text,
        source=infotext.source,
        version=infotext.version,
        fields=fields,
        checkpoint=infotext.checkpoint,
        model_hash=infotext.model_hash,
        vae=infotext.vae,
        vae_hash=infotext.vae_hash,
        refiner=infotext.refiner,
        refiner_hash=infotext.refiner_hash,
        unused=infotext.unused,
        notices=[*infotext.problems, *resolved.notices, *unknown],
    )


def _known_names(fields: dict[str, Any]) -> tuple[dict[str, Any], list[str]]:
    """The fields less a sampler or schedule type that the engine doesn't have, and sentences on those."""
    known, sentences = dict(fields), list[str]()
    for name in NAMES.keys() & fields.keys():
        if is_same(fields[name]):
            continue
        try:
            NAMES[name](fields[name])
        except InvalidParamsError as error:
            del known[name]
            sentences.append(str(error))
    return known, sentences


def _picture_view(catalog: Catalog, data: bytes) -> PictureView:
    try:
        info = read_picture(data)
    except InfotextError as error:
        raise HTTPException(422, str(error)) from error
    return PictureView(
        infotext=_of_picture(catalog, info),
        items=info.items,
        width=info.width,
        height=info.height,
        format=info.format,
    )


def _of_picture(catalog: Catalog, info: PictureInfo) -> InfotextView | None:
    return view(catalog, info.text, info.infotext) if info.infotext else None
