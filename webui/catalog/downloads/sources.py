"""What people paste: a repository on the Hub, an address there, or any other address."""

from __future__ import annotations

import re
from dataclasses import dataclass
from urllib.parse import parse_qs, unquote, urlencode, urlsplit, urlunsplit

import httpx

from webui.catalog.downloads.model import DownloadError

HUB_HOSTS = ("huggingface.co", "www.huggingface.co", "hf.co")
CIVITAI_HOSTS = ("civitai.com", "www.civitai.com")
CIVITAI_DOWNLOAD = "https://civitai.com/api/download/models/"
WORD = r"[A-Za-z0-9][A-Za-z0-9._-]*"
REPOSITORY = re.compile(rf"({WORD}/{WORD})(?:@([^:\s]+))?(?::(\S.*))?")
SECRETS = ("token", "key", "api_key", "apikey", "access_token", "signature", "x-amz-signature")


@dataclass(frozen=True)
class HubSource:
    """A repository of models on the Hub. `pattern`: which of its files, "" for what it holds as a whole."""

    repo: str
    revision: str = "main"
    pattern: str = ""

    def naming(self, file: str = "") -> str:
        """What to paste for that one file of it, or for the whole."""
        revision = "" if self.revision == "main" else f"@{self.revision}"
        return f"{self.repo}{revision}" + (f":{file}" if file else "")


@dataclass(frozen=True)
class UrlSource:
    """A file's own address."""

    url: str


def parse(source: str, endpoint: str) -> HubSource | UrlSource:
    """What `source` means; `endpoint` is the Hub's address.

    Raises:
        DownloadError: it means nothing.
    """
    source = source.strip()
    if source.lower().startswith(tuple(f"{host}/" for host in HUB_HOSTS + CIVITAI_HOSTS)):
        source = f"https://{source}"
    if "://" in source:
        return _from_address(source, endpoint)
    if found := REPOSITORY.fullmatch(source):
        return HubSource(found[1], found[2] or "main", found[3] or "")
    raise DownloadError(
        f'"{source[:200]}" is neither a repository on the Hugging Face Hub (as in "org/name" or '
        '"org/name:file.safetensors") nor an address that begins with https://.'
    )


def _from_address(source: str, endpoint: str) -> HubSource | UrlSource:
    try:
        address = urlsplit(source)
        host = (address.hostname or "").lower()
        httpx.URL(source)
    except (ValueError, httpx.InvalidURL) as error:
        raise DownloadError(f"That is not a proper address: {error}.") from error
    if address.scheme not in ("https", "http") or not host:
        raise DownloadError(f"Models are downloaded from https addresses, not from {address.scheme}://.")
    if address.username is not None:
        raise DownloadError("An address with a password in it is not downloaded from: give a token instead.")
    if host in HUB_HOSTS or address.netloc.lower() == urlsplit(endpoint).netloc.lower():
        return _from_hub_path(address.path)
    version = parse_qs(address.query).get("modelVersionId")
    if host in CIVITAI_HOSTS and address.path.startswith("/models/") and version:
        return UrlSource(CIVITAI_DOWNLOAD + version[0])
    return UrlSource(source)


def _from_hub_path(path: str) -> HubSource:
    parts = [unquote(part) for part in path.strip("/").split("/")]
    repo = "/".join(parts[:2])
    if not re.fullmatch(f"{WORD}/{WORD}", repo) or parts[0] in (
        "datasets",
        "spaces",
        "collections",
        "papers",
    ):
        raise DownloadError(
            "That address on the Hub is not a model's: paste one as https://huggingface.co/org/name."
        )
    if len(parts) < 4 or parts[2] not in ("blob", "resolve", "raw", "tree"):
        return HubSource(repo)
    inside = "/".join(parts[4:])
    return HubSource(repo, parts[3], f"{inside}/*" if parts[2] == "tree" and inside else inside)


def without_secrets(source: str) -> str:
    """`source` to be shown to others: what its query carries as a token or signature is left out."""
    if "://" not in source:
        return source
    address = urlsplit(source)
    kept = {name: value for name, value in parse_qs(address.query).items() if name.lower() not in SECRETS}
    return urlunsplit(address._replace(query=urlencode(kept, doseq=True)))
