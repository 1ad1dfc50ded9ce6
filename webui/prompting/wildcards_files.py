"""Files of wildcards: `name.txt`, a line each; `.yaml` and `.json`, lists by name, which may nest."""

from __future__ import annotations

import json
import logging
import os
import re
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from webui.params import MAX_PROMPT

log = logging.getLogger(__name__)

MAX_BYTES = 2**27
MAX_STRUCTURED = 2**24
MAX_LEVELS = 20
MAX_ENTRIES = 100_000
"""Of one structured file."""
TEXT, STRUCTURED = (".txt",), (".yaml", ".yml", ".json")
WEIGHT = re.compile(r"\d{1,9}(?:\.\d{0,9})?|\.\d{1,9}")
WEIGHTED = re.compile(rf"(?P<weight>{WEIGHT.pattern})::(?P<text>.*)", re.DOTALL)


class Entry(NamedTuple):
    """One of a wildcard's texts; one with weight 2 is chosen twice as often as one with 1."""

    text: str
    weight: float = 1.0


class WildcardFile(NamedTuple):
    """A file and its state. `name` is its path inside its folder, with "/" and without ending."""

    name: str
    path: Path
    size: int
    mtime_ns: int

    @property
    def structured(self) -> bool:
        """Whether it holds several wildcards by name rather than one as lines."""
        return self.path.suffix.lower() in STRUCTURED


def find(folder: Path) -> Iterator[WildcardFile]:
    """The files in `folder` and below, by name; links are followed, each directory is looked at once."""
    waiting, seen = [(str(folder), "")], set[str]()
    while waiting:
        here, inside = waiting.pop()
        real = os.path.realpath(here)
        if real in seen:
            continue
        seen.add(real)
        for entry in sorted(_entries(here), key=lambda entry: entry.name):
            if entry.is_dir():
                waiting.append((entry.path, f"{inside}{entry.name}/"))
            elif file := _file(entry, inside):
                yield file


def _entries(folder: str) -> list[os.DirEntry[str]]:
    try:
        with os.scandir(folder) as entries:
            return [entry for entry in entries if not entry.name.startswith(".") and _sayable(entry.name)]
    except FileNotFoundError:
        return []
    except OSError as error:
        log.debug("The folder %s of wildcards can't be read: %s", folder, error)
        return []


def _sayable(name: str) -> bool:
    """Whether the name is text; on some systems it may be any bytes."""
    return not any("\ud800" <= sign <= "\udfff" for sign in name)


def _file(entry: os.DirEntry[str], inside: str) -> WildcardFile | None:
    path = Path(entry.path)
    if path.suffix.lower() not in TEXT + STRUCTURED:
        return None
    try:
        stat = entry.stat()
        if not entry.is_file():
            return None
    except OSError:
        return None
    largest = MAX_STRUCTURED if path.suffix.lower() in STRUCTURED else MAX_BYTES
    if stat.st_size > largest:
        log.debug("%s is larger than %d MiB and not used as a wildcard", path, largest >> 20)
        return None
    return WildcardFile(inside + path.stem, path, stat.st_size, stat.st_mtime_ns)


def read_lines(path: Path) -> Iterator[Entry]:
    """The entries of a text file, without comments and empty lines. None where it can't be read."""
    try:
        with path.open(encoding="utf-8-sig", errors="replace") as lines:
            for line in lines:
                # A comment goes with its line: what is chosen may be put before more text.
                text = line.partition("#")[0].strip()
                if 0 < len(text) <= MAX_PROMPT:
                    yield _entry(text)
    except OSError as error:
        log.warning("The wildcard %s can't be read: %s", path, error)


def _entry(text: str) -> Entry:
    if text[0] in "0123456789." and (weighted := WEIGHTED.fullmatch(text)):
        return Entry(weighted["text"].lstrip(), float(weighted["weight"]))
    return Entry(text)


def read_structured(file: WildcardFile) -> dict[str, tuple[Entry, ...]]:
    """The wildcards of a YAML or JSON file by their names, those of nested ones with "/" between.

    They don't have the file's own name before them, only its folder's; a bare list has the file's. Lists hold
    texts, `3::text`, or {"text": ..., "weight": ...}.
    """
    try:
        told = _load(file.path)
    except (OSError, ValueError, RecursionError) as error:
        log.warning("%s can't be used as wildcards: %s", file.path, error)
        return {}
    folder = file.name.rpartition("/")[0]
    if isinstance(told, list):
        return {file.name: tuple(_listed(told))}
    return _named(told, folder)


def _load(path: Path) -> Any:  # noqa: ANN401
    content = path.read_bytes()
    if path.suffix.lower() == ".json":
        return json.loads(content.decode("utf-8-sig"))
    return _load_yaml(content)


def _load_yaml(content: bytes) -> Any:  # noqa: ANN401
    import yaml

    # All scalars as texts: "no" and "1990" are words here. libyaml's loader, where there is one, is ten times
    # as quick, but dies of deep nesting.
    loader: Any = getattr(yaml, "CBaseLoader", yaml.BaseLoader)
    depth = 0
    try:
        for event in yaml.parse(content, Loader=loader):
            opens = isinstance(event, yaml.CollectionStartEvent)
            depth += 1 if opens else -1 if isinstance(event, yaml.CollectionEndEvent) else 0
            if depth > MAX_LEVELS:
                raise ValueError(f"it is nested more than {MAX_LEVELS} deep")
        return yaml.load(content, Loader=loader)
    except yaml.YAMLError as error:
        raise ValueError(" ".join(str(error).split())) from error


def _named(told: object, folder: str) -> dict[str, tuple[Entry, ...]]:
    """The lists in `told` by their names; not all, where YAML's aliases make endlessly many of few."""
    found: dict[str, tuple[Entry, ...]] = {}
    waiting: list[tuple[str, object]] = [(folder, told)]
    left = MAX_ENTRIES
    while waiting and left > 0:
        name, here = waiting.pop()
        left -= 1
        if isinstance(here, Mapping):
            inside = [(f"{name}/{key}".strip("/"), below) for key, below in here.items()]
            waiting += reversed(inside[:left])
        elif name and (entries := tuple(_listed(here if isinstance(here, list) else [here]))):
            found[name] = entries
            left -= len(entries)
    return found


def _listed(told: Iterable[object]) -> Iterator[Entry]:
    for one in told:
        entry = _weighed(one) if isinstance(one, Mapping) else _plain(one)
        if entry and 0 < len(entry.text) <= MAX_PROMPT:
            yield entry


def _plain(told: object) -> Entry | None:
    text = str(told).strip() if isinstance(told, str | int | float) else ""
    return _entry(text) if text else None


def _weighed(told: Mapping[Any, Any]) -> Entry | None:
    text, weight = told.get("text") or told.get("content"), told.get("weight", 1)
    number = WEIGHT.fullmatch(str(weight))
    return Entry(str(text).strip(), float(number[0])) if number and isinstance(text, str) else None
