"""Pictures that people bring, for jobs to start from: uploads, and folders on the server."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, HTTPException, Query, Request
from pydantic import BaseModel
from starlette.concurrency import run_in_threadpool

from webui.api.bodies import ANY_SIZE, FILE, limited, sent_file
from webui.api.saved_files import CACHE_A_YEAR, SavedFile
from webui.guard import owner_of
from webui.imaging.reading import PictureError
from webui.inputs.store import Upload
from webui.jobs.pictures import Pictures

MAX_BODY = 64 * 2**20
CACHE = f"{CACHE_A_YEAR}, immutable"

Owner = Annotated[str, Depends(owner_of)]


class UploadView(BaseModel):
    """A picture that has been brought. Its `id` is what `init_images`, `mask` and the like take."""

    id: str
    width: int
    height: int
    has_alpha: bool


class BatchFolderView(BaseModel):
    """A folder on the server; its `name` is what `init_folder` takes."""

    name: str
    pictures: int


def build_uploads_router(pictures: Pictures) -> APIRouter:
    """The routes, over everyone's pictures."""
    router = APIRouter(
        tags=["pictures"], route_class=limited(MAX_BODY, "The picture"), max_body_size=ANY_SIZE
    )

    @router.post("/api/v1/uploads", status_code=201, openapi_extra=FILE)
    async def upload(  # pyright: ignore[reportUnusedFunction]
        request: Request, owner: Owner, parent: Annotated[str, Query(max_length=200)] = ""
    ) -> UploadView:
        """Bring a picture of any format. `parent` is the finished picture that it was made from, if any."""
        data = await sent_file(request)
        return view(await run_in_threadpool(_added, pictures, owner, data, parent))

    @router.get("/api/v1/uploads/{upload_id}")
    def uploaded(upload_id: str, owner: Owner) -> SavedFile:  # pyright: ignore[reportUnusedFunction]
        """A picture that one has brought, as PNG."""
        try:
            path = pictures.uploaded(owner, upload_id)
        except PictureError as error:
            raise HTTPException(404, str(error)) from error
        return SavedFile(path, media_type="image/png", headers={"Cache-Control": CACHE})

    @router.get("/api/v1/batch-folders")
    def batch_folders() -> list[BatchFolderView]:  # pyright: ignore[reportUnusedFunction]
        """The folders of pictures in the server's batch folder."""
        return [BatchFolderView(name=one.name, pictures=one.pictures) for one in pictures.batch_folders()]

    return router


def view(upload: Upload) -> UploadView:
    """What the API tells of an upload."""
    return UploadView.model_validate(upload, from_attributes=True)


def _added(pictures: Pictures, owner: str, data: bytes, parent: str) -> Upload:
    try:
        return pictures.upload(owner, data, parent)
    except PictureError as error:
        raise HTTPException(422, str(error)) from error
