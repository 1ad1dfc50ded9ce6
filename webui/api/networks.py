"""LoRAs, embeddings and hypernetworks: how they are to be used, how they were trained, their pictures."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends, HTTPException
from pydantic import BaseModel, ConfigDict, Field

from webui.api.fields import FieldView, FormView, describe
from webui.api.model_views import ModelView, view
from webui.api.models import known
from webui.catalog.catalog import Catalog
from webui.catalog.entry import ModelFile
from webui.catalog.side_files import preview_file
from webui.catalog.training_notes import read_training_notes
from webui.catalog.user_metadata import (
    VERSIONS,
    MetadataError,
    UserMetadata,
    metadata_file,
    read_metadata,
    write_metadata,
)
from webui.guard import owner_of
from webui.imaging.reading import PictureError
from webui.inputs.files import NoRoomError, write
from webui.jobs.pictures import Pictures

MAX_BODY = 2**17
LARGEST_PREVIEW = 768
"""Pixels of the longer side."""
LINES = ("description", "notes")
NetworkKind = Literal["lora", "embedding", "hypernetwork"]
Owner = Annotated[str, Depends(owner_of)]


class FactView(BaseModel):
    """Something that the file tells of its training."""

    title: str
    value: str


class TagView(BaseModel):
    """A tag of the training pictures, and how often it was used."""

    tag: str
    count: int


class NetworkView(BaseModel):
    """What is known of a network beside what the list of models tells. `form` is what people write of it."""

    form: FormView
    trained_words: list[str]
    facts: list[FactView]
    tags: list[TagView]


class PreviewBody(BaseModel):
    """Which picture is to stand on the card: `<job>/<number>` of a finished one, or an upload's id."""

    model_config = ConfigDict(extra="forbid")

    picture: str = Field(max_length=200)


def build_networks_router(catalog: Catalog, pictures: Pictures) -> APIRouter:
    """The routes, over the catalog and everyone's pictures."""
    router = APIRouter(max_body_size=MAX_BODY, tags=["models"])

    @router.get("/api/v1/networks")
    def read(kind: NetworkKind, name: str) -> NetworkView:  # pyright: ignore[reportUnusedFunction]
        """How the network `name` is to be used, and how it was trained."""
        return _network(known(catalog, name, kind))

    @router.put("/api/v1/networks")
    def change(kind: NetworkKind, name: str, body: UserMetadata) -> ModelView:  # pyright: ignore[reportUnusedFunction]
        """Set all that people write of it anew, in A1111's file beside it."""
        model = known(catalog, name, kind)
        try:
            write_metadata(metadata_file(model.path), body)
        except MetadataError as error:
            raise HTTPException(507, str(error)) from error
        return _again(catalog, model)

    @router.post("/api/v1/networks/preview")
    def preview(kind: NetworkKind, name: str, body: PreviewBody, owner: Owner) -> ModelView:  # pyright: ignore[reportUnusedFunction]
        """Put one of one's own pictures on its card, as a file beside it."""
        model = known(catalog, name, kind)
        try:
            source = pictures.find(owner, body.picture)
            image = source.read()
            image.thumbnail((LARGEST_PREVIEW, LARGEST_PREVIEW))
            write(image, preview_file(model.path), {"parameters": source.infotext})
        except PictureError as error:
            raise HTTPException(422, str(error)) from error
        except NoRoomError as error:
            raise HTTPException(507, str(error)) from error
        return _again(catalog, model)

    return router


def _network(model: ModelFile) -> NetworkView:
    notes = read_training_notes(model.path)
    values = read_metadata(metadata_file(model.path)).model_dump()
    values["sd_version"] = values["sd_version"] or VERSIONS[0]
    return NetworkView(
        form=FormView(fields=_fields(), values=values, defaults=UserMetadata().model_dump()),
        trained_words=list(model.usage.trained),
        facts=[FactView(title=title, value=value) for title, value in notes.facts],
        tags=[TagView(tag=tag, count=count) for tag, count in notes.tags],
    )


def _fields() -> list[FieldView]:
    changes: dict[str, dict[str, Any]] = {name: {"kind": "lines"} for name in LINES}
    changes["sd_version"] = {"kind": "choice", "choices": list(VERSIONS)}
    changes["preferred_weight"] = {"step": 0.05}
    return [
        describe(UserMetadata, name).model_copy(update=changes.get(name, {}))
        for name in UserMetadata.model_fields
    ]


def _again(catalog: Catalog, model: ModelFile) -> ModelView:
    """The model as it is once the folders have been read again."""
    catalog.refresh()
    return view(catalog, catalog.get(model.name, model.kind) or model)
