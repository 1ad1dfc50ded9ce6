"""Texts hidden in the lowest bits of a picture's alpha channel, as NovelAI does.

The bits run down the columns, most significant first: a mark of 15 letters, the length of what follows in
bits as a 32 bit number, and the text, gzipped where the mark says so.
"""

from __future__ import annotations

import zlib

import numpy as np
from PIL import Image

MARKS = {b"stealth_pngcomp": True, b"stealth_pnginfo": False}
MARK_BYTES = 15
LENGTH_BYTES = 4
MAX_PIXELS = 2**25
"""Larger pictures aren't looked at: it takes all their pixels, decoded."""
MAX_HIDDEN = 2**20
"""Bytes, unpacked."""
GZIP = 16 + zlib.MAX_WBITS


def read_stealth(image: Image.Image) -> str | None:
    """The text hidden in `image`, None if there is none. Decodes the picture.

    Raises:
        OSError: it can't be decoded.
    """
    if image.mode != "RGBA" or image.width * image.height > MAX_PIXELS:
        return None
    bits = np.asarray(image.getchannel("A")).T.reshape(-1) & 1
    head = _bytes(bits, 0, MARK_BYTES + LENGTH_BYTES)
    packed = MARKS.get(head[:MARK_BYTES])
    if packed is None:
        return None
    hidden = _bytes(bits, len(head), int.from_bytes(head[MARK_BYTES:]) // 8)
    return _unpacked(hidden) if packed else _decoded(hidden[: MAX_HIDDEN + 1])


def _bytes(bits: np.ndarray, start: int, count: int) -> bytes:
    return np.packbits(bits[8 * start : 8 * (start + count)]).tobytes()


def _unpacked(data: bytes) -> str | None:
    try:
        return _decoded(zlib.decompressobj(GZIP).decompress(data, MAX_HIDDEN + 1))
    except zlib.error:
        return None


def _decoded(data: bytes) -> str | None:
    return data.decode("utf-8", "replace") if len(data) <= MAX_HIDDEN else None
