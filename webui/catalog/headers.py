"""The header of a model file: its tensors' names, shapes and formats. No weight is read, no code run."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import BinaryIO, NamedTuple

MAX_HEADER = 32 * 2**20
"""Bytes of a header that are read at most; the largest seen in the wild are a hundredth of that."""
MAX_TENSORS = 200_000


class TensorInfo(NamedTuple):
    """A tensor without its numbers. `dtype` is safetensors' code: F32, F16, BF16, F8_E4M3, I64, ..."""

    shape: tuple[int, ...]
    dtype: str


class HeaderError(ValueError):
    """The file can't be used; the text says why, as what follows the file's name in a sentence."""


@dataclass(frozen=True)
class Header:
    """What a file tells before its weights."""

    tensors: Mapping[str, TensorInfo]
    metadata: Mapping[str, str] = field(default_factory=dict[str, str])

    def has(self, *names: str) -> bool:
        """Whether there is a tensor of any of these names."""
        return any(name in self.tensors for name in names)

    @cached_property
    def _names(self) -> str:
        # One text to search in: some files have thousands of names, and they are asked for in many ways.
        return "".join(f"\n{name}" for name in self.tensors)

    def under(self, *prefixes: str) -> bool:
        """Whether any tensor's name begins with one of `prefixes`."""
        return any(f"\n{prefix}" in self._names for prefix in prefixes)

    def within(self, *parts: str) -> bool:
        """Whether any tensor's name holds one of `parts`."""
        return any(part in self._names for part in parts)

    def shape(self, *names: str) -> tuple[int, ...]:
        """The shape of the first of `names` that is there; () if none is."""
        return next((self.tensors[name].shape for name in names if name in self.tensors), ())

    def first(self, *endings: str) -> tuple[int, ...]:
        """The shape of the first tensor whose name ends with one of `endings`; () if none does."""
        return next((tensor.shape for name, tensor in self.tensors.items() if name.endswith(endings)), ())

    def dtype(self) -> str:
        """The number format of most of the weights, as people call it: fp16, bf16, fp32, fp8; "" of none."""
        weights: dict[str, int] = {}
        for tensor in self.tensors.values():
            count = 1
            for side in tensor.shape:
                count *= side
            weights[tensor.dtype] = weights.get(tensor.dtype, 0) + count
        return spoken(max(weights, key=weights.__getitem__)) if weights else ""


def spoken(dtype: str) -> str:
    """A safetensors code as people write it: F16 -> fp16, BF16 -> bf16, F8_E4M3 -> fp8, I8 -> int8."""
    base = dtype.split("_")[0].lower()
    if base.startswith("f"):
        return f"fp{base[1:]}"
    return f"int{base[1:]}" if base.startswith("i") else base


def read_header(file: Path) -> Header:
    """The header of a safetensors, torch or GGUF file, told apart by its first bytes.

    Raises:
        HeaderError: it is damaged, foreign, or holds code.
        OSError: it can't be read.
    """
    # Here and not above: both build on this module.
    from webui.catalog import pickle_header, safetensors_header

    with file.open("rb") as stream:
        size = stream.seek(0, 2)
        stream.seek(0)
        start = stream.read(16)
        stream.seek(0)
        _refuse_foreign(start)
        if safetensors_header.is_one(start):
            return safetensors_header.read(stream, size)
        if file.suffix.lower() in (".safetensors", ".sft"):
            raise HeaderError("is not a safetensors file: it is damaged, or was renamed")
        return pickle_header.read(stream, start)


def _refuse_foreign(start: bytes) -> None:
    if not start:
        raise HeaderError("is empty (0 bytes): its download failed. Download it again")
    if start.startswith(b"GGUF"):
        raise HeaderError("is a GGUF file, which Darkroom doesn't support. Get it as .safetensors")
    if start.lstrip()[:1] == b"<":
        raise HeaderError("is a web page, not a model: its download wanted a login. Download it again")
    if start.startswith(b"version https://"):
        raise HeaderError("is a Git LFS pointer, not the model itself: run `git lfs pull` in its folder")


def read_at_most(stream: BinaryIO, limit: int) -> bytes:
    """All of `stream`, which may be compressed.

    Raises:
        HeaderError: it is longer than `limit` bytes.
    """
    content = stream.read(limit + 1)
    if len(content) > limit:
        raise HeaderError(f"has a header of more than {limit >> 20} MiB, which no model needs")
    return content
