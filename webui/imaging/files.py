"""The files that pictures come in: their size, told before anything is decoded, and their pixels.

Files are opened by the plugin of their format, never by Pillow's guess, which knows formats that run
programs; and cut down before, since Pillow's readers of metadata take any time and memory that a file asks
for.
"""

from __future__ import annotations

import io
from collections.abc import Callable
from dataclasses import dataclass

from PIL import Image, features
from PIL.BmpImagePlugin import BmpImageFile
from PIL.GifImagePlugin import GifImageFile
from PIL.JpegImagePlugin import JpegImageFile
from PIL.PngImagePlugin import PngImageFile
from PIL.TiffImagePlugin import TiffImageFile
from PIL.WebPImagePlugin import WebPImageFile

from webui.imaging import tiff
from webui.imaging.modes import upright
from webui.imaging.stripped import gif_frame, jpeg_pixels
from webui.infotext import gif_blocks, jpeg_segments, png_chunks
from webui.infotext.exif import orientation_of
from webui.infotext.png_chunks import sifted

BMP_COMPRESSIONS = (1, 2)
"""Run lengths: rare, and slow to read."""
CHUNK = 8
"""Bytes before a RIFF chunk's data."""


@dataclass(frozen=True)
class PictureFile:
    """A picture's size in pixels, as it lies in the file, and how to decode it, upright."""

    width: int
    height: int
    decode: Callable[[], Image.Image]


def picture_file(data: bytes) -> PictureFile | None:
    """What `data` is, by its first bytes; None if it is no picture of a known format.

    Raises:
        Exception: of any kind, where it is damaged.
    """
    for known, opener in OPENERS:
        if known(data):
            return opener(data)
    return None


def brands(data: bytes) -> list[bytes]:
    """What a file of MPEG's family (AVIF, HEIC) says it is."""
    if data[4:8] != b"ftyp":
        return []
    end = min(int.from_bytes(data[:4]), 256)
    return [data[at : at + 4] for at in (8, *range(16, end, 4))]


def _png(data: bytes) -> PictureFile:
    image = PngImageFile(io.BytesIO(sifted(data, texts=False)))
    return _turned(image, orientation_of(image.info.get("exif", b"")))


def _jpeg(data: bytes) -> PictureFile:
    head = jpeg_segments.read_jpeg(data)
    image = JpegImageFile(io.BytesIO(jpeg_pixels(data)))
    return _turned(image, orientation_of(head.info.get("exif", b"")))


def _gif(data: bytes) -> PictureFile:
    return _turned(GifImageFile(io.BytesIO(gif_frame(data))), 1)


def _bmp(data: bytes) -> PictureFile:
    if int.from_bytes(data[14:18], "little") >= 40 and data[30] in BMP_COMPRESSIONS:
        raise ValueError("it is packed in a way that isn't known here")
    return _turned(BmpImageFile(io.BytesIO(data)), 1)


def _tiff(data: bytes) -> PictureFile:
    cut, (width, height) = tiff.pixels_alone(data)
    return PictureFile(width, height, lambda: TiffImageFile(io.BytesIO(cut)))


def _turned(image: Image.Image, orientation: int) -> PictureFile:
    return PictureFile(*image.size, lambda: upright(image, orientation))


def _webp(data: bytes) -> PictureFile:
    def decode() -> Image.Image:
        # Only now: opening it takes memory for its whole canvas.
        image = WebPImageFile(io.BytesIO(data))
        image.load()
        return upright(image, orientation_of(image.info.get("exif", b"")))

    return PictureFile(*_webp_size(data), decode)


def _webp_size(data: bytes) -> tuple[int, int]:
    """Width and height as the first chunk tells them (RFC 9649, 2.5 to 2.7)."""
    kind, body = data[12:16], data[12 + CHUNK : 12 + CHUNK + 10].ljust(10, b"\0")
    if kind == b"VP8X":
        return 1 + int.from_bytes(body[4:7], "little"), 1 + int.from_bytes(body[7:10], "little")
    if kind == b"VP8L":
        bits = int.from_bytes(body[1:5], "little")
        return 1 + (bits & 0x3FFF), 1 + (bits >> 14 & 0x3FFF)
    return int.from_bytes(body[6:8], "little") & 0x3FFF, int.from_bytes(body[8:10], "little") & 0x3FFF


def _avif(data: bytes) -> PictureFile:
    """By Pillow's decoder itself: around it Pillow would read EXIF, which may be made to fill the memory."""
    if not features.check("avif"):
        raise ValueError("this Pillow was built without AVIF")
    from PIL import _avif as codec  # pyright: ignore[reportPrivateUsage]

    decoder = codec.AvifDecoder(data, "auto", 1)
    (width, height), _, mode, _, _, orientation, _ = decoder.get_info()

    def decode() -> Image.Image:
        pixels, *_ = decoder.get_frame(0)
        return upright(Image.frombytes(mode, (width, height), pixels), orientation)

    return PictureFile(width, height, decode)


def _starts(*marks: bytes) -> Callable[[bytes], bool]:
    return lambda data: data.startswith(marks)


OPENERS: tuple[tuple[Callable[[bytes], bool], Callable[[bytes], PictureFile]], ...] = (
    (_starts(png_chunks.SIGNATURE), _png),
    (_starts(jpeg_segments.START), _jpeg),
    (lambda data: data[:4] == b"RIFF" and data[8:12] == b"WEBP", _webp),
    (lambda data: not {b"avif", b"avis"}.isdisjoint(brands(data)), _avif),
    (_starts(*gif_blocks.STARTS), _gif),
    (_starts(b"BM"), _bmp),
    (_starts(*tiff.STARTS), _tiff),
)
"""What each format begins with, and how it is opened."""
