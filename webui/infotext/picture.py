"""What a picture tells of how it was made, whichever program made it."""

from __future__ import annotations

import io
import json
from dataclasses import dataclass, field
from typing import BinaryIO, cast

from PIL import Image

from webui.infotext.carriers import COMMENT, PARAMETERS, items_of
from webui.infotext.foreign import read_foreign
from webui.infotext.pairs import MAX_TEXT
from webui.infotext.read import Infotext, looks_like_infotext, read
from webui.infotext.stealth import MAX_PIXELS, read_stealth

FORMATS = ("PNG", "JPEG", "WEBP", "AVIF", "GIF")


class InfotextError(ValueError):
    """What was given can't be read as a picture; the text says why."""


@dataclass(frozen=True)
class PictureInfo:
    """A picture's metadata. `infotext` is None and `text` empty where nothing tells how it was made.

    `format` is Pillow's name for it, or TXT for a text file, which has no width and height.
    """

    infotext: Infotext | None
    text: str
    source: str
    items: dict[str, str] = field(default_factory=dict[str, str])
    """Every text that the picture carries, by name."""
    width: int = 0
    height: int = 0
    format: str = ""


def read_picture(data: bytes | BinaryIO) -> PictureInfo:
    """What a picture, or the text file beside one, tells. Pixels are decoded only if nothing else does.

    Raises:
        InfotextError: it is neither, it is broken, or its metadata is too large.
    """
    stream = io.BytesIO(data) if isinstance(data, bytes) else data
    try:
        with Image.open(stream, formats=FORMATS) as image:
            return _read(image)
    except Image.UnidentifiedImageError as error:
        if found := _text_file(stream):
            return found
        raise InfotextError(
            "This is not a picture that can be read. Choose a PNG, JPEG, WebP, AVIF or GIF file."
        ) from error
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        raise InfotextError("This picture has too many pixels to be opened.") from error
    except (ValueError, OSError, SyntaxError, EOFError) as error:
        raise InfotextError(f"This picture can't be read: {error}.") from error


def _read(image: Image.Image) -> PictureInfo:
    items = items_of(image)
    found = _infotext(items, image)
    if found is None and image.format in ("PNG", "WEBP"):
        items = _hidden(image) | items
        found = _infotext(items, image)
    info, text = found or (None, "")
    source = info.source if info else ""
    return PictureInfo(info, text, source, items, image.width, image.height, image.format or "")


def _infotext(items: dict[str, str], image: Image.Image) -> tuple[Infotext, str] | None:
    if foreign := read_foreign(items, image.width, image.height):
        return foreign
    text, comment = items.get(PARAMETERS, ""), items.get(COMMENT, "")
    if not text and looks_like_infotext(comment):
        text = comment
    return (read(text), text) if text else None


def _hidden(image: Image.Image) -> dict[str, str]:
    """Texts that only show once the picture is decoded: behind its pixels, or in them."""
    if image.width * image.height > MAX_PIXELS:
        return {}
    try:
        image.load()
        late = items_of(image)
        text = None if PARAMETERS in late else read_stealth(image)
    except (OSError, ValueError, SyntaxError):
        return {}
    return late | (_hidden_items(text) if text else {})


def _hidden_items(text: str) -> dict[str, str]:
    """What a hidden text holds: NovelAI's is JSON of what it writes in chunks too, others' is A1111's."""
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        return {PARAMETERS: text}
    if not isinstance(found, dict):
        return {PARAMETERS: text}
    return {
        str(name): value for name, value in cast("dict[str, object]", found).items() if isinstance(value, str)
    }


def _text_file(stream: BinaryIO) -> PictureInfo | None:
    stream.seek(0)
    data = stream.read(4 * MAX_TEXT + 1)
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError:
        return None
    if not looks_like_infotext(text):
        return None
    found = read(text)
    return PictureInfo(found, text, found.source, format="TXT")
