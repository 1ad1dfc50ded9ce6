"""What makes a page is sent compressed: gradio writes a megabyte for it, most of which repeats itself."""

from __future__ import annotations

from starlette.middleware.gzip import GZipMiddleware
from starlette.types import ASGIApp, Receive, Scope, Send

LEVEL = 4
"""Of 9: what more would save takes longer than sending it does."""


class CompressedPage:
    """ASGI middleware. Pictures, which are compressed already, and streams of events go as they are."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app
        self._compressing = GZipMiddleware(app, compresslevel=LEVEL)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer."""
        path = str(scope.get("path", ""))
        is_page = path == "/" or path.startswith("/darkroom/")
        await (self._compressing if is_page else self._app)(scope, receive, send)
