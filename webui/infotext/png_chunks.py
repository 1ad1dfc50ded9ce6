"""PNG files, cut down to what is read here: pixels, texts and EXIF."""

from __future__ import annotations

import zlib
from collections.abc import Iterator

from PIL.PngImagePlugin import MAX_TEXT_CHUNK

SIGNATURE = b"\x89PNG\r\n\x1a\n"
FRAME = 12
"""Bytes of a chunk beside its data: length, name, checksum."""
FIRST = (b"IHDR", b"PLTE", b"tRNS", b"eXIf")
TEXTS = (b"tEXt", b"zTXt", b"iTXt")
LAST = (b"IDAT", b"IEND")
MOST_CHUNKS = 2**17
MOST_TEXTS = 256
MAX_TEXTS = 2**24
"""Bytes of all texts together, unpacked."""


def sifted(data: bytes, *, texts: bool = True) -> bytes:
    """The same picture with its pixels, its texts before them if they are wanted, EXIF, and nothing else.

    Texts that unpack to more than Pillow's limit, a megabyte, are left out, since it would refuse the whole
    file; so are those beyond the first few hundred.

    Raises:
        ValueError: it has more chunks than any picture's.
    """
    view = memoryview(data)
    before, pixels = [memoryview(SIGNATURE)], list[memoryview]()
    most, left = MOST_TEXTS if texts else 0, MAX_TEXTS
    for number, (kind, place, end) in enumerate(_chunks(data)):
        if number >= MOST_CHUNKS:
            raise ValueError(f"it has more than {MOST_CHUNKS:,} chunks")
        if kind in LAST:
            pixels.append(view[place:end])
        elif kind in FIRST and end <= len(data):
            before.append(view[place:end])
        elif kind in TEXTS and end <= len(data) and most:
            most -= 1
            size = _size(kind, data[place + 8 : end - 4])
            if size <= left:
                left -= size
                before.append(view[place:end])
    return b"".join(before + pixels)


def _chunks(data: bytes) -> Iterator[tuple[bytes, int, int]]:
    """The name of each chunk, where it begins, and where it ends, which may be beyond the file."""
    at = len(SIGNATURE)
    kind = b""
    while at < len(data) and kind != b"IEND":
        kind = data[at + 4 : at + 8]
        end = at + FRAME + int.from_bytes(data[at : at + 4])
        yield kind, at, end
        at = end


def _size(kind: bytes, data: bytes) -> int:
    """How many bytes a text chunk's data come to, unpacked; more than are ever left if that is too many."""
    _, _, rest = data.partition(b"\0")
    if kind == b"tEXt" or (kind == b"iTXt" and rest[:1] == b"\0"):
        return len(data)
    packed = rest[1:] if kind == b"zTXt" else rest[2:].split(b"\0", 2)[-1]
    unpacker = zlib.decompressobj()
    try:
        text = unpacker.decompress(packed, MAX_TEXT_CHUNK)
    except zlib.error:
        return len(data)
    return MAX_TEXTS + 1 if unpacker.unconsumed_tail else len(text)
