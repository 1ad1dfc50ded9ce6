"""Tags to complete, from lists in the format of A1111's extension a1111-sd-webui-tagcomplete.

A row is `name,category,count,"alias,alias"`; a list has some hundred thousand. They are searched as one long
text, the most used first, which takes a few milliseconds and little memory.
"""

from __future__ import annotations

import csv
import logging
import re
import threading
import time
from array import array
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import accumulate, islice
from pathlib import Path
from typing import NamedTuple

log = logging.getLogger(__name__)

MAX_BYTES = 2**26
MAX_ROWS = 400_000
MAX_NAME = 200
MAX_ALIASES = 500
LOOK_AGAIN = 5.0
MANY = 500
"""From so many matches on only the best are looked for."""
SPACES = re.compile(r"\s+")
FACE = re.compile(r"[^\w]{0,9}\w?[^\w]{0,9}_[^\w]{0,9}\w?[^\w]{0,9}")
"""Tags such as ^_^ and o_o, whose underscores are no spaces."""


class Tag(NamedTuple):
    """A tag that was found. `alias` is the name that was searched for, if it isn't its own."""

    name: str
    category: int
    uses: int
    alias: str
    rank: int
    """0: it is called so, 1: it begins so, 2: one of its words does, 3: it holds it, or an alias does."""


class _Row(NamedTuple):
    uses: int
    category: int
    text: bytes
    """Name and aliases, each with a tab behind it, as UTF-8."""


def spoken(name: str) -> str:
    """The tag as it stands in a prompt: with spaces for underscores, unless it is a face."""
    return name if FACE.fullmatch(name) else name.replace("_", " ")


def folded(text: str) -> str:
    """As it is searched: in lower case, with spaces for underscores."""
    return text.lower().replace("_", " ")


@dataclass(frozen=True)
class _Index:
    """All rows as one text, each with a line feed before it; and the same folded, byte by byte."""

    text: bytes = b""
    folded: bytes = b""
    starts: array[int] = field(default_factory=lambda: array("l"))
    categories: bytes = b""
    uses: array[int] = field(default_factory=lambda: array("l"))

    @classmethod
    def of(cls, rows: Sequence[_Row]) -> _Index:
        text = b"".join(b"\n" + row.text for row in rows)
        starts = array("l", accumulate((len(row.text) + 1 for row in rows), initial=0))
        categories = bytes(row.category for row in rows)
        uses = array("l", (row.uses for row in rows))
        return cls(text, text.lower().replace(b"_", b" "), starts, categories, uses)

    def search(self, wanted: bytes, limit: int) -> list[Tag]:
        """The rows that match best, the most used first among those that match alike, each once."""
        found = dict(islice(self._hits(wanted), MANY))
        if len(found) < MANY:
            # These are all. Rows come with the most used first, and sorting leaves those that match alike so.
            best = [self._tag(row, place, wanted) for row, place in found.items()]
            return sorted(best, key=lambda tag: tag.rank)[:limit]
        first: dict[int, int] = {}
        for before, after in ((b"\n", b"\t"), (b"\n", b""), (b" ", b""), (b"(", b"")):
            for row, place in islice(self._hits(before + wanted + after), limit):
                first.setdefault(row, place + 1)
        rest = {row: place for row, place in found.items() if row not in first}
        places = islice({**first, **rest}.items(), limit)
        return [self._tag(row, place, wanted) for row, place in places]

    def _hits(self, sought: bytes) -> Iterator[tuple[int, int]]:
        """The number of each row that holds `sought`, and the first place where."""
        place = self.folded.find(sought)
        while place >= 0:
            # A line feed belongs to the row that it begins.
            row = bisect_right(self.starts, place) - 1
            yield row, place
            place = self.folded.find(sought, self.starts[row + 1])

    def _tag(self, row: int, place: int, wanted: bytes) -> Tag:
        begin = self.starts[row] + 1
        end = self.text.index(b"\t", begin)
        name, searched = self.text[begin:end].decode(), self.folded[begin:end]
        alias, rank = "", 3
        if place >= end:
            begin = self.text.rindex(b"\t", begin, place) + 1
            alias = self.text[begin : self.text.index(b"\t", place)].decode()
        elif searched.startswith(wanted):
            rank = 0 if searched == wanted else 1
        elif b" " + wanted in searched or b"(" + wanted in searched:
            rank = 2
        return Tag(name, self.categories[row], self.uses[row], alias, rank)


class Tags:
    """The tags of all CSV files in some folders, read when they are first asked for. Thread-safe."""

    def __init__(self, folders: Sequence[Path]) -> None:
        self._folders = list(folders)
        self._lock = threading.Lock()
        self._looked = float("-inf")
        self._stamps: list[tuple[Path, int, int]] = []
        self._index = _Index()

    def search(self, wanted: str, limit: int) -> list[Tag]:
        """The best matches for `wanted`, at most `limit`."""
        sought = " ".join(folded(wanted).split()).encode("utf-8", "replace")
        return self._current().search(sought, limit) if sought else []

    def _current(self) -> _Index:
        with self._lock:
            if time.monotonic() - self._looked >= LOOK_AGAIN:
                stamps = list(_stamps(self._folders))
                if stamps != self._stamps:
                    self._index = _Index.of(_rows([path for path, _, _ in stamps]))
                    self._stamps = stamps
                self._looked = time.monotonic()
            return self._index


def _stamps(folders: Sequence[Path]) -> Iterator[tuple[Path, int, int]]:
    for folder in folders:
        try:
            files = sorted(path for path in folder.iterdir() if path.suffix.lower() == ".csv")
        except OSError:
            continue
        for path in files:
            try:
                stat = path.stat()
            except OSError:
                continue
            if path.is_file() and stat.st_size <= MAX_BYTES:
                yield path, stat.st_size, stat.st_mtime_ns


def _rows(files: Sequence[Path]) -> list[_Row]:
    """All rows, the most used first; of two with one name the more used."""
    rows = sorted((row for file in files for row in _read(file)), key=lambda row: -row.uses)
    if len(files) > 1:
        unique: dict[bytes, _Row] = {}
        for row in rows:
            unique.setdefault(row.text.partition(b"\t")[0], row)
        rows = list(unique.values())
    return rows[:MAX_ROWS]


def _read(file: Path) -> Iterator[_Row]:
    try:
        with file.open(encoding="utf-8-sig", errors="replace", newline="") as lines:
            for cells in islice(csv.reader(lines), MAX_ROWS):
                if cells and (row := _row(*cells[:4])):
                    yield row
    except (OSError, csv.Error) as error:
        log.warning("The list of tags %s can't be read: %s", file, error)


def _row(name: str, category: str = "", uses: str = "", aliases: str = "") -> _Row | None:
    name = name.strip()
    if not name or len(name) > MAX_NAME or name == "name":
        return None
    told = [name, *filter(None, map(str.strip, aliases[:MAX_ALIASES].split(",")))]
    text = "".join(f"{SPACES.sub(' ', one)}\t" for one in told)
    return _Row(_number(uses), min(_number(category), 255), text.encode("utf-8", "replace"))


def _number(told: str) -> int:
    return int(told) if told.isascii() and told.isdecimal() and len(told) < 10 else 0
