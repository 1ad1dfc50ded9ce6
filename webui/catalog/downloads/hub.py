"""The Hugging Face Hub: what a repository holds, and where its files lie.

The bytes come through `fetch`, not through huggingface_hub's own download functions: those throw away
what has come when they are stopped, and obey the process's offline switch, which is to stay on here.
"""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from urllib.parse import quote

import httpx
from pydantic import BaseModel, ValidationError

from webui.catalog.downloads.choice import INDEX, HubFile
from webui.catalog.downloads.fetch import Fetcher, Remote, explained
from webui.catalog.downloads.model import DownloadError
from webui.catalog.downloads.sources import HubSource

# Checked by the pipelines of Stable Diffusion 1 and 2 and by nothing else; 1.2 GB.
UNNEEDED = ("safety_checker",)


class Lfs(BaseModel):
    """What the Hub knows of a large file."""

    sha256: str = ""


class Sibling(BaseModel):
    """One file in the Hub's answer."""

    rfilename: str
    size: int | None = None
    lfs: Lfs | None = None


class Answer(BaseModel):
    """GET /api/models/{repo}/revision/{revision}?blobs=true, as far as it is needed."""

    sha: str
    siblings: list[Sibling] = []


@dataclass(frozen=True)
class Repository:
    """A repository at one commit, so that all of its files belong together."""

    source: HubSource
    commit: str
    files: tuple[HubFile, ...]

    @property
    def is_folder(self) -> bool:
        """Whether it is in diffusers' folder format."""
        return any(file.path == INDEX for file in self.files)


def default_endpoint() -> str:
    """The Hub's address, or its mirror's: HF_ENDPOINT, as everywhere."""
    return os.environ.get("HF_ENDPOINT", "").rstrip("/") or "https://huggingface.co"


def token_or_own(token: str) -> str:
    """`token`, else the one of this machine: HF_TOKEN, or what `hf auth login` left."""
    if token:
        return token
    # It takes long to import.
    from huggingface_hub import get_token

    return get_token() or ""


class Hub:
    """The Hub at `endpoint`."""

    def __init__(self, fetcher: Fetcher, endpoint: str) -> None:
        self._fetcher = fetcher
        self._endpoint = endpoint

    async def repository(self, source: HubSource, token: str) -> Repository:
        """What it holds.

        Raises:
            DownloadError: it can't be had.
        """
        revision = quote(source.revision, safe="")
        url = f"{self._endpoint}/api/models/{source.repo}/revision/{revision}?blobs=true"
        answer = await self._fetcher.get(url, token, lambda response: self.explain(response, source))
        try:
            told = Answer.model_validate_json(answer.content)
        except ValidationError as error:
            raise DownloadError(f"{answer.url.host} doesn't answer as the Hugging Face Hub does.") from error
        files = [
            HubFile(file.rfilename, file.size or 0, file.lfs.sha256 if file.lfs else "")
            for file in told.siblings
        ]
        return Repository(source, told.sha, tuple(files))

    async def components(self, repository: Repository, token: str) -> list[str]:
        """The folders that its model_index.json names, those that aren't needed left out; none without one.

        Raises:
            DownloadError: that file can't be had or read.
        """
        if not repository.is_folder:
            return []
        remote = self.remote(repository, HubFile(INDEX, 0), token)
        answer = await self._fetcher.get(remote.url, token, lambda got: self.explain(got, repository.source))
        try:
            index = json.loads(answer.content)
            pipeline = str(index.get("_class_name", ""))
        except (ValueError, AttributeError) as error:
            raise DownloadError(f"The {INDEX} of {repository.source.repo} is damaged.") from error
        unneeded = UNNEEDED if pipeline.startswith("StableDiffusion") else ()
        named = [name for name, value in index.items() if isinstance(value, list) and all(value)]
        return [name for name in named if name not in unneeded]

    def remote(self, repository: Repository, file: HubFile, token: str) -> Remote:
        """Where one of its files is fetched."""
        from huggingface_hub import hf_hub_url

        url = hf_hub_url(
            repository.source.repo, file.path, revision=repository.commit, endpoint=self._endpoint
        )
        return Remote(url, token, file.size or None, file.sha256)

    def explain(self, response: httpx.Response, source: HubSource) -> str:
        """Why the Hub refused: it tells in a header of its own."""
        page = f"{self._endpoint}/{source.repo}"
        reason = response.headers.get("x-error-code", "")
        if reason == "GatedRepo":
            return (
                f"{source.repo} is only for those who accepted its terms: do so on {page}, "
                "and give a token of yours (or set HF_TOKEN)."
            )
        if reason == "RevisionNotFound":
            return f'{source.repo} has no revision "{source.revision}".'
        if reason in ("RepoNotFound", "") and response.status_code in (401, 404):
            return (
                f"There is no repository {source.repo} at {response.url.host}, or it is private: see {page}."
            )
        return explained(response)
