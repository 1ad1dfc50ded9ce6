"""Pictures as one zip file, written while it is sent: nothing of it is kept in memory or on disk."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Iterator, Sequence
from itertools import count
from pathlib import Path

CHUNK = 2**20
MISSING = "missing.txt"


class _Pipe(io.RawIOBase):
    """What is written goes out again with the next `taken`."""

    def __init__(self) -> None:
        self._held: list[bytes] = []

    def writable(self) -> bool:
        return True

    def write(self, data: bytes) -> int:  # pyright: ignore[reportIncompatibleMethodOverride]
        self._held.append(bytes(data))
        return len(data)

    def taken(self) -> bytes:
        held, self._held = b"".join(self._held), []
        return held


def zipped(files: Sequence[tuple[str, Path | None]]) -> Iterator[bytes]:
    """A zip file of these names and files, piece by piece; pictures are packed already and only stored.

    Names that come again get a number. What is gone, or can't be read to its end, is told in `missing.txt`.
    """
    pipe, missing, names = _Pipe(), list[str](), {MISSING}
    with zipfile.ZipFile(pipe, "w", zipfile.ZIP_STORED) as archive:
        for name, file in files:
            try:
                for _ in _stored(archive, _unique(name, names), file):
                    yield pipe.taken()
            except OSError:
                missing.append(name)
        if missing:
            told = "These files were gone or could not be read:"
            archive.writestr(MISSING, "\n".join((told, *missing)) + "\n")
    yield pipe.taken()


def _stored(archive: zipfile.ZipFile, name: str, file: Path | None) -> Iterator[None]:
    """Add a file, pausing after each piece."""
    if file is None:
        raise FileNotFoundError(name)
    with file.open("rb") as source:
        # Dates before 1980 don't exist in zip files.
        info = zipfile.ZipInfo.from_file(file, name, strict_timestamps=False)
        with archive.open(info, "w") as target:
            while piece := source.read(CHUNK):
                target.write(piece)
                yield


def _unique(name: str, taken: set[str]) -> str:
    """`name`, with a number if it is among `taken` (in any letter case), to which it is added."""
    path = Path(name)
    names = (path.with_stem(f"{path.stem} ({number})").name for number in count(2))
    free = name if name.casefold() not in taken else next(n for n in names if n.casefold() not in taken)
    taken.add(free.casefold())
    return free
