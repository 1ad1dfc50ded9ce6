"""A JPEG file's size and texts, read from the segments before its pixels."""

from __future__ import annotations

from typing import NamedTuple

from webui.infotext.exif import HEADER

START = b"\xff\xd8\xff"
ALONE = (0x00, 0x01, *range(0xD0, 0xD9))
"""Markers without data behind them; and what isn't one: a 0xFF of the pixels, which is written with a 0."""
END, PIXELS, COMMENT, APP1 = 0xD9, 0xDA, 0xFE, 0xE1
SIZES = {*range(0xC0, 0xD0)} - {0xC4, 0xC8, 0xCC}
XMP = b"http://ns.adobe.com/xap/1.0/\0"
MOST_SEGMENTS = 10_000
MOST_EXIF = 64
"""Segments: one is the rule, and some writers let large EXIF go on in more."""


class JpegHead(NamedTuple):
    """What stands before the pixels. `info` holds exif, xmp and comment, those that there are."""

    width: int
    height: int
    info: dict[str, bytes]


def read_jpeg(data: bytes) -> JpegHead:
    """The head of a JPEG file.

    Pillow isn't asked: it takes minutes over a file of many small segments of EXIF.

    Raises:
        ValueError: it ends before its size is told, or has more segments than any picture.
    """
    size, exif, info = None, list[bytes](), dict[str, bytes]()
    at = 2
    for _ in range(MOST_SEGMENTS):
        at = data.find(b"\xff", at) + 1
        marker = data[at : at + 1]
        if not at or not marker or marker[0] in (END, PIXELS):
            break
        if marker[0] == 0xFF or marker[0] in ALONE:
            continue
        end = at + 1 + max(2, int.from_bytes(data[at + 1 : at + 3]))
        body = data[at + 3 : end]
        at = end
        if marker[0] in SIZES and len(body) >= 5:
            size = int.from_bytes(body[3:5]), int.from_bytes(body[1:3])
        elif marker[0] == COMMENT:
            info["comment"] = body
        elif marker[0] == APP1 and body.startswith(HEADER) and len(exif) < MOST_EXIF:
            exif.append(body.removeprefix(HEADER))
        elif marker[0] == APP1 and body.startswith(XMP):
            info["xmp"] = body.removeprefix(XMP)
    else:
        raise ValueError(f"it has more than {MOST_SEGMENTS:,} segments before its pixels")
    if size is None:
        raise ValueError("it ends before its size is told")
    return JpegHead(*size, info | ({"exif": b"".join(exif)} if exif else {}))
