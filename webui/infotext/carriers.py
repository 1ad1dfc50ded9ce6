"""Where pictures carry texts: PNG chunks, the EXIF user comment of JPEG, WebP and AVIF, GIF comments."""

from __future__ import annotations

import logging
import struct
from collections.abc import Iterator
from pathlib import Path

from PIL import Image, features
from PIL.ExifTags import IFD, Base
from PIL.PngImagePlugin import PngInfo

PARAMETERS = "parameters"
"""The name of A1111's text, in PNG files and here for all others but GIF."""
COMMENT = "comment"
FORMATS = {"png": "PNG", "jpg": "JPEG", "jpeg": "JPEG", "webp": "WEBP", "avif": "AVIF"}
MAX_SEGMENT = 65_533 - 64
"""Bytes of text that fit into JPEG's one segment of EXIF, less what is around them."""
MAX_ITEM = 4 * 2**20
"""Signs. Longer texts in a picture are left alone."""
PREFIX = 8
UNICODE, ASCII = b"UNICODE\0", b"ASCII\0\0\0"
TIFF_HEADER = 8
LONG, UNDEFINED = 4, 7
ENTRIES = struct.Struct(">HHHIII")
"""A directory of one entry: count, tag, type, length, offset, and no directory after it."""
# ComfyUI's WebP files hold "prompt:{...}" and "workflow:{...}" in these, Fooocus's its text in the last one.
MAIN_TAGS = (Base.ImageDescription, Base.Make, Base.Model, Base.Software, Base.UserComment)

log = logging.getLogger(__name__)


class CarrierError(ValueError):
    """A picture can't be saved as asked; the text says why and the way out."""


def save(
    image: Image.Image,
    path: Path,
    text: str | None,
    *,
    format: str,  # noqa: A002
    quality: int,
    lossless: bool,
) -> None:
    """Write `image` to `path` with `text` inside (None: without).

    `format` is png, jpg, webp or avif, whatever the path ends with; `quality`, 1 to 100, is for jpg, webp and
    avif, `lossless` for webp. JPEG has room for 64 KB of text only: a longer one is left out.

    Raises:
        CarrierError: the format isn't one of them, can't be written here or can't hold so large a picture.
        OSError: the file can't be written.
    """
    name = FORMATS.get(format.lower())
    if name is None:
        raise CarrierError(f'Pictures can\'t be saved as "{format}". Choose png, jpg, webp or avif.')
    if name == "AVIF" and not features.check("avif"):
        raise CarrierError(
            "AVIF can't be written here: this Pillow was built without it. Choose webp or png."
        )
    try:
        if name == "PNG":
            image.save(path, name, pnginfo=_png_text(text))
        elif name == "JPEG":
            _opaque(image).save(path, name, quality=quality, exif=_exif(text, MAX_SEGMENT))
        else:
            options = {"lossless": lossless} if name == "WEBP" else {}
            image.save(path, name, quality=quality, exif=_exif(text), **options)
    except ValueError as error:
        told = f"A picture of {image.width}x{image.height} can't be saved as {format}"
        raise CarrierError(f"{told} ({error}). Choose png.") from error


def _opaque(image: Image.Image) -> Image.Image:
    return image if image.mode in ("RGB", "L") else image.convert("RGB")


def _png_text(text: str | None) -> PngInfo | None:
    if text is None:
        return None
    info = PngInfo()
    info.add_text(PARAMETERS, text)
    return info


def _exif(text: str | None, room: int | None = None) -> bytes:
    """EXIF whose user comment is `text`, in UTF-16; where that has no room but ASCII has, in ASCII."""
    if text is None:
        return b""
    comment = UNICODE + text.encode("utf-16-be")
    if room and len(comment) > room and text.isascii():
        comment = ASCII + text.encode()
    if room and len(comment) > room:
        log.warning("An infotext of %d signs has no room in a JPEG file and was left out.", len(text))
        return b""
    return _exif_of(comment)


def _exif_of(comment: bytes) -> bytes:
    """EXIF with nothing but a user comment, of type UNDEFINED: A1111 can't read Pillow's, which is BYTE."""
    main = ENTRIES.pack(1, IFD.Exif, LONG, 1, TIFF_HEADER + ENTRIES.size, 0)
    inner = ENTRIES.pack(1, Base.UserComment, UNDEFINED, len(comment), TIFF_HEADER + 2 * ENTRIES.size, 0)
    return b"Exif\0\0" + b"MM\0*" + TIFF_HEADER.to_bytes(4) + main + inner + comment


def items_of(image: Image.Image) -> dict[str, str]:
    """The texts that an opened picture carries, by name, without decoding it.

    A1111's is "parameters", wherever it stands; but that in a GIF, and whatever a JPEG says of itself, is
    "comment".
    """
    found = {
        name: text
        for name, value in image.info.items()
        if isinstance(name, str)
        and (text := _text(value)) is not None
        and name not in ("exif", "icc_profile")
    }
    for name, text in _exif_texts(image):
        found.setdefault(name, text)
    return {name: text for name, text in found.items() if text and len(text) <= MAX_ITEM}


def _text(value: object) -> str | None:
    if isinstance(value, bytes):
        return value.decode("utf-8", "replace")
    return str(value) if isinstance(value, str) else None


def _exif_texts(image: Image.Image) -> Iterator[tuple[str, str]]:
    try:
        exif = image.getexif()
        comment = exif.get_ifd(IFD.Exif).get(Base.UserComment.value)
        main = {tag: exif.get(tag.value) for tag in MAIN_TAGS}
    except Exception as error:  # Pillow's reader of EXIF raises what it likes on what isn't EXIF
        log.info("EXIF that can't be read: %s", error)
        return
    if comment is not None:
        yield PARAMETERS, user_comment(comment)
    for tag, value in main.items():
        text = user_comment(value) if tag is Base.UserComment else _text(value)
        if text and tag is Base.UserComment:
            yield PARAMETERS, text
        elif text:
            name, colon, rest = text.partition(":")
            yield (name.lower(), rest) if colon and rest.startswith("{") else (tag.name, text)


def user_comment(value: object) -> str:
    """The text of an EXIF user comment: 8 bytes that name the encoding, and the text.

    UTF-16 is in either byte order: writers differ, some go by the EXIF's own, some don't.
    """
    if not isinstance(value, bytes):
        return str(value or "")
    code, body = value[:PREFIX], value[PREFIX:]
    if code == UNICODE:
        return _utf16(body).strip("\0")
    if code in (ASCII, bytes(PREFIX)):
        value = body
    return value.decode("utf-8", "replace").strip("\0")


def _utf16(body: bytes) -> str:
    if body.startswith((b"\xfe\xff", b"\xff\xfe")):
        return body.decode("utf-16", "replace")
    # Settings are in English: of their letters one byte is 0, the first where the order is big-endian.
    big = body[0::2].count(0) >= body[1::2].count(0)
    return body.decode("utf-16-be" if big else "utf-16-le", "replace")
