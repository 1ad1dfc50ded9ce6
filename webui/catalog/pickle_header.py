"""The header of a torch file (.ckpt, .pt, .pth, .bin): its pickle, with a stand-in for all that it names.

Two formats: since torch 1.6 a zip archive with the pickle as `<name>/data.pkl`; before, five pickles in a
row (a magic number, the version, the system, the object, the names of the storages) and the raw numbers.
A pickle can run any code as it is read. Here it can't: each name in it is looked up in a short list, and
what it gets is a class of this module.
"""

from __future__ import annotations

import io
import pickle
import pickletools
import zipfile
from typing import BinaryIO

from webui.catalog.headers import MAX_HEADER, Header, HeaderError, read_at_most
from webui.catalog.pickle_stubs import StorageType, stand_in
from webui.catalog.pickle_tensors import metadata, tensors
from webui.infotext.pairs import clean

MAGIC = 0x1950A86A20F9469CFC6C
MAX_OPCODES = 4_000_000
DAMAGED = "is damaged or cut off. Download it again"
FOREIGN = "is not a model file: neither safetensors nor torch's formats"


class CodeError(HeaderError):
    """The pickle names something that no model needs."""

    def __init__(self, name: str) -> None:
        super().__init__(
            f"holds code ({name}), so that loading it could run anything. "
            "Use a .safetensors file of it, or convert it where you trust it"
        )


class _Unpickler(pickle.Unpickler):
    def find_class(self, module: str, name: str) -> object:
        known = stand_in(module, name)
        if known is None:
            raise CodeError(clean(f"{module}.{name}"))
        return known

    def persistent_load(self, pid: object) -> object:
        """A storage: ("storage", type, key, place, count, ...)."""
        match pid:
            case ("storage", StorageType() as storage, *_):
                return storage
            case _:
                raise HeaderError(DAMAGED)


def read(stream: BinaryIO, start: bytes) -> Header:
    """The header of the torch file open in `stream`, which begins with `start`.

    Raises:
        HeaderError: it is damaged, no torch file, or (CodeError) names what no model needs.
    """
    if start.startswith(b"PK"):
        content = _from_zip(stream)
    elif start[:1] == b"\x80":
        content = _legacy(stream)
    else:
        raise HeaderError(FOREIGN)
    return Header(tensors(content), metadata(content))


def _from_zip(stream: BinaryIO) -> object:
    try:
        with zipfile.ZipFile(stream) as archive:
            name = next((name for name in archive.namelist() if name.endswith("/data.pkl")), None)
            if name is None:
                raise HeaderError(FOREIGN)
            with archive.open(name) as member:
                return _load(read_at_most(io.BufferedReader(member), MAX_HEADER))  # pyright: ignore[reportArgumentType]
    except (zipfile.BadZipFile, zipfile.LargeZipFile, EOFError, NotImplementedError) as error:
        raise HeaderError(DAMAGED) from error
    except (RuntimeError, ValueError, OverflowError) as error:
        if isinstance(error, HeaderError):
            raise
        raise HeaderError(DAMAGED) from error


def _legacy(stream: BinaryIO) -> object:
    content = stream.read(MAX_HEADER)
    magic, position = _pickle_at(content, 0)
    if magic != MAGIC:
        raise HeaderError(FOREIGN)
    for _ in ("version", "system"):
        _, position = _pickle_at(content, position)
    return _pickle_at(content, position)[0]


def _pickle_at(content: bytes, position: int) -> tuple[object, int]:
    length = _length(content, position)
    return _load(content[position : position + length]), position + length


def _load(content: bytes) -> object:
    _length(content, 0)
    try:
        return _Unpickler(io.BytesIO(content), encoding="utf-8", errors="replace").load()
    except HeaderError:
        raise
    # A damaged pickle fails in any way that Python knows.
    except Exception as error:
        raise HeaderError(DAMAGED) from error


def _length(content: bytes, position: int) -> int:
    """How long the pickle at `position` is.

    The unpickler sets memory aside for what a pickle claims, before it sees that the claim is false. So
    each opcode is looked at first: its data must be there, and its memo number no larger than what precedes.
    """
    stream = io.BytesIO(content)
    stream.seek(position)
    count = 0
    try:
        for count, (opcode, argument, _) in enumerate(pickletools.genops(stream)):
            if count > MAX_OPCODES or (opcode.name.endswith("PUT") and int(argument or 0) > count):
                raise HeaderError(DAMAGED)
    except HeaderError:
        raise
    except Exception as error:
        raise HeaderError(DAMAGED) from error
    return stream.tell() - position
