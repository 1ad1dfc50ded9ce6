"""Pictures that people bring, whatever they are: read safely, upright, 8 bits a colour."""

from __future__ import annotations

from typing import BinaryIO

from PIL import Image

from webui.imaging.files import brands, picture_file
from webui.imaging.modes import plain

MAX_PIXELS = 100_000_000
FORMATS = "a PNG, JPEG, WebP, AVIF, GIF, BMP or TIFF file"
HEIC = (b"heic", b"heix", b"hevc", b"heim", b"heis", b"mif1")
JPEG_XL = (b"\xff\x0a", b"\0\0\0\x0cJXL ")
SHOWN = 60


class PictureError(ValueError):
    """What was given can't be used as a picture; the text is a sentence that says why and the way out."""


def read_picture(source: bytes | BinaryIO, name: str = "", max_pixels: int = MAX_PIXELS) -> Image.Image:
    """The picture in a file: RGB, or RGBA if any of it is transparent; turned as its EXIF says.

    Of animations it is the first frame. Nothing but pixels is kept. `name` is what sentences call it.

    Raises:
        PictureError: it is no picture, of an unknown format, damaged, cut short, or has more than
            `max_pixels` pixels, which is found out before it is decoded.
    """
    data = source if isinstance(source, bytes) else source.read()
    called = f'"{name[:SHOWN]}"' if name else "This file"
    if not data:
        raise PictureError(f"{called} is empty: the file has no bytes. Choose {FORMATS}.")
    try:
        return _decoded(data, called, max_pixels)
    except PictureError:
        raise
    except Exception as error:  # Pillow's readers fail in every way there is on files that are damaged
        raise PictureError(
            f"{called} is damaged or was cut short, and can't be read. Choose another."
        ) from error


def read_mask(source: bytes | BinaryIO, name: str = "", max_pixels: int = MAX_PIXELS) -> Image.Image:
    """The mask in a file: L, white where a picture is to change.

    Of a picture that has transparent parts the opaque ones are the mask, as with A1111; else it is how light
    it is.

    Raises:
        PictureError: as `read_picture`.
    """
    image = read_picture(source, name, max_pixels)
    return image.getchannel("A") if image.mode == "RGBA" else image.convert("L")


def _decoded(data: bytes, called: str, max_pixels: int) -> Image.Image:
    file = picture_file(data)
    if file is None:
        raise PictureError(f"{called} {_unknown(data)}")
    pixels = file.width * file.height
    if pixels > max_pixels:
        raise PictureError(
            f"{called} has {file.width:,}x{file.height:,} pixels, and {max_pixels:,} in all are the limit. "
            "Make it smaller first."
        )
    if pixels < 1:
        raise PictureError(f"{called} has no pixels. Choose another.")
    return plain(file.decode())


def _unknown(data: bytes) -> str:
    if any(brand in HEIC for brand in brands(data)):
        return "is a HEIC picture, as phones take them, and can't be read here. Save it as JPEG or PNG first."
    if data.startswith(JPEG_XL):
        return "is a JPEG XL picture, which can't be read here. Save it as JPEG or PNG first."
    if b"<svg" in data[:4096].lower():
        return "is an SVG drawing, which has no pixels. Save it as PNG first."
    return f"is not a picture that can be read. Choose {FORMATS}."
