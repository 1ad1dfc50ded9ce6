"""What a prompt's word could become: LoRAs, embeddings, styles, wildcards, tags."""

from __future__ import annotations

import heapq
import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import Literal, NamedTuple

from webui.prompting.book import PromptBook
from webui.prompting.completions_networks import Network
from webui.prompting.styles import PLACE, Style
from webui.prompting.tags import Tag, Tags, folded, spoken

CompletionKind = Literal["lora", "embedding", "style", "wildcard", "tag", "network"]
KINDS: tuple[CompletionKind, ...] = ("lora", "network", "embedding", "style", "wildcard", "tag")
"""In the order in which they are told where they match alike."""
BRACKETS = re.compile(r"[()\[\]]")
CATEGORIES = {1: "artist", 3: "copyright", 4: "character", 5: "meta"}
"""Danbooru's numbers, as far as they are worth telling."""
MAX_DETAIL = 100


@dataclass(frozen=True)
class Completion:
    """One answer. `insert` is the text that takes the place of what was typed; `count` its use."""

    kind: CompletionKind
    name: str
    insert: str
    detail: str = ""
    count: int | None = None


class _Found(NamedTuple):
    """Sorts before what matches worse, is of a later kind, is used less, or is longer."""

    rank: int
    kind: int
    unused: int
    length: int
    name: str
    make: Callable[[], Completion]


class Completions:
    """Searches everything that has a name. `networks` is asked anew each time."""

    def __init__(self, networks: Callable[[], Iterable[Network]], book: PromptBook, tags: Tags) -> None:
        self._networks = networks
        self._book = book
        self._tags = tags

    def search(self, typed: str, limit: int) -> list[Completion]:
        """The best completions of what was typed, at most `limit`.

        `<`, `<lora:` ask for networks that have tags, `__` for wildcards. Nothing typed finds nothing.
        """
        typed = typed.strip()
        if typed.startswith("<"):
            found = self._tagged(folded(typed[1:]))
        elif typed.startswith("__"):
            found = self._wildcards(folded(typed.strip("_")))
        else:
            wanted = folded(typed.replace("\\", "")).strip()
            found = self._all(wanted, limit) if wanted else iter(())
        return [one.make() for one in heapq.nsmallest(limit, found, key=lambda one: one[:5])]

    def _tagged(self, typed: str) -> Iterator[_Found]:
        keyword, colon, wanted = typed.partition(":")
        for network in self._networks():
            if network.tag and (network.tag == keyword if colon else network.tag.startswith(keyword)):
                yield from _matching(wanted, network.kind, network.name, partial(_network, network))

    def _wildcards(self, wanted: str) -> Iterator[_Found]:
        for name in self._book.wildcards.names():
            yield from _matching(wanted, "wildcard", name, partial(_wildcard, name))

    def _all(self, wanted: str, limit: int) -> Iterator[_Found]:
        for network in self._networks():
            yield from _matching(wanted, network.kind, network.name, partial(_network, network))
        for style in self._book.styles.listed():
            if _words(style):
                yield from _matching(wanted, "style", style.name, partial(_style, style))
        yield from self._wildcards(wanted)
        for tag in self._tags.search(wanted, limit):
            yield _Found(tag.rank, KINDS.index("tag"), -tag.uses, len(tag.name), tag.name, partial(_tag, tag))


def _matching(
    wanted: str, kind: CompletionKind, name: str, make: Callable[[], Completion]
) -> Iterator[_Found]:
    own = folded(name)
    place = own.find(wanted)
    if place < 0:
        return
    word = re.search(rf"(?<![^\W_]){re.escape(wanted)}", own)
    rank = 0 if own == wanted else 1 if place == 0 else 2 if word else 3
    yield _Found(rank, KINDS.index(kind), 0, len(name), name, make)


def _network(network: Network) -> Completion:
    return Completion(network.kind, network.name, network.insert(), network.detail)


def _wildcard(name: str) -> Completion:
    return Completion("wildcard", name, f"__{name}__")


def _style(style: Style) -> Completion:
    words = _words(style)
    return Completion("style", style.name, words, words[:MAX_DETAIL])


def _words(style: Style) -> str:
    """What the style adds to a prompt, on its own."""
    parts = (part.strip(" ,\n") for part in style.prompt.split(PLACE))
    return ", ".join(filter(None, parts))


def _tag(tag: Tag) -> Completion:
    said = spoken(tag.name)
    detail = tag.alias or CATEGORIES.get(tag.category, "")
    return Completion("tag", said, BRACKETS.sub(r"\\\g<0>", said), detail, tag.uses)
