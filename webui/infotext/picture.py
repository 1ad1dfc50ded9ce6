"""What a picture tells of how it was made, whichever program made it."""

from __future__ import annotations

import io
import json
from dataclasses import dataclass, field
from typing import BinaryIO, cast

from PIL import Image, features

from webui.infotext import gif_blocks, jpeg_segments, png_chunks
from webui.infotext.carriers import COMMENT, PARAMETERS, items_in, items_of
from webui.infotext.foreign import read_foreign
from webui.infotext.gif_blocks import read_gif
from webui.infotext.jpeg_segments import read_jpeg
from webui.infotext.pairs import MAX_TEXT, clean
from webui.infotext.png_chunks import sifted
from webui.infotext.read import Infotext, looks_like_infotext, read
from webui.infotext.stealth import MAX_PIXELS, read_stealth

AVIF_BRANDS = (b"avif", b"avis", b"mif1", b"msf1")


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
    data = data if isinstance(data, bytes) else data.read()
    try:
        return _read(data)
    except Image.UnidentifiedImageError as error:
        if found := _text_file(data):
            return found
        raise InfotextError(
            "This is not a picture that can be read, nor a text with parameters. "
            "Choose a PNG, JPEG, WebP, AVIF, GIF or TXT file."
        ) from error
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        raise InfotextError("This picture has too many pixels to be opened.") from error
    except (ValueError, OSError, SyntaxError, EOFError, RuntimeError) as error:
        raise InfotextError(f"This picture is damaged and can't be read ({_uncapped(error)}).") from error


def _read(data: bytes) -> PictureInfo:
    if data.startswith(jpeg_segments.START):
        jpeg = read_jpeg(data)
        return _told(items_in(jpeg.info), jpeg.width, jpeg.height, "JPEG")
    if data.startswith(gif_blocks.STARTS):
        gif = read_gif(data)
        return _told(items_in({COMMENT: gif.comment}), gif.width, gif.height, "GIF")
    if data[4:8] == b"ftyp" and data[8:12] in AVIF_BRANDS and features.check("avif"):
        return _read_avif(data)
    return _read_by_pillow(sifted(data) if data.startswith(png_chunks.SIGNATURE) else data)


def _read_avif(data: bytes) -> PictureInfo:
    """By Pillow's decoder itself: around it Pillow would read EXIF, which may be made to fill the memory."""
    from PIL import _avif  # pyright: ignore[reportPrivateUsage]

    (width, height), _, _, _, exif, _, xmp = _avif.AvifDecoder(data, "auto", 1).get_info()
    return _told(items_in({"exif": exif, "xmp": xmp}), width, height, "AVIF")


def _read_by_pillow(data: bytes) -> PictureInfo:
    with Image.open(io.BytesIO(data), formats=("PNG", "WEBP")) as image:
        size = (image.width, image.height, image.format or "")
        told = _told(items_of(image), *size)
        return told if told.infotext else _told(_hidden(image) | told.items, *size)


def _told(items: dict[str, str], width: int, height: int, kind: str) -> PictureInfo:
    info, text = _infotext(items, width, height) or (None, "")
    return PictureInfo(info, text, info.source if info else "", items, width, height, kind)


def _infotext(items: dict[str, str], width: int, height: int) -> tuple[Infotext, str] | None:
    if foreign := read_foreign(items, width, height):
        return foreign
    text, comment = items.get(PARAMETERS, ""), items.get(COMMENT, "")
    if not text and looks_like_infotext(comment):
        text = comment
    return (read(text), text) if text else None


def _hidden(image: Image.Image) -> dict[str, str]:
    """Texts in the pixels, which are decoded for it."""
    if image.width * image.height > MAX_PIXELS:
        return {}
    try:
        text = read_stealth(image)
    except (OSError, ValueError, SyntaxError, RuntimeError):
        return {}
    return _hidden_items(text) if text else {}


def _hidden_items(text: str) -> dict[str, str]:
    """What a hidden text holds: NovelAI's is JSON of what it writes in chunks too, others' is A1111's."""
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        found = None
    if not isinstance(found, dict):
        return {PARAMETERS: text}
    told = cast("dict[str, object]", found)
    return {clean(name): clean(value) for name, value in told.items() if isinstance(value, str)}


def _text_file(data: bytes) -> PictureInfo | None:
    try:
        text = data[: 4 * MAX_TEXT + 1].decode("utf-8-sig")
    except UnicodeDecodeError:
        return None
    if not looks_like_infotext(text):
        return None
    found = read(text)
    return PictureInfo(found, text, found.source, format="TXT")


def _uncapped(error: Exception) -> str:
    """What went wrong in the library's words, so that it can stand within a sentence."""
    text = str(error).rstrip(".")
    return text[:1].lower() + text[1:] if text else type(error).__name__
