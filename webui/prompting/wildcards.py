"""The wildcards: texts by name, from files, of which dynamic prompts choose one."""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from itertools import islice
from pathlib import Path

from webui.prompting.wildcards_entries import Entries, KeptEntries, Source
from webui.prompting.wildcards_files import Entry, WildcardFile, find, read_structured

LOOK_AGAIN = 2.0


def is_pattern(name: str) -> bool:
    """Whether `name` can mean several wildcards."""
    return any(sign in name for sign in "*?[")


class UnknownWildcardError(KeyError):
    """There is no wildcard of that name."""


@dataclass(frozen=True)
class WildcardInfo:
    """A wildcard and how many texts it has."""

    name: str
    count: int


class Wildcards:
    """All wildcards of some folders; of two with one name the earlier folder's counts. Thread-safe.

    The folders are looked at again every `look_again` seconds, and files that have changed are read anew.
    """

    def __init__(self, folders: Sequence[Path], look_again: float = LOOK_AGAIN) -> None:
        self._folders = list(folders)
        self._look_again = look_again
        self._lock = threading.RLock()
        self._looked = float("-inf")
        self._sources: dict[str, Source] = {}
        self._last_parts: dict[str, list[str]] = {}
        self._structured: dict[WildcardFile, dict[str, tuple[Entry, ...]]] = {}
        self._counts: dict[WildcardFile, int] = {}
        self._kept = KeptEntries()

    def names(self) -> list[str]:
        """All names, sorted."""
        return sorted(self._look(), key=lambda name: (name.lower(), name))

    def listed(self) -> list[WildcardInfo]:
        """All of them, by name, and how many texts each has."""
        sources = self._look()
        return [WildcardInfo(name, self._count(sources[name])) for name in self.names() if name in sources]

    def first(self, name: str, limit: int) -> list[str]:
        """The first texts of the wildcard of exactly that name, in the file's order.

        Raises:
            UnknownWildcardError: there is none.
        """
        return [entry.text for entry in islice(self._source(name).read(), limit)]

    def count(self, name: str) -> int:
        """How many texts the wildcard of exactly that name has.

        Raises:
            UnknownWildcardError: there is none.
        """
        return self._count(self._source(name))

    def entries(self, pattern: str, gathered: Callable[[int], None] = lambda _: None) -> Entries:
        """What can be chosen from for `__pattern__`: the texts of all that match.

        `gathered` is told of texts that had to be read or put together, how many; it may raise to stop that.

        Without a match it is looked for in all folders, a plain name in any letter case. The order is that
        of the library dynamicprompts, so that a seed means the same text.
        """
        sources = self._matching(pattern)
        return self._kept.of(sources, gathered) if sources else Entries()

    def _matching(self, pattern: str) -> list[Source]:
        sources = self._look()
        name = re.sub(r"[\\/]+", "/", pattern.strip()).strip("/")
        if name in sources:
            return [sources[name]]
        if not is_pattern(name):
            tail = f"/{name.lower()}"
            alike = self._last_parts.get(tail.rpartition("/")[2], [])
            return [sources[known] for known in alike if f"/{known.lower()}".endswith(tail)]
        for wanted in (name, f"**/{name}"):
            if found := [sources[known] for known in sources if fnmatchcase(known, wanted)]:
                return found
        return []

    def _source(self, name: str) -> Source:
        source = self._look().get(name)
        if source is None:
            raise UnknownWildcardError(name)
        return source

    def _count(self, source: Source) -> int:
        if source.entries is not None:
            return len(source.entries)
        if source.file not in self._counts:
            self._counts[source.file] = sum(1 for _ in source.read())
        return self._counts[source.file]

    def _look(self) -> dict[str, Source]:
        """What there is. The answer is never changed afterwards."""
        with self._lock:
            if time.monotonic() - self._looked >= self._look_again:
                files = [file for folder in self._folders for file in find(folder)]
                self._structured = {
                    file: self._structured[file] if file in self._structured else read_structured(file)
                    for file in files
                    if file.structured
                }
                self._sources = self._arranged(files)
                self._last_parts = {}
                for name in self._sources:
                    self._last_parts.setdefault(name.lower().rpartition("/")[2], []).append(name)
                present = {*files}
                self._counts = {file: count for file, count in self._counts.items() if file in present}
                self._looked = time.monotonic()
            return self._sources

    def _arranged(self, files: list[WildcardFile]) -> dict[str, Source]:
        sources: dict[str, Source] = {}
        for file in files:
            if file.structured:
                for name, entries in self._structured[file].items():
                    sources.setdefault(name, Source(name, file, entries))
            else:
                sources.setdefault(file.name, Source(file.name, file))
        return sources
