"""Bodies of requests: files that are sent, and JSON that is worth reading."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from typing import Any

from fastapi import HTTPException, Request, Response
from fastapi.routing import APIRoute
from starlette.datastructures import UploadFile
from starlette.types import Message, Receive

FILE = {
    "requestBody": {
        "required": True,
        "content": {
            "application/octet-stream": {"schema": {"type": "string", "format": "binary"}},
            "multipart/form-data": {
                "schema": {"type": "object", "properties": {"file": {"type": "string", "format": "binary"}}}
            },
        },
    }
}
"""What OpenAPI says of a route that reads `sent_file`."""
ANY_SIZE = 2**62
"""What a route's `max_body_size` is where the route counts for itself."""
MOST_HEARD = 2**30
SIGNS = (b",", b"[", b"{")
"""What parts of JSON are parted by, or begin with."""
Handler = Callable[[Request], Coroutine[Any, Any, Response]]


async def sent_file(request: Request) -> bytes:
    """The file: the body itself, or the first one of a form.

    Raises:
        HTTPException: there is none in the form.
    """
    if not request.headers.get("content-type", "").startswith("multipart/form-data"):
        return await request.body()
    async with request.form(max_files=1, max_fields=10) as form:
        for value in form.values():
            if isinstance(value, UploadFile):
                return await value.read()
    raise HTTPException(422, "There is no file in this form. Send the picture as its file, or as the body.")


def limited(most: int, what: str, parts: int | None = None) -> type[APIRoute]:
    """A kind of route whose bodies have at most `most` bytes, and whose answer to a larger one is a sentence.

    `what` is what is sent, as it begins that sentence. JSON that may be long for the sake of its texts has at
    most so many `parts`: made of millions of small ones it would fill the memory once it is read. Such a
    route wants `max_body_size=ANY_SIZE`, since that limit answers by itself.
    """
    sentence = f"{what} is larger than {most // 2**20} MiB. Send a smaller one."

    class Limited(APIRoute):
        def get_route_handler(self) -> Handler:
            handle = super().get_route_handler()

            async def counted(request: Request) -> Response:
                length = request.headers.get("content-length", "")
                if length.isdecimal() and int(length) > most:
                    await _heard_out(request, int(length))
                    raise HTTPException(413, sentence)
                request = Request(request.scope, _counting(request.receive, most, sentence))
                if parts is not None and sum(map((await request.body()).count, SIGNS)) > parts:
                    raise HTTPException(413, f"{what} has too many parts. Send less.")
                return await handle(request)

            return counted

    return Limited


async def _heard_out(request: Request, length: int) -> None:
    """Let a browser send all that it will: only then does it read the answer."""
    if length <= MOST_HEARD:
        async for _ in request.stream():
            pass


def _counting(receive: Receive, most: int, sentence: str) -> Receive:
    left = most

    async def counted() -> Message:
        nonlocal left
        message = await receive()
        left -= len(message.get("body", b""))
        if left < 0:
            raise HTTPException(413, sentence)
        return message

    return counted
