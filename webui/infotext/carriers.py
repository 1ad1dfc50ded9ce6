"""Where pictures carry texts: PNG chunks, the EXIF user comment of JPEG, WebP and AVIF, GIF comments."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from PIL import Image, features
from PIL.ExifTags import Base
from PIL.PngImagePlugin import PngInfo

from webui.infotext.exif import exif_of, user_comment, values_of
from webui.infotext.pairs import clean

PARAMETERS = "parameters"
"""The name of A1111's text, in PNG files and here for all others but GIF."""
COMMENT = "comment"
FORMATS = {"png": "PNG", "jpg": "JPEG", "jpeg": "JPEG", "webp": "WEBP", "avif": "AVIF"}
MAX_SEGMENT = 65_533 - 64
"""Bytes of text that fit into JPEG's one segment of EXIF, less what is around them."""
MAX_ITEM = 4 * 2**20
"""Signs. Longer texts in a picture are left alone."""
IN_BYTES = ("comment", "xmp")
"""What Pillow tells in bytes and is text."""
EXIF_PROFILE = "Raw profile type exif"


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
            _opaque(image).save(path, name, quality=quality, exif=exif_of(text, MAX_SEGMENT))
        else:
            options = {"lossless": lossless} if name == "WEBP" else {}
            image.save(path, name, quality=quality, exif=exif_of(text), **options)
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


def items_of(image: Image.Image) -> dict[str, str]:
    """The texts that an opened picture carries, by name, without decoding it.

    A1111's is "parameters", wherever it stands; but that in a GIF, and whatever a JPEG says of itself, is
    "comment".
    """
    return items_in(image.info)


def items_in(info: Mapping[Any, object]) -> dict[str, str]:
    """The same, of what Pillow calls a picture's info: the file's texts, and its EXIF in bytes."""
    found = {str(name): value for name, value in info.items() if isinstance(value, str)}
    for name in IN_BYTES:
        if isinstance(value := info.get(name), bytes):
            found[name] = value.decode("utf-8", "replace")
    for name, text in _exif_texts(_exif(info)):
        if text:
            found.setdefault(name, text)
    return {clean(name): clean(text) for name, text in found.items() if text and len(text) <= MAX_ITEM}


def _exif(info: Mapping[Any, object]) -> bytes:
    """EXIF as it stands in the file, or as ImageMagick puts it into a PNG's text: in hexadecimal digits."""
    if isinstance(exif := info.get("exif"), bytes):
        return exif
    profile = info.get(EXIF_PROFILE)
    try:
        return bytes.fromhex("".join(profile.split("\n")[3:])) if isinstance(profile, str) else b""
    except ValueError:
        return b""


def _exif_texts(exif: bytes) -> Iterator[tuple[str, str]]:
    for tag, value in values_of(exif):
        if tag is Base.UserComment:
            yield PARAMETERS, user_comment(value)
            continue
        text = value.decode("utf-8", "replace").strip("\0")
        name, colon, rest = text.partition(":")
        yield (name.lower(), rest) if colon and rest.startswith("{") else (tag.name, text)
