"""EXIF: the texts that it holds, and EXIF that holds one."""

from __future__ import annotations

import logging
import struct
from collections.abc import Iterator
from typing import Literal

from PIL.ExifTags import IFD, Base

HEADER = b"Exif\0\0"
UNICODE, ASCII = b"UNICODE\0", b"ASCII\0\0\0"
PREFIX = 8
TIFF_HEADER = 8
BYTE, STRING, LONG, UNDEFINED = 1, 2, 4, 7
ENTRY = 12
ENTRIES = struct.Struct(">HHHIII")
"""A directory of one entry: count, tag, type, length, offset, and no directory after it."""
# ComfyUI's WebP files hold "prompt:{...}" and "workflow:{...}" in these, Fooocus's its text in the last one.
MAIN_TAGS = (Base.ImageDescription, Base.Make, Base.Model, Base.Software, Base.UserComment)
WANTED = {IFD.Exif.value, *(tag.value for tag in MAIN_TAGS)}
MAX_VALUE = 2**23
"""Bytes. Longer values are nobody's text."""

Order = Literal["little", "big"]
ORDERS: dict[bytes, Order] = {b"II": "little", b"MM": "big"}

log = logging.getLogger(__name__)


def exif_of(text: str | None, room: int | None = None) -> bytes:
    """EXIF whose user comment is `text`, in UTF-16; where that has no room but ASCII has, in ASCII.

    `room` is in bytes. A text that doesn't fit, or none, gives no EXIF.
    """
    if text is None:
        return b""
    comment = UNICODE + text.encode("utf-16-be")
    if room and len(comment) > room and text.isascii():
        comment = ASCII + text.encode()
    if room and len(comment) > room:
        log.warning("An infotext of %d signs has no room in a JPEG file and was left out.", len(text))
        return b""
    return _with_comment(comment)


def _with_comment(comment: bytes) -> bytes:
    """EXIF with nothing but a user comment, of type UNDEFINED: A1111 can't read Pillow's, which is BYTE."""
    main = ENTRIES.pack(1, IFD.Exif, LONG, 1, TIFF_HEADER + ENTRIES.size, 0)
    inner = ENTRIES.pack(1, Base.UserComment, UNDEFINED, len(comment), TIFF_HEADER + 2 * ENTRIES.size, 0)
    return HEADER + b"MM\0*" + TIFF_HEADER.to_bytes(4) + main + inner + comment


def values_of(data: bytes) -> Iterator[tuple[Base, bytes]]:
    """The texts in EXIF as they stand there, the user comment first. None where it isn't EXIF.

    Pillow's reader isn't used: it copies what every entry points at, and entries that all point at the same
    megabyte fill any memory. Here no more than one entry of each tag is read.
    """
    tiff = data.removeprefix(HEADER).removeprefix(HEADER)
    order = ORDERS.get(tiff[:2])
    if order is None:
        return
    main = _directory(tiff, int.from_bytes(tiff[4:8], order), order)
    if place := main.get(IFD.Exif):
        inner = _directory(tiff, int.from_bytes(place, order), order)
        if comment := inner.get(Base.UserComment):
            yield Base.UserComment, comment
    for tag in MAIN_TAGS:
        if value := main.get(tag):
            yield tag, value


def _directory(tiff: bytes, at: int, order: Order) -> dict[int, bytes]:
    """The values of the wanted tags in the directory that begins at `at`."""
    count = int.from_bytes(tiff[at : at + 2], order)
    entries = tiff[at + 2 : at + 2 + count * ENTRY]
    whole = entries[: len(entries) // ENTRY * ENTRY]
    found: dict[int, bytes] = {}
    for tag, kind, length, place in struct.iter_unpack("<HHII" if order == "little" else ">HHII", whole):
        if tag in WANTED and tag not in found and kind in (BYTE, STRING, LONG, UNDEFINED):
            found[tag] = _value(tiff, length * (4 if kind == LONG else 1), place, order)
    return found


def _value(tiff: bytes, size: int, place: int, order: Order) -> bytes:
    """What an entry holds: up to four bytes stand in it, more elsewhere. Nothing if they aren't all there."""
    if size <= 4:
        return place.to_bytes(4, order)[:size]
    return tiff[place : place + size] if size <= MAX_VALUE and place + size <= len(tiff) else b""


def orientation_of(data: bytes) -> int:
    """Which way is up, as EXIF tells it: 1 to 8, where 1 is as it lies in the file; 1 if it doesn't tell."""
    tiff = data.removeprefix(HEADER).removeprefix(HEADER)
    order = ORDERS.get(tiff[:2])
    if order is None:
        return 1
    at = int.from_bytes(tiff[4:8], order)
    count = int.from_bytes(tiff[at : at + 2], order)
    for place in range(at + 2, min(at + 2 + count * ENTRY, len(tiff)), ENTRY):
        if int.from_bytes(tiff[place : place + 2], order) == Base.Orientation:
            found = int.from_bytes(tiff[place + 8 : place + 10], order)
            return found if 1 <= found <= 8 else 1
    return 1


def user_comment(value: bytes) -> str:
    """The text of an EXIF user comment: 8 bytes that name the encoding, and the text.

    UTF-16 is in either byte order: writers differ, some go by the EXIF's own, some don't.
    """
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
