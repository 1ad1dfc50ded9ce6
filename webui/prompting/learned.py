"""Words that embeddings have taught: textual inversions, which prompts name by their files' names."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass

from webui.prompting.tokens import PromptTokenizer


@dataclass(frozen=True)
class Word:
    """A taught word where it stands in a text."""

    name: str
    spelled: int
    """How many tokens its name takes in the text."""
    length: int
    """How many tokens it takes the room of: one for each of its vectors."""


Find = Callable[[Sequence[int], int, str], Word | None]
"""The taught word that begins at a place among the tokens' ids of a text, if any: (ids, place, text)."""


def no_words(ids: Sequence[int], place: int, text: str) -> Word | None:  # noqa: ARG001
    """Finds none."""
    return None


class Names:
    """Names by the tokens that they are written with."""

    def __init__(self, names: Iterable[str], tokenizer: PromptTokenizer) -> None:
        self._spelled: dict[int, list[tuple[list[int], str]]] = {}
        for name in dict.fromkeys(names):
            if ids := tokenizer.ids(name):
                self._spelled.setdefault(ids[0], []).append((ids, name))
        for alike in self._spelled.values():
            alike.sort(key=lambda one: -len(one[0]))

    def at(self, ids: Sequence[int], place: int, text: str) -> Iterator[tuple[str, int]]:
        """The names that begin at `place`, and how many tokens each takes: the longest first, as in A1111.

        Of those that differ in capitals alone, which tokens don't tell, first the one that `text` holds.
        """
        found = [
            (name, len(spelled))
            for spelled, name in self._spelled.get(ids[place], ())
            if list(ids[place : place + len(spelled)]) == spelled
        ]
        yield from sorted(found, key=lambda one: (-one[1], one[0] not in text))

    def finder(self, length: Callable[[str], int]) -> Find:
        """Finds these names. `length`: how many vectors stand for one; 0: it is read as plain words."""

        def find(ids: Sequence[int], place: int, text: str) -> Word | None:
            words = (Word(name, spelled, length(name)) for name, spelled in self.at(ids, place, text))
            return next((word for word in words if word.length), None)

        return find
