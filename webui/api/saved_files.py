"""Files of pictures, sent as they are. They may be moved at any moment."""

from __future__ import annotations

from pathlib import Path

from fastapi import HTTPException
from fastapi.responses import FileResponse, JSONResponse
from starlette.types import Message, Receive, Scope, Send

from webui.jobs.outputs import media_type

CACHE_A_YEAR = "private, max-age=31536000"
GONE = "This picture is no longer there: its file has been moved or deleted."


class SavedFile(FileResponse):
    """A file, or a 404 with a sentence if it goes before its first byte is read."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send it."""
        held: list[Message] = []
        sent = False

        async def send_with_body(message: Message) -> None:
            nonlocal sent
            held.append(message)
            if message["type"] != "http.response.start":
                sent = True
                while held:
                    await send(held.pop(0))

        try:
            await super().__call__(scope, receive, send_with_body)
        except (OSError, RuntimeError):  # what FileResponse raises of a file that is gone
            if sent:
                raise
            await JSONResponse({"detail": GONE}, 404)(scope, receive, send)


def saved_picture(path: Path | None) -> SavedFile:
    """A finished picture as it was saved.

    Raises:
        HTTPException: 404, its file is gone.
    """
    if path is None:
        raise HTTPException(404, GONE)
    return SavedFile(path, media_type=media_type(path), headers={"Cache-Control": CACHE_A_YEAR})
