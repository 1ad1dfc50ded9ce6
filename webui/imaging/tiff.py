"""TIFF files with nothing but what their first picture's pixels need.

Pillow copies what every entry of a directory points at: entries that all point at the same megabytes fill any
memory. So the directory is written anew, with the few tags that matter, each once and of sensible length.
"""

from __future__ import annotations

import struct
from typing import Literal

STARTS = (b"II*\0", b"MM\0*")
ENTRY = 12
NEEDED = frozenset(
    {*range(256, 260), 262, 266, 273, 274, 277, 278, 279, 284, 317, 320, *range(322, 326), 338, 339, 347}
    | {512, 513, 514, 519, 520, 521, 530, 531, 532}
)
"""Size, depth, colours, where the pixels are and how they are packed; and which way is up."""
WIDTH, HEIGHT = 256, 257
SIZES = {1: 1, 2: 1, 3: 2, 4: 4, 5: 8, 6: 1, 7: 1, 8: 2, 9: 4, 10: 8, 11: 4, 12: 8}
"""Bytes of one value of each type."""
MAX_VALUES = 2**18
"""Bytes of one entry's values: as many strips or tiles as a large picture has rows."""

Order = Literal["little", "big"]


def pixels_alone(data: bytes) -> tuple[bytes, tuple[int, int]]:
    """The same file with a directory of the needed tags alone, and the picture's width and height.

    Raises:
        ValueError: it has no such directory.
    """
    order: Order = "little" if data.startswith(b"II") else "big"
    entries = _entries(data, order)
    if WIDTH not in entries or HEIGHT not in entries:
        raise ValueError("it doesn't tell its size")
    mark = "<" if order == "little" else ">"
    table = b"".join(entries[tag] for tag in sorted(entries))
    directory = struct.pack(f"{mark}H", len(entries)) + table + bytes(4)
    place = len(data) + len(data) % 2
    head = data[:4] + place.to_bytes(4, order)
    size = _number(entries[WIDTH], order), _number(entries[HEIGHT], order)
    return head + data[8:] + bytes(len(data) % 2) + directory, size


def _entries(data: bytes, order: Order) -> dict[int, bytes]:
    """The first entry of each needed tag in the first directory, unless its values are too many."""
    at = int.from_bytes(data[4:8], order)
    count = int.from_bytes(data[at : at + 2], order)
    found: dict[int, bytes] = {}
    for place in range(at + 2, at + 2 + count * ENTRY, ENTRY):
        entry = data[place : place + ENTRY]
        if len(entry) < ENTRY:
            break
        tag, kind = int.from_bytes(entry[:2], order), int.from_bytes(entry[2:4], order)
        length = int.from_bytes(entry[4:8], order) * SIZES.get(kind, MAX_VALUES + 1)
        if tag in NEEDED and length <= MAX_VALUES:
            found.setdefault(tag, entry)
    return found


def _number(entry: bytes, order: Order) -> int:
    """A single value, which stands in the entry itself."""
    wide = 2 if int.from_bytes(entry[2:4], order) == 3 else 4
    return int.from_bytes(entry[8 : 8 + wide], order)
