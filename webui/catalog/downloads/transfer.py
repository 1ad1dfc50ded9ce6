"""From a wish to a model in its folder."""

from __future__ import annotations

import asyncio
import hashlib
import shutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path, PurePosixPath

import httpx

from webui.catalog.downloads import civitai
from webui.catalog.downloads.arrivals import FileArrival, FolderArrival, Report
from webui.catalog.downloads.choice import (
    FolderFile,
    candidates,
    choose_file,
    folder_files,
    single_files,
)
from webui.catalog.downloads.content import check_whole
from webui.catalog.downloads.fetch import Explain, Fetcher, Remote, explained, total_of
from webui.catalog.downloads.hub import Hub, Repository, token_or_own
from webui.catalog.downloads.model import BusyError, Candidate, DamagedError, Wish
from webui.catalog.downloads.names import harmless, own_name, suggested
from webui.catalog.downloads.partial import SUFFIX, Part, check_free, check_room, place_file, place_folder
from webui.catalog.downloads.sources import HubSource, parse, without_secrets
from webui.catalog.downloads.tokenizer import TokenizerArrival, check_tokenizer
from webui.catalog.entry import Kind


@dataclass(frozen=True)
class Sites:
    """Where downloads come from, and what fetches them."""

    fetcher: Fetcher
    hub_endpoint: str
    civitai_endpoint: str = civitai.ENDPOINT
    busy: set[Path] = field(default_factory=set[Path])
    """The unfinished files that are being written."""

    @property
    def hub(self) -> Hub:
        """The Hub, or its mirror."""
        return Hub(self.fetcher, self.hub_endpoint)


@dataclass(frozen=True)
class Finished:
    """A model in its place; `sha256` of a file, None for a folder."""

    path: Path
    sha256: str | None


async def offered(source: str, sites: Sites, kind: Kind, token: str, allow_pickle: bool) -> list[Candidate]:
    """What `source` has of that kind to choose from.

    Raises:
        DownloadError: it can't be asked, or means nothing.
    """
    parsed = parse(source, sites.hub_endpoint)
    if not isinstance(parsed, HubSource):
        answer = await sites.fetcher.look(parsed.url, token)
        return [Candidate(source, suggested(answer), size=total_of(answer))]
    token = token_or_own(token)
    repository = await sites.hub.repository(parsed, token)
    components = await sites.hub.components(repository, token)
    return candidates(parsed, repository.files, components, allow_pickle, kind)


class Transfer:
    """Carries out one wish, into `folder`. What is unfinished lies there too, hidden, until another start."""

    def __init__(self, wish: Wish, folder: Path, sites: Sites, report: Report) -> None:
        self._wish = wish
        self._folder = folder
        self._sites = sites
        self._report = report
        self._unfinished: Path | None = None

    async def run(self) -> Finished:
        """Download it.

        Raises:
            DownloadError: it can't be had.
            OSError: it can't be written.
        """
        try:
            return await self._run()
        finally:
            if self._unfinished:
                self._sites.busy.discard(self._unfinished)

    async def _run(self) -> Finished:
        source = parse(self._wish.source, self._sites.hub_endpoint)
        if isinstance(source, HubSource):
            return await self._from_hub(source)
        sha256 = self._wish.sha256 or await civitai.sha256_of(
            self._sites.fetcher, source.url, self._wish.token, self._sites.civitai_endpoint
        )
        return await self._file(Remote(source.url, self._wish.token, sha256=sha256), explained)

    def discard(self) -> None:
        """Delete what is unfinished."""
        if self._unfinished and self._unfinished.is_dir():
            shutil.rmtree(self._unfinished, ignore_errors=True)
        elif self._unfinished:
            Part(self._unfinished).discard()

    async def _from_hub(self, source: HubSource) -> Finished:
        token = token_or_own(self._wish.token)
        repository = await self._sites.hub.repository(source, token)
        if repository.is_folder and not source.pattern and not self._is_tokenizer:
            components = await self._sites.hub.components(repository, token)
            files = folder_files(source.repo, repository.files, components, self._wish.variant)
            return await self._model_folder(repository, files, token)
        kind, allow_pickle = self._wish.kind, self._wish.allow_pickle
        chosen = choose_file(source, single_files(repository.files, allow_pickle, kind), kind)
        remote = self._sites.hub.remote(repository, chosen, token)
        if self._wish.sha256:
            remote = replace(remote, sha256=self._wish.sha256)
        return await self._file(remote, self._explain(repository), own_name(chosen.path, source.repo))

    async def _file(self, remote: Remote, explain: Explain, theirs: str = "") -> Finished:
        part = Part(self._hidden(without_secrets(remote.url)))
        arrival = self._arrival(part)
        if theirs:
            arrival.settle(theirs)
        sha256 = await self._sites.fetcher.fetch(remote, part, arrival, explain)
        target = arrival.target or arrival.settle(harmless(httpx.URL(remote.url).path))
        await _check_whole(part, target.name, check_tokenizer if self._is_tokenizer else check_whole)
        return Finished(place_file(part, target), sha256)

    def _arrival(self, part: Part) -> FileArrival | TokenizerArrival:
        if self._is_tokenizer:
            return TokenizerArrival(self._report, self._folder)
        return FileArrival(self._report, self._folder, part, self._wish.name, self._wish.allow_pickle)

    @property
    def _is_tokenizer(self) -> bool:
        return self._wish.kind == "tokenizer"

    async def _model_folder(
        self, repository: Repository, files: Sequence[FolderFile], token: str
    ) -> Finished:
        target = self._folder / (self._wish.name or harmless(PurePosixPath(repository.source.repo).name))
        self._report.named(target.name)
        check_free(target)
        staged = self._hidden(f"{repository.source.repo}@{repository.commit}#{self._wish.variant}")
        total = sum(file.file.size for file in files)
        check_room(self._folder, max(0, total - _bytes_in(staged)))
        before = 0
        for file in files:
            # No file of it has a model's name before all are here, so that no catalog takes it for one.
            if not (staged / file.inside).is_file():
                arrival = FolderArrival(self._report, file, before, total)
                await self._folder_file(repository, file, staged, arrival, token)
            before += file.file.size
        for file in files:
            if (part := staged / f"{file.inside}{SUFFIX}").is_file():
                part.rename(staged / file.inside)
        return Finished(place_folder(staged, target), None)

    async def _folder_file(
        self, repository: Repository, file: FolderFile, staged: Path, arrival: FolderArrival, token: str
    ) -> None:
        part = Part(staged / f"{file.inside}{SUFFIX}")
        remote = self._sites.hub.remote(repository, file.file, token)
        await self._sites.fetcher.fetch(remote, part, arrival, self._explain(repository))
        await _check_whole(part, file.inside)
        part.done()

    def _explain(self, repository: Repository) -> Explain:
        return lambda response: self._sites.hub.explain(response, repository.source)

    def _hidden(self, key: str) -> Path:
        """Where what `key` names lies until it is whole: the same place for another start."""
        name = hashlib.sha256(key.encode()).hexdigest()[:16]
        path = self._folder / f".darkroom-{name}{SUFFIX}"
        if path in self._sites.busy:
            raise BusyError(f"{without_secrets(self._wish.source)} is being downloaded already.")
        self._sites.busy.add(path)
        self._unfinished = path
        return path


async def _check_whole(part: Part, name: str, check: Callable[[Path, str], None] = check_whole) -> None:
    try:
        await asyncio.to_thread(check, part.path, name)
    except DamagedError:
        part.discard()
        raise


def _bytes_in(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
