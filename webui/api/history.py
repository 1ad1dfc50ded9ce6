"""The history: one's own finished pictures, searched, marked, thrown away, brought back and taken along."""

from __future__ import annotations

from collections.abc import Generator, Sequence
from contextlib import contextmanager
from datetime import date
from typing import Annotated

from fastapi import APIRouter, Depends, Form, Header, HTTPException, Path, Query
from fastapi.responses import Response, StreamingResponse

from webui.api.history_views import (
    MAX_NAMES,
    CountView,
    DetailView,
    EmptyBody,
    FacetsView,
    FavouriteBody,
    NamesBody,
    PageView,
    detail,
    facets_view,
    name_problem,
    view,
)
from webui.api.saved_files import SavedFile, saved_picture
from webui.guard import owner_of
from webui.inputs.names import Finished
from webui.jobs.history import History, UnknownPictureError
from webui.jobs.history_search import Filters
from webui.jobs.model import PictureKind
from webui.jobs.thumbnails import Thumbnails
from webui.jobs.trash import TrashError

MAX_BODY = 2**18
MAX_PAGE = 500
CACHE_THUMBNAILS = "private, max-age=604800"
NO_THUMBNAIL = "This picture has no thumbnail: its file is gone, damaged or too large."

Owner = Annotated[str, Depends(owner_of)]
Names = Annotated[list[str], Query(description="Names of pictures; several may share one, with commas.")]
FormNames = Annotated[list[str], Form()]


def _name(job: str, number: Annotated[int, Path(ge=0, le=999_999)]) -> str:
    return str(Finished(job, number))


Name = Annotated[str, Depends(_name)]


def build_history_router(history: History, thumbnails: Thumbnails) -> APIRouter:
    """The routes, over the services they call."""
    router = APIRouter(prefix="/api/v1/history", max_body_size=MAX_BODY, tags=["history"])
    _add_finding_routes(router, history)
    _add_changing_routes(router, history)
    _add_zip_routes(router, history)
    _add_picture_routes(router, history, thumbnails)
    return router


def _add_finding_routes(router: APIRouter, history: History) -> None:
    @router.get("")
    def page(  # pyright: ignore[reportUnusedFunction]
        owner: Owner,
        q: Annotated[str, Query(max_length=200)] = "",
        checkpoint: Annotated[str, Query(max_length=500)] = "",
        since: date | None = None,
        until: date | None = None,
        favourite: bool | None = None,
        kind: PictureKind | None = None,
        trash: bool = False,
        offset: Annotated[int, Query(ge=0, le=10**9)] = 0,
        limit: Annotated[int, Query(ge=1, le=MAX_PAGE)] = 100,
    ) -> PageView:
        """One's own pictures, newest first. Days are the server's, both included."""
        filters = Filters(q, checkpoint, since, until, favourite, kind, trash)
        found = history.page(owner, filters, offset, limit)
        return PageView(total=found.total, pictures=[view(history, entry) for entry in found.pictures])

    @router.get("/facets")
    def facets(owner: Owner) -> FacetsView:  # pyright: ignore[reportUnusedFunction]
        """What there is to narrow the history down to."""
        return facets_view(history.facets(owner))


def _add_changing_routes(router: APIRouter, history: History) -> None:
    @router.post("/favourite")
    def favourite(body: FavouriteBody, owner: Owner) -> CountView:  # pyright: ignore[reportUnusedFunction]
        """Mark pictures as favourites, or no longer."""
        return CountView(count=history.favourite(owner, body.ids, body.favourite))

    @router.post("/trash")
    def trash(body: NamesBody, owner: Owner) -> CountView:  # pyright: ignore[reportUnusedFunction]
        """Put pictures into the trash: all of them or none."""
        with _errors():
            return CountView(count=history.trash(owner, body.ids))

    @router.post("/restore")
    def restore(body: NamesBody, owner: Owner) -> CountView:  # pyright: ignore[reportUnusedFunction]
        """Bring pictures back from the trash: all of them or none."""
        with _errors():
            return CountView(count=history.restore(owner, body.ids))

    @router.post("/empty")
    def empty(body: EmptyBody, owner: Owner) -> CountView:  # pyright: ignore[reportUnusedFunction]
        """Delete pictures in the trash for good; `ids` null: all of them."""
        with _errors():
            return CountView(count=history.empty_trash(owner, body.ids))


def _add_zip_routes(router: APIRouter, history: History) -> None:
    @router.get("/zip")
    def zip_of(ids: Names, owner: Owner) -> StreamingResponse:  # pyright: ignore[reportUnusedFunction]
        """A zip file of pictures, 1,000 at most. For many, POST the same as a form."""
        return _zip(history, owner, ids)

    @router.post("/zip")
    def zip_of_form(ids: FormNames, owner: Owner) -> StreamingResponse:  # pyright: ignore[reportUnusedFunction]
        """A zip file of pictures, 1,000 at most."""
        return _zip(history, owner, ids)


def _zip(history: History, owner: str, texts: Sequence[str]) -> StreamingResponse:
    names = [name for text in texts for name in text.split(",") if name]
    if len(names) > MAX_NAMES:
        raise HTTPException(422, f"These are {len(names):,} pictures. Take {MAX_NAMES:,} at most at a time.")
    if problem := next(filter(None, map(name_problem, names)), None):
        raise HTTPException(422, problem)
    if not names:
        raise HTTPException(422, "No pictures are named. Choose some first.")
    with _errors():
        pieces = history.zip(owner, names)
    file = f"darkroom-{date.today().isoformat()}.zip"
    headers = {"Content-Disposition": f'attachment; filename="{file}"', "Cache-Control": "no-store"}
    return StreamingResponse(pieces, media_type="application/zip", headers=headers)


def _add_picture_routes(router: APIRouter, history: History, thumbnails: Thumbnails) -> None:
    @router.get("/{job}/{number}")
    def get(name: Name, owner: Owner) -> DetailView:  # pyright: ignore[reportUnusedFunction]
        """One picture, its whole infotext, what it was made from and what was made from it."""
        with _errors():
            return detail(history, history.get(owner, name), history.lineage(owner, name))

    @router.get("/{job}/{number}/image")
    def image(name: Name, owner: Owner) -> SavedFile:  # pyright: ignore[reportUnusedFunction]
        """The file as it was saved, from the trash too."""
        with _errors():
            return saved_picture(history.path(history.get(owner, name)))

    @router.get("/{job}/{number}/thumbnail", response_class=Response)
    def thumbnail(  # pyright: ignore[reportUnusedFunction]
        name: Name, owner: Owner, if_none_match: Annotated[str, Header()] = ""
    ) -> Response:
        """A WebP picture of 256 pixels at most, made now if need be."""
        with _errors():
            path = history.path(history.get(owner, name))
        key = thumbnails.key(name, path) if path else None
        headers = {"ETag": f'"{key}"', "Cache-Control": CACHE_THUMBNAILS}
        if key and key in if_none_match:
            return Response(status_code=304, headers=headers)
        made = thumbnails.get(key, path) if path and key else None
        if made is None:
            raise HTTPException(404, NO_THUMBNAIL)
        return Response(made.data, media_type="image/webp", headers=headers)


@contextmanager
def _errors() -> Generator[None]:
    """What the history raises, as HTTP answers."""
    try:
        yield
    except UnknownPictureError as error:
        raise HTTPException(404, f"You have no picture {error.args[0]}.") from error
    except TrashError as error:
        raise HTTPException(507, str(error)) from error
