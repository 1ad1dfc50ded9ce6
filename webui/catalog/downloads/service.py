"""Downloads: what the page and the API ask for, a few at a time, the rest waiting."""

from __future__ import annotations

import asyncio
import logging
import re
import threading
import time
import uuid
from collections.abc import Callable, Mapping
from functools import cached_property
from pathlib import Path

import httpx

from webui.catalog.downloads.addresses import CheckedTransport
from webui.catalog.downloads.background import Background
from webui.catalog.downloads.fetch import Fetcher, client
from webui.catalog.downloads.model import (
    BusyError,
    Candidate,
    Download,
    DownloadError,
    NoRoomError,
    UnknownDownloadError,
    Wish,
)
from webui.catalog.downloads.names import harmless
from webui.catalog.downloads.network import Network
from webui.catalog.downloads.partial import check_room
from webui.catalog.downloads.progress import Entry
from webui.catalog.downloads.sources import parse, without_secrets
from webui.catalog.downloads.transfer import Sites, Transfer, offered
from webui.catalog.entry import Kind

log = logging.getLogger(__name__)

KEPT = 100
LOOK_SECONDS = 60
CLOSE_SECONDS = 5
STOPPED = "The server was stopped. Start the download again: it goes on where it was."


class Downloads:
    """The downloads of this server. Thread-safe; nothing runs before the first one is asked for.

    `folders` tells where each kind of model goes. `on_done` is called on a thread of its own for each
    download that is done, before its state says so.
    """

    def __init__(
        self,
        folders: Mapping[Kind, Path],
        on_done: Callable[[Download], None] = lambda _: None,
        network: Network | None = None,
        at_once: int = 2,
    ) -> None:
        self._folders = folders
        self._on_done = on_done
        self._network = network or Network()
        self._slots = asyncio.Semaphore(at_once)
        self._background = Background("downloads")
        self._lock = threading.Lock()
        self._entries: dict[str, Entry] = {}

    def start(
        self,
        source: str,
        kind: Kind,
        *,
        name: str = "",
        token: str = "",
        allow_pickle: bool = False,
        variant: str = "",
        sha256: str = "",
    ) -> Download:
        """Queue a download. One that broke off goes on where it was.

        `source` is a repository on the Hub ("org/name", "org/name@revision:file"), its address, or any
        https address of a file. For the rest see Wish.

        Raises:
            DownloadError: what is asked for makes no sense.
            BusyError: it is being downloaded already.
            NoRoomError: there is no room for it.
        """
        wish = Wish(source.strip(), kind, name.strip(), token.strip(), allow_pickle, variant, sha256.strip())
        folder = self._checked(wish)
        shown = without_secrets(wish.source)
        download = Download(uuid.uuid4().hex[:12], shown, kind, name=wish.name, created=time.time())
        entry = Entry(download, wish, folder)
        with self._lock:
            same = [known for known in self._entries.values() if _same(known, wish, shown)]
            if same:
                raise BusyError(f"{shown} is being downloaded already.")
            self._entries[download.id] = entry
            self._forget_old()
        self._background.submit(self._begin(entry))
        return download

    def _checked(self, wish: Wish) -> Path:
        """The folder that `wish` goes into."""
        parse(wish.source, self._network.hub)
        if wish.name != harmless(wish.name):
            raise DownloadError(
                f'"{wish.name}" can\'t be used as a file name here: leave out folders and signs.'
            )
        if wish.sha256 and not re.fullmatch(r"[0-9a-fA-F]{64}", wish.sha256):
            raise DownloadError("A sha256 has 64 hexadecimal digits.")
        folder = self._folders.get(wish.kind)
        if folder is None:
            raise DownloadError(f'There is no folder for models of the kind "{wish.kind}".')
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise NoRoomError(f"{folder} can't be made: {error.strerror}.") from error
        check_room(folder, 0)
        return folder

    def _forget_old(self) -> None:
        ended = [id_ for id_, entry in self._entries.items() if entry.download.ended]
        for id_ in ended[: max(0, len(self._entries) - KEPT)]:
            del self._entries[id_]

    def listed(self) -> list[Download]:
        """All of them, the newest first."""
        with self._lock:
            return [entry.download for entry in reversed(self._entries.values())]

    def get(self, download_id: str) -> Download:
        """One of them.

        Raises:
            UnknownDownloadError: there is none of that id.
        """
        return self._entry(download_id).download

    def cancel(self, download_id: str) -> Download:
        """Stop it and delete what has come. One that has ended leaves the list; a finished model stays.

        Raises:
            UnknownDownloadError: there is none of that id.
        """
        entry = self._entry(download_id)
        if entry.download.ended:
            with self._lock:
                self._entries.pop(download_id, None)
        if entry.download.state != "done":
            self._background.submit(self._cancel(entry)).result(CLOSE_SECONDS)
        return entry.download

    def retry(self, download_id: str) -> Download:
        """Try one again that failed or was cancelled.

        Raises:
            UnknownDownloadError: there is none of that id.
            BusyError: it isn't over, or is done.
        """
        entry = self._entry(download_id)
        with self._lock:
            if entry.download.state not in ("failed", "cancelled"):
                raise BusyError(
                    f"{entry.download.source} is {entry.download.state}: there is nothing to try again."
                )
            if any(_same(known, entry.wish, entry.download.source) for known in self._entries.values()):
                raise BusyError(f"{entry.download.source} is being downloaded already.")
            entry.begin_anew()
        self._background.submit(self._begin(entry))
        return entry.download

    def files(
        self, source: str, kind: Kind = "checkpoint", *, token: str = "", allow_pickle: bool = False
    ) -> list[Candidate]:
        """What `source` has of that kind to choose from; asks the network, and waits for it.

        Raises:
            DownloadError: it can't be asked, or means nothing.
        """
        sites = Sites(Fetcher(self._client, self._network.pauses[:1]), self._network.hub)
        asked = self._background.submit(offered(source, sites, kind, token, allow_pickle))
        try:
            return asked.result(LOOK_SECONDS)
        except TimeoutError as error:
            asked.cancel()
            raise DownloadError("There was no answer in time: try again later.") from error

    def close(self) -> None:
        """Stop everything. What has come stays, for another start."""
        self._background.close(CLOSE_SECONDS)
        for entry in self._entries.values():
            if not entry.download.ended:
                entry.tell(state="failed", error=STOPPED)

    def _entry(self, download_id: str) -> Entry:
        with self._lock:
            if download_id not in self._entries:
                raise UnknownDownloadError(download_id)
            return self._entries[download_id]

    @cached_property
    def _client(self) -> httpx.AsyncClient:
        # Reading the certificates takes a moment, which the server's start is not to wait for.
        return client(CheckedTransport(self._network.allows))

    @cached_property
    def _sites(self) -> Sites:
        fetcher = Fetcher(self._client, self._network.pauses)
        return Sites(fetcher, self._network.hub, self._network.civitai_endpoint)

    async def _begin(self, entry: Entry) -> None:
        entry.transfer = Transfer(entry.wish, entry.folder, self._sites, entry)
        entry.task = asyncio.create_task(self._run(entry, entry.transfer))

    async def _run(self, entry: Entry, transfer: Transfer) -> None:
        async with self._slots:
            entry.tell(state="running")
            try:
                finished = await transfer.run()
                path, sha256 = finished.path, finished.sha256
                done = entry.tell(path=path, name=path.name, sha256=sha256, speed=0.0)
                await asyncio.to_thread(self._tell_done, done)
                entry.tell(state="done")
            except DownloadError as error:
                entry.tell(state="failed", speed=0.0, error=str(error))
            except OSError as error:
                sentence = f"{entry.folder} can't be written: {error.strerror or error}."
                entry.tell(state="failed", speed=0.0, error=sentence)
            except Exception:
                log.exception("A download failed: %s", entry.download.source)
                sentence = "Something went wrong inside Darkroom: its log tells more."
                entry.tell(state="failed", speed=0.0, error=sentence)

    def _tell_done(self, download: Download) -> None:
        try:
            self._on_done(download)
        except Exception:
            log.exception("The catalog was not told of %s", download.path)

    async def _cancel(self, entry: Entry) -> None:
        if entry.task:
            entry.task.cancel()
            await asyncio.wait([entry.task])
        if entry.download.path:
            entry.tell(state="done")  # it was in its place already
            return
        if entry.transfer:
            entry.transfer.discard()
        entry.tell(state="cancelled", speed=0.0, done=0)


def _same(entry: Entry, wish: Wish, shown: str) -> bool:
    known = entry.download
    same = (known.source, known.kind, entry.wish.variant) == (shown, wish.kind, wish.variant)
    return same and not known.ended
