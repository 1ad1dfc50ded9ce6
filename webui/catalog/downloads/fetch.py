"""One file over HTTP: goes on where it broke off, tries again, hashes what comes."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Protocol, TypeVar

import httpx

from webui import __version__
from webui.catalog.downloads.answers import (
    Explain,
    PassingError,
    begun,
    check_status,
    explained,
    goes_on,
    is_whole,
    total_of,
    unreachable,
)
from webui.catalog.downloads.model import DamagedError, DownloadError, readable
from webui.catalog.downloads.partial import Digest, Part

CHUNK = 2**18
START = 4096
PAUSES = (1.0, 2.0, 4.0, 8.0, 15.0)
TIMEOUT = httpx.Timeout(30, connect=10)
MAX_REDIRECTS = 10
Result = TypeVar("Result")


@dataclass(frozen=True)
class Remote:
    """A file at a server. `size` in bytes and `sha256` where they are known before."""

    url: str
    token: str = ""
    size: int | None = None
    sha256: str = ""


class Watcher(Protocol):
    """Whoever is told how it goes."""

    def arrived(self, response: httpx.Response, start: bytes, total: int | None, /) -> None:
        """The first bytes of a file of `total` bytes are here. May raise DownloadError to end it."""
        ...

    def progressed(self, done: int, total: int | None, /) -> None:
        """`done` of `total` bytes are on the disk."""
        ...


def client(transport: httpx.AsyncBaseTransport) -> httpx.AsyncClient:
    """A client that follows redirects, each of them through `transport`; tokens stay with their own host."""
    return httpx.AsyncClient(
        transport=transport,
        timeout=TIMEOUT,
        follow_redirects=True,
        max_redirects=MAX_REDIRECTS,
        # A proxy of the environment would go round `transport`.
        trust_env=False,
        # What is compressed on the way can't be gone on with in its middle.
        headers={"User-Agent": f"Darkroom/{__version__}", "Accept-Encoding": "identity"},
    )


class Fetcher:
    """Fetches files with `client`. `pauses`: seconds before each further try after nothing came."""

    def __init__(self, client: httpx.AsyncClient, pauses: Sequence[float] = PAUSES) -> None:
        self._client = client
        self._pauses = pauses

    async def get(self, url: str, token: str = "", explain: Explain = explained) -> httpx.Response:
        """A whole small answer, with as many tries.

        Raises:
            DownloadError: there is none.
        """

        async def get() -> httpx.Response:
            answer = await self._client.get(url, headers=_authorization(token))
            check_status(answer, explain)
            return answer

        return await self._retried(get, url, lambda: 0)

    async def look(self, url: str, token: str = "") -> httpx.Response:
        """An answer's status and headers, without what follows them.

        Raises:
            DownloadError: there is none.
        """

        async def look() -> httpx.Response:
            async with self._client.stream("GET", url, headers=_authorization(token)) as answer:
                check_status(answer, explained)
                return answer

        return await self._retried(look, url, lambda: 0)

    async def fetch(self, remote: Remote, part: Part, watcher: Watcher, explain: Explain = explained) -> str:
        """Bring `remote` into `part`, going on with what is there; its sha256.

        Raises:
            DownloadError: it can't be had; `part` is kept for another time.
            DamagedError: what came is something else; `part` is gone.
            OSError: it can't be written.
        """

        async def attempt() -> str:
            return await self._attempt(remote, part, watcher, explain)

        try:
            sha256 = await self._retried(attempt, remote.url, lambda: part.size)
            _check_hash(sha256, remote)
        except DownloadError as error:
            if isinstance(error, DamagedError) or not part.size:
                part.discard()
            raise
        return sha256

    async def _retried(
        self, attempt: Callable[[], Awaitable[Result]], url: str, reached: Callable[[], int]
    ) -> Result:
        """Tries anew after what may pass, as often as there are pauses since more came than ever before."""
        furthest, failures = reached(), 0
        while True:
            try:
                return await attempt()
            except httpx.TooManyRedirects as error:
                raise DownloadError(f"{httpx.URL(url).host} leads round in a circle of addresses.") from error
            except (httpx.RequestError, PassingError) as error:
                failures = 0 if reached() > furthest else failures
                furthest = max(furthest, reached())
                if failures >= len(self._pauses):
                    raise DownloadError(unreachable(url, error)) from error
                await asyncio.sleep(self._pauses[failures])
                failures += 1

    async def _attempt(self, remote: Remote, part: Part, watcher: Watcher, explain: Explain) -> str:
        if remote.size is not None and part.size > remote.size:
            part.discard()
        if part.size == remote.size:
            return (await part.digest()).hexdigest()
        headers = {**_authorization(remote.token), **_range(remote, part)}
        async with self._client.stream("GET", remote.url, headers=headers) as response:
            if response.status_code == 416 and is_whole(response, part):
                return (await part.digest()).hexdigest()
            check_status(response, explain, part)
            digest = await part.digest() if goes_on(response, part) else begun(response, part)
            rest = total_of(response)
            total = None if rest is None else part.size + rest
            _check_size(response, remote, total)
            await _receive(response, part, digest, total, watcher)
            return digest.hexdigest()


async def _receive(
    response: httpx.Response, part: Part, digest: Digest, total: int | None, watcher: Watcher
) -> None:
    chunks, here = response.aiter_raw(CHUNK), part.size
    chunk = await anext(chunks, b"")
    watcher.arrived(response, part.start(START) or chunk[:START], total)
    with part.path.open("ab") as file:
        while chunk:
            file.write(chunk)
            digest.update(chunk)
            here += len(chunk)
            watcher.progressed(here, total)
            chunk = await anext(chunks, b"")


def _authorization(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"} if token else {}


def _check_size(response: httpx.Response, remote: Remote, total: int | None) -> None:
    if remote.size is not None and total is not None and total != remote.size:
        raise DamagedError(
            f"{response.url.host} offers a file of {readable(total)} where one of {readable(remote.size)} "
            "was expected."
        )


def _check_hash(sha256: str, remote: Remote) -> None:
    if remote.sha256 and sha256 != remote.sha256.lower():
        raise DamagedError(
            f"What {httpx.URL(remote.url).host} gave is not the file that was expected: its sha256 begins "
            f"with {sha256[:10]}, not {remote.sha256[:10].lower()}. It was thrown away."
        )


def _range(remote: Remote, part: Part) -> dict[str, str]:
    """The headers that ask for the rest. Without a validator only a known hash makes sure that it fits."""
    if not part.size or not (part.validator or remote.sha256):
        return {}
    condition = {"If-Range": part.validator} if part.validator else {}
    return {"Range": f"bytes={part.size}-", **condition}
