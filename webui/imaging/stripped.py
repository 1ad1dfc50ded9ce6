"""JPEG and GIF files with nothing but their first picture's pixels, so that hostile texts cost no time."""

from __future__ import annotations

from webui.infotext import gif_blocks
from webui.infotext.jpeg_segments import ALONE, END, MOST_SEGMENTS, PIXELS

KEPT_MARKERS = {0xC4, 0xCC, 0xDB, 0xDD, 0xE0, 0xEE, *range(0xC0, 0xD0)}
"""Tables, sizes, and which colours they are (JFIF, Adobe)."""
SCAN, FINISH = b"\xff\xda", b"\xff\xd9"
MOST_SCANS = 100
"""Each scan of a progressive JPEG is a walk over all pixels: writers make about ten."""
SEPARATOR, EXTENSION, CONTROL, TRAILER = b",", b"!", 0xF9, b";"
DESCRIPTOR = 10
"""Bytes of what stands before a frame's own colours."""


def jpeg_pixels(data: bytes) -> bytes:
    """The same JPEG file without EXIF, profiles, thumbnails, comments and what follows its end.

    Raises:
        ValueError: it has no pixels, or more scans or segments than any picture.
    """
    kept, at = [data[:2]], 2
    for _ in range(MOST_SEGMENTS):
        at = data.find(b"\xff", at) + 1
        marker = data[at : at + 1]
        if not at or not marker or marker[0] == END:
            break
        if marker[0] == 0xFF or marker[0] in ALONE:
            continue
        if marker[0] == PIXELS:
            return b"".join([*kept, _scans(data, at - 1)])
        end = at + 1 + max(2, int.from_bytes(data[at + 1 : at + 3]))
        if marker[0] in KEPT_MARKERS:
            kept.append(data[at - 1 : end])
        at = end
    raise ValueError("it has no pixels")


def _scans(data: bytes, start: int) -> bytes:
    """What begins at `start`, up to the picture's end; phones put films behind that."""
    end = data.find(FINISH, start)
    scans = data[start:] if end < 0 else data[start : end + len(FINISH)]
    if scans.count(SCAN) > MOST_SCANS:
        raise ValueError(f"it has more than {MOST_SCANS} scans")
    return scans


def gif_frame(data: bytes) -> bytes:
    """The first frame of a GIF file, with its transparent colour, as a file of its own.

    Raises:
        ValueError: it has no frame.
    """
    at = gif_blocks.HEAD + _colours(data[10:11])
    kept = [data[:at]]
    for _ in range(gif_blocks.MOST_BLOCKS):
        kind = data[at : at + 1]
        if kind == EXTENSION:
            end = _behind_blocks(data, at + 2)
            if data[at + 1 : at + 2] == bytes([CONTROL]) and end - at <= 8:
                kept.append(data[at:end])
            at = end
        elif kind == SEPARATOR:
            start = at + DESCRIPTOR + _colours(data[at + 9 : at + 10]) + 1
            return b"".join([*kept, data[at : _behind_blocks(data, start)], TRAILER])
        else:
            break
    raise ValueError("it has no frame")


def _colours(flags: bytes) -> int:
    """Bytes of the table of colours that these flags announce."""
    return 3 << (flags[0] & 7) + 1 if flags and flags[0] & 0x80 else 0


def _behind_blocks(data: bytes, at: int) -> int:
    while at < len(data) and data[at]:
        at += 1 + data[at]
    return at + 1
