"""CivitAI's side knowledge of a file: its sha256."""

from __future__ import annotations

import logging
import re
from typing import Any
from urllib.parse import parse_qs, urlsplit

from pydantic import BaseModel, ValidationError

from webui.catalog.downloads.fetch import Fetcher
from webui.catalog.downloads.model import DownloadError
from webui.catalog.downloads.sources import SECRETS

log = logging.getLogger(__name__)

ENDPOINT = "https://civitai.com"
DOWNLOAD = re.compile(r"/api/download/models/(\d+)/?")


class File(BaseModel):
    """One file of a model version, as its API tells it."""

    downloadUrl: str = ""  # noqa: N815
    primary: bool = False
    hashes: dict[str, str | None] = {}


class Version(BaseModel):
    """A model version, as its API tells it."""

    files: list[File] = []


async def sha256_of(fetcher: Fetcher, url: str, token: str, endpoint: str = ENDPOINT) -> str:
    """The sha256, in hex, of what the download address `url` gives; "" if it isn't CivitAI's or isn't told.

    Its API: GET /api/v1/model-versions/{id}. https://developer.civitai.com/docs/api/public-rest
    """
    found = DOWNLOAD.fullmatch(urlsplit(url).path)
    if not found or urlsplit(url).netloc.lower() != urlsplit(endpoint).netloc.lower():
        return ""
    try:
        answer = await fetcher.get(f"{endpoint}/api/v1/model-versions/{found[1]}", token)
        files = Version.model_validate_json(answer.content).files
    except (DownloadError, ValidationError) as error:
        log.info("CivitAI doesn't tell the hash of %s: %s", found[0], error)
        return ""
    wanted = _choice(url)
    same = [file for file in files if _choice(file.downloadUrl) == wanted]
    chosen = same or [file for file in files if file.primary and not wanted]
    return ((chosen[0].hashes.get("SHA256") or "") if len(chosen) == 1 else "").lower()


def _choice(url: str) -> dict[str, Any]:
    """Which of a version's files an address asks for; nothing: the primary one."""
    query = parse_qs(urlsplit(url).query)
    return {name: value for name, value in query.items() if name.lower() not in SECRETS}
