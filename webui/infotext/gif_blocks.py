"""A GIF file's size and comment, read from the blocks before its first frame."""

from __future__ import annotations

from typing import NamedTuple

STARTS = (b"GIF87a", b"GIF89a")
HEAD = 13
"""Bytes, before the colours."""
EXTENSION, COMMENT = 0x21, 0xFE
MOST_BLOCKS = 2**16


class GifHead(NamedTuple):
    """What stands before the first frame; of several comments each is a line."""

    width: int
    height: int
    comment: bytes


def read_gif(data: bytes) -> GifHead:
    """The head of a GIF file.

    Pillow isn't asked: it takes minutes over a long comment, which comes in blocks of 255 bytes.

    Raises:
        ValueError: it ends too early, or has more blocks than any picture's.
    """
    if len(data) <= HEAD:
        raise ValueError("it ends before its first frame")
    width, height = int.from_bytes(data[6:8], "little"), int.from_bytes(data[8:10], "little")
    at = HEAD + (3 << (data[10] & 7) + 1 if data[10] & 0x80 else 0)
    comments, left = list[bytes](), MOST_BLOCKS
    while data[at : at + 1] == bytes([EXTENSION]) and left > 0:
        label = data[at + 1 : at + 2]
        blocks, at = _blocks(data, at + 2, left)
        left -= len(blocks) + 1
        if label == bytes([COMMENT]):
            comments.append(b"".join(blocks))
    if left <= 0:
        raise ValueError(f"it has more than {MOST_BLOCKS:,} blocks before its first frame")
    return GifHead(width, height, b"\n".join(comments))


def _blocks(data: bytes, at: int, most: int) -> tuple[list[bytes], int]:
    """The data of up to `most` blocks, the first one at `at`, and where what follows them begins."""
    found: list[bytes] = []
    while at < len(data) and data[at] and len(found) < most:
        found.append(data[at + 1 : at + 1 + data[at]])
        at += 1 + data[at]
    return found, at + 1
