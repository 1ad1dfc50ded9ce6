"""What a file is by its first bytes, and whether a finished one is whole."""

from __future__ import annotations

import re
from pathlib import Path

from webui.catalog.downloads.model import DamagedError
from webui.catalog.downloads.names import SAFE

# The safetensors format allows a header of 100 MB; its first 8 bytes are the header's size.
MAX_HEADER = 100_000_000
WEB_PAGE = re.compile(rb"^\s*(\xef\xbb\xbf)?\s*(<!doctype html|<html|<head|<\?xml|<!--)", re.IGNORECASE)
JSON = re.compile(rb'^\s*[{\[]\s*["{\[\]}]')
ZIP, PICKLE = b"PK\x03\x04", b"\x80"


def looks_like_safetensors(start: bytes) -> bool:
    """Whether a file that begins with `start` (9 bytes or more) can be in the safetensors format."""
    return 2 <= int.from_bytes(start[:8], "little") <= MAX_HEADER and start[8:9] == b"{"


def is_web_page(start: bytes, content_type: str) -> bool:
    """Whether an answer that begins with `start` is a page for people."""
    return bool(WEB_PAGE.match(start)) or content_type.startswith("text/html")


def check_start(start: bytes, content_type: str, suffix: str, host: str) -> None:
    """Refuse a download whose first bytes can't be a model file of the extension `suffix`.

    Raises:
        DamagedError: a web page, an error in JSON, or something else.
    """
    if suffix == ".safetensors" and looks_like_safetensors(start):
        return
    if suffix not in (".safetensors", "") and start.startswith((ZIP, PICKLE)):
        return
    if is_web_page(start, content_type):
        raise DamagedError(f"{host} gave a web page, not a model file: it may want a login or a token.")
    if JSON.match(start):
        said = " ".join(start[:200].decode(errors="replace").split())
        raise DamagedError(f"{host} gave a message, not a model file: {said}")
    kind = f"{suffix} model" if suffix else "model"
    raise DamagedError(f"What {host} gave is not a {kind} file: it doesn't begin as one.")


def check_whole(file: Path, name: str) -> None:
    """Refuse a safetensors file whose header doesn't fit its size; other files aren't looked at.

    Raises:
        DamagedError: it is damaged or cut off.
    """
    if not name.lower().endswith(SAFE):
        return
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(file, framework="np"):
            pass
    except SafetensorError as error:
        raise DamagedError(f"{name} arrived damaged ({error}): it was thrown away, so try again.") from error
