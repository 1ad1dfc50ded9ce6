"""What lies in a model folder: names, sizes and times only. Nothing is opened."""

from __future__ import annotations

import logging
import os
from collections.abc import Iterator
from typing import NamedTuple

from webui.catalog.diffusers_folder import INDEX
from webui.catalog.folders import ModelFolder
from webui.catalog.side_files import Sides, of_file, of_folder

log = logging.getLogger(__name__)

ENDINGS = (".safetensors", ".sft", ".ckpt", ".pt", ".pth", ".bin", ".gguf")


class Stamp(NamedTuple):
    """What changes when a file does."""

    size: int
    mtime_ns: int


class Found(NamedTuple):
    """A file or diffusers folder. Equal to what an earlier scan found: nothing of it has changed."""

    folder: ModelFolder
    name: str
    """Its path inside `folder`, with "/"."""
    path: str
    real: str
    """Its path with links followed: the same file found twice has it twice."""
    stamp: Stamp | None
    """Of a folder: of all its parts together. None: a link to nothing."""
    sides: Sides
    is_folder: bool = False
    parts: tuple[tuple[str, Stamp], ...] = ()
    """A diffusers folder's files, by their path inside it."""


class _Directory(NamedTuple):
    path: str
    real: str
    inside: str


def scan(folder: ModelFolder) -> Iterator[Found]:
    """All that `folder` holds, links followed, each directory once; one that can't be read is left out."""
    root = str(folder.path)
    waiting, seen = [_Directory(root, os.path.realpath(root), "")], set[str]()
    while waiting:
        here = waiting.pop()
        if here.real in seen:
            continue
        seen.add(here.real)
        entries = _entries(here.path)
        if INDEX in entries:
            yield _model_folder(folder, here, entries)
            continue
        shown = [entries[name] for name in sorted(entries, key=str.lower) if not name.startswith(".")]
        for entry in shown:
            if entry.name.lower().endswith(ENDINGS) and (found := _file(folder, here, entry, entries)):
                yield found
        waiting += reversed([_below(here, entry) for entry in shown if _is_directory(entry)])


def _below(here: _Directory, entry: os.DirEntry[str]) -> _Directory:
    return _Directory(entry.path, _real(here, entry), f"{here.inside}{entry.name}/")


def _entries(path: str) -> dict[str, os.DirEntry[str]]:
    try:
        with os.scandir(path) as entries:
            return {entry.name: entry for entry in entries}
    except FileNotFoundError:
        return {}
    except OSError as error:
        log.warning("The model folder %s can't be read: %s", path, error)
        return {}


def _real(here: _Directory, entry: os.DirEntry[str]) -> str:
    return os.path.realpath(entry.path) if entry.is_symlink() else os.path.join(here.real, entry.name)  # noqa: PTH118


def _is_directory(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.is_dir()
    except OSError:
        # A link that leads to itself, or a place that may not be looked at.
        return False


def stamp_of(entry: os.DirEntry[str]) -> Stamp | None:
    """The file's size and time; None if it has gone."""
    try:
        stat = entry.stat()
    except OSError:
        return None
    return Stamp(stat.st_size, stat.st_mtime_ns)


def _file(
    folder: ModelFolder, here: _Directory, entry: os.DirEntry[str], entries: dict[str, os.DirEntry[str]]
) -> Found | None:
    stamp = stamp_of(entry)
    # A pipe or a socket would never end; of what has gone only a link has left anything behind.
    if not (entry.is_file() if stamp else entry.is_symlink()):
        return None
    name = _text(here.inside + entry.name)
    return Found(folder, name, entry.path, _real(here, entry), stamp, of_file(entry.name, entries))


def _model_folder(folder: ModelFolder, here: _Directory, entries: dict[str, os.DirEntry[str]]) -> Found:
    parts = tuple(sorted(_parts(entries)))
    size = sum(stamp.size for name, stamp in parts if name.endswith(".safetensors"))
    stamp = Stamp(size, max((stamp.mtime_ns for _, stamp in parts), default=0))
    name = here.inside.rstrip("/") or folder.path.name
    return Found(folder, _text(name), here.path, here.real, stamp, of_folder(entries), True, parts)


def _parts(entries: dict[str, os.DirEntry[str]]) -> Iterator[tuple[str, Stamp]]:
    for entry in entries.values():
        files = _entries(entry.path).values() if _is_directory(entry) else [entry]
        for file in files:
            if stamp := stamp_of(file):
                yield (file.name if file is entry else f"{entry.name}/{file.name}"), stamp


def _text(name: str) -> str:
    """The name as it can be shown and sent: bytes that are no UTF-8 become question marks."""
    return name.encode("utf-8", "replace").decode("utf-8")
