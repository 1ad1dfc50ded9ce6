"""What there is to choose from for a wildcard: read once, sorted, and kept for as long as there is room."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import accumulate
from random import Random
from typing import NamedTuple

from webui.prompting.wildcards_files import Entry, WildcardFile, read_lines

MOST_KEPT = 1_000_000
"""Texts that are kept, counted each time that they are listed."""


class Source(NamedTuple):
    """Where a wildcard's entries are. Those of structured files are in memory."""

    name: str
    file: WildcardFile
    entries: tuple[Entry, ...] | None = None

    def read(self) -> Iterator[Entry]:
        """The entries, in the file's order."""
        return read_lines(self.file.path) if self.entries is None else iter(self.entries)


@dataclass(frozen=True)
class Entries:
    """What is chosen from: texts, sorted, each once, and their weights unless all are 1."""

    texts: tuple[str, ...] = ()
    weights: tuple[float, ...] | None = None

    def choice(self, rand: Random) -> str:
        """One of the texts."""
        if self.weights is None:
            return rand.choice(self.texts)
        # dynamicprompts draws ten at a time; so do we, to have the same random numbers left.
        return rand.choices(self.texts, cum_weights=self._sums, k=10)[0]

    def weighted(self) -> Iterator[Entry]:
        """The texts with their weights."""
        return map(Entry, self.texts, self.weights or [1.0] * len(self.texts))

    @cached_property
    def _sums(self) -> list[float]:
        return list(accumulate(self.weights or ()))


Key = tuple[tuple[str, WildcardFile], ...]
"""Names and states of files: the same texts have the same key, however they were asked for."""


class KeptEntries:
    """Entries by where they come from; what was used longest ago goes first. Thread-safe."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._kept: dict[Key, Entries] = {}
        self._count = 0

    def of(self, sources: Sequence[Source], gathered: Callable[[int], None]) -> Entries:
        """The entries of `sources` together; of texts that several have, the first one's weight counts.

        `gathered` is told how many texts were read or put together wherever they weren't kept. What it raises
        ends the search.
        """
        key = tuple((source.name, source.file) for source in sources)
        if kept := self._get(key):
            return kept
        if len(sources) == 1:
            found = _sorted(sources[0].read())
        else:
            alone = [self.of([source], gathered) for source in sources]
            gathered(sum(len(entries.texts) for entries in alone))
            found = _sorted(entry for entries in alone for entry in entries.weighted())
        self._put(key, found)
        if len(sources) == 1:
            gathered(len(found.texts))
        return found

    def _get(self, key: Key) -> Entries | None:
        with self._lock:
            if (kept := self._kept.pop(key, None)) is not None:
                self._kept[key] = kept
            return kept

    def _put(self, key: Key, entries: Entries) -> None:
        with self._lock:
            if key in self._kept:
                return
            while self._kept and self._count + len(entries.texts) > MOST_KEPT:
                self._count -= len(self._kept.pop(next(iter(self._kept))).texts)
            self._kept[key] = entries
            self._count += len(entries.texts)


def _sorted(entries: Iterable[Entry]) -> Entries:
    """All entries but those that never could be chosen."""
    weights: dict[str, float] = {}
    for entry in entries:
        if entry.weight > 0:
            weights.setdefault(entry.text, entry.weight)
    texts = tuple(sorted(weights))
    alike = all(weight == 1 for weight in weights.values())
    return Entries(texts, None if alike else tuple(weights[text] for text in texts))
