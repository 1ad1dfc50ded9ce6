"""How a picture to start from is named: an upload, a finished picture, a file, or the file itself."""

from __future__ import annotations

import base64
import binascii
import re
from dataclasses import dataclass

from webui.imaging.reading import PictureError

UPLOAD = re.compile(r"[0-9a-f]{32}")
FINISHED = re.compile(r"([0-9a-f]{32})/([0-9]{1,6})")
BATCH = "batch:"
ADDRESS = re.compile(r"[a-z][a-z0-9+.-]{0,20}://", re.IGNORECASE)
SPACE = b" \t\n\r\v\f"
DATA_URL = re.compile(r"data:[^,]{0,200}", re.IGNORECASE)


@dataclass(frozen=True)
class Uploaded:
    """A picture that its owner has uploaded."""

    id: str


@dataclass(frozen=True)
class Finished:
    """A picture that one of its owner's jobs has made."""

    job: str
    number: int

    def __str__(self) -> str:
        return f"{self.job}/{self.number}"


@dataclass(frozen=True)
class InFolder:
    """A picture in the server's batch folder. `path` is relative to that, with forward slashes."""

    path: str

    def __str__(self) -> str:
        return f"{BATCH}{self.path}"


@dataclass(frozen=True)
class Enclosed:
    """The picture's file itself, as base64 or as a data URL."""

    text: str


Named = Uploaded | Finished | InFolder | Enclosed


def read_name(name: str) -> Named:
    """What `name` means. Whatever is no name counts as the picture itself."""
    if UPLOAD.fullmatch(name):
        return Uploaded(name)
    if found := FINISHED.fullmatch(name):
        return Finished(found[1], int(found[2]))
    if name.startswith(BATCH):
        return InFolder(name.removeprefix(BATCH))
    return Enclosed(name)


def decoded(enclosed: Enclosed) -> bytes:
    """The file that was enclosed.

    Raises:
        PictureError: it isn't base64.
    """
    text = enclosed.text
    if ADDRESS.match(text):
        raise PictureError("Pictures aren't fetched from addresses. Send the picture itself as base64.")
    if found := DATA_URL.match(text):
        if not found[0].lower().endswith(";base64"):
            raise PictureError("This data URL isn't base64. Send the picture as base64.")
        text = text[found.end() + 1 :]
    try:
        data = text.encode("ascii").translate(None, SPACE).rstrip(b"=")
        return base64.b64decode(data + b"=" * (-len(data) % 4), validate=True)
    except (binascii.Error, ValueError) as error:  # ValueError: letters beyond ASCII
        raise PictureError(
            "This is neither the id of an uploaded picture, nor <job>/<number> of a finished one, nor base64."
        ) from error
