"""The page's scripts and styles, as browsers get them."""

from __future__ import annotations

import hashlib
from pathlib import Path

from starlette.responses import Response
from starlette.staticfiles import StaticFiles
from starlette.types import Scope

STATIC = Path(__file__).parent / "static"
FOR_EVER = "public, max-age=31536000, immutable"


def edition() -> str:
    """A name for all of the files as they are now: with any change of one it is another."""
    told = hashlib.sha256()
    for file in sorted(path for path in STATIC.rglob("*") if path.is_file()):
        told.update(file.name.encode() + b"\0" + file.read_bytes() + b"\0")
    return told.hexdigest()[:16]


class PageFiles(StaticFiles):
    """Serves them below the folder `edition`, too, where browsers keep them for good without asking again.

    So a page that is loaded anew asks for none of its many modules, and none meets an older other.
    """

    def __init__(self, edition: str) -> None:
        super().__init__(directory=STATIC)
        self._edition = edition

    async def get_response(self, path: str, scope: Scope) -> Response:
        """The file; without the edition in its path a 304 if the browser has it as it is."""
        folder, *rest = Path(path).parts or ("",)
        kept = bool(rest) and folder == self._edition
        response = await super().get_response(str(Path(*rest)) if kept else path, scope)
        response.headers["Cache-Control"] = FOR_EVER if kept else "no-cache"
        return response
