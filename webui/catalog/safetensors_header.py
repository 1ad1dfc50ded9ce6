"""The header of a safetensors file: 8 bytes of length, little-endian, then JSON.

Format: https://github.com/huggingface/safetensors#format
"""

from __future__ import annotations

import json
from typing import Any, BinaryIO

from webui.catalog.headers import MAX_HEADER, MAX_TENSORS, Header, HeaderError, TensorInfo
from webui.infotext.pairs import clean

LENGTH_BYTES = 8
BITS = {
    "F64": 64, "F32": 32, "F16": 16, "BF16": 16, "F8_E4M3": 8, "F8_E5M2": 8, "F8_E8M0": 8,
    "I64": 64, "I32": 32, "I16": 16, "I8": 8, "U64": 64, "U32": 32, "U16": 16, "U8": 8, "BOOL": 8,
    "C64": 64, "F4": 4, "F6_E2M3": 6, "F6_E3M2": 6,
}  # fmt: skip
TRUNCATED = "is cut off: {there:,} bytes of {whole:,}. Download it again"
CORRUPT = "has a damaged header. Download it again"


def is_one(start: bytes) -> bool:
    """Whether a file that begins with `start` (16 bytes) is meant to be a safetensors file."""
    return start[LENGTH_BYTES : LENGTH_BYTES + 1] == b"{"


def read(stream: BinaryIO, size: int) -> Header:
    """The header of the file open in `stream`, `size` bytes long.

    Raises:
        HeaderError: it is cut off or damaged.
    """
    length = int.from_bytes(stream.read(LENGTH_BYTES), "little")
    if length > MAX_HEADER:
        raise HeaderError(CORRUPT)
    if LENGTH_BYTES + length > size:
        raise HeaderError(TRUNCATED.format(there=size, whole=LENGTH_BYTES + length))
    content = _json(stream.read(length))
    metadata = content.pop("__metadata__", None)
    if len(content) > MAX_TENSORS:
        raise HeaderError(CORRUPT)
    try:
        spans = sorted(map(_span, content.values()))
        tensors = {
            name: TensorInfo(tuple(told["shape"]), clean(told["dtype"])) for name, told in content.items()
        }
    except (KeyError, TypeError, ValueError, OverflowError) as error:
        raise HeaderError(CORRUPT) from error
    _check_layout(spans, size, LENGTH_BYTES + length)
    return Header(tensors, _texts(metadata))


def _json(text: bytes) -> dict[str, Any]:
    try:
        content = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise HeaderError(CORRUPT) from error
    if not isinstance(content, dict):
        raise HeaderError(CORRUPT)
    return content


def _texts(metadata: object) -> dict[str, str]:
    if not isinstance(metadata, dict):
        return {}
    return {str(key): value for key, value in metadata.items() if isinstance(value, str)}


def _span(told: dict[str, Any]) -> tuple[int, int]:
    """Where a tensor lies behind the header: as many bytes as its shape and number format take."""
    dtype, shape, (start, end) = told["dtype"], told["shape"], told["data_offsets"]
    if not (isinstance(dtype, str) and type(start) is type(end) is int and 0 <= start <= end):
        raise ValueError("not a tensor")
    sides = 1
    for side in shape:
        if type(side) is not int or side < 0:
            raise ValueError("not a shape")
        sides *= side
    # A number format newer than this list can't be checked.
    if (end - start) * 8 != sides * BITS.get(dtype, 0) and dtype in BITS:
        raise ValueError("not the length of its shape")
    return start, end


def _check_layout(spans: list[tuple[int, int]], size: int, begin: int) -> None:
    """Tensors must lie one after the other up to the file's end."""
    position = 0
    for start, end in spans:
        if start != position:
            raise HeaderError(CORRUPT)
        position = end
    if begin + position > size:
        raise HeaderError(TRUNCATED.format(there=size, whole=begin + position))
    if begin + position < size:
        raise HeaderError("is longer than its header says: it is damaged. Download it again")
