"""What a server's answer means: refused, broken, the whole file, or the rest of it."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable

import httpx

from webui.catalog.downloads.model import DownloadError
from webui.catalog.downloads.partial import Digest, Part

PASSING = (408, 425, 429)
Explain = Callable[[httpx.Response], str]
"""Says in a sentence why a server refused."""


class PassingError(Exception):
    """Something that may be over soon."""


def explained(response: httpx.Response) -> str:
    """Why a server refused, for any server."""
    host, status = response.url.host, response.status_code
    if status in (401, 403):
        return f"{host} refuses to give this file (HTTP {status}): it wants a login, so give a token for it."
    if status in (404, 410):
        return f"There is no such file at {host} (HTTP {status})."
    return f"{host} answers with HTTP {status} {response.reason_phrase}.".replace(" .", ".")


def check_status(response: httpx.Response, explain: Explain, part: Part | None = None) -> None:
    """Refuse an answer that isn't the file.

    Raises:
        PassingError: it may be one soon.
        DownloadError: it won't.
    """
    status = response.status_code
    if status == 416 and part is not None:
        part.discard()
        raise PassingError("it could not go on where the download broke off")
    if status in PASSING or status >= 500:
        raise PassingError(f"it answers with HTTP {status} {response.reason_phrase}".strip())
    if status not in (200, 206):
        raise DownloadError(explain(response))


def total_of(response: httpx.Response) -> int | None:
    """The bytes that an answer's body has; None if it doesn't tell."""
    length = response.headers.get("content-length", "")
    return int(length) if length.isdecimal() else None


def goes_on(response: httpx.Response, part: Part) -> bool:
    """Whether what comes is to be put behind what is there (RFC 9110, 206), not in its place.

    Raises:
        PassingError: it's neither.
    """
    sent = re.match(r"bytes (\d+)-", response.headers.get("content-range", ""))
    if response.status_code != 206:
        return False
    if sent is None or int(sent[1]) != part.size:
        part.discard()
        raise PassingError("it sent another part of the file than the one asked for")
    return True


def is_whole(response: httpx.Response, part: Part) -> bool:
    """Whether nothing more is to come: what is there is all of it (RFC 9110, 416)."""
    return response.headers.get("content-range") == f"bytes */{part.size}"


def begun(response: httpx.Response, part: Part) -> Digest:
    """Empty `part` for the file that comes; the sha256 of nothing."""
    tag = response.headers.get("etag", "")
    # A weak one may stand for other bytes too, so that If-Range doesn't take it.
    strong = "" if tag.startswith("W/") else tag
    part.begin(strong or response.headers.get("last-modified", ""))
    return hashlib.sha256()


def unreachable(url: str, error: Exception) -> str:
    """Why the server of `url`, or one that it led to, can't be downloaded from."""
    host = httpx.URL(url).host
    if isinstance(error, httpx.RequestError):
        host = error.request.url.host
    slow = isinstance(error, httpx.TimeoutException)
    reason = "it doesn't answer in time" if slow else str(error).strip().rstrip(".") or type(error).__name__
    return f"{host} can't be reached: {reason}. What has come is kept; try again later."
