"""Prompts in chunks: rows of 77 tokens, as many as CLIP reads at once, each token with its weight."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from webui.params.guidance import Emphasis
from webui.prompting.emphasis import Span, stretches
from webui.prompting.learned import Find, no_words
from webui.prompting.tokens import CHUNK, PromptTokenizer

TAUGHT = 0
"""The id that stands where a taught word's vectors take the token's place."""


class Token(NamedTuple):
    """A token of a text, or one of those whose room a taught word takes."""

    number: int
    weight: float
    word: str = ""
    """The name of the taught word that begins here."""
    tied: bool = False
    """Whether it belongs to the word before it."""


Row = Sequence[Token]
"""At most 75 of them."""


@dataclass(frozen=True)
class Chunk:
    """77 ids: start, up to 75 tokens, end, filling. What isn't from the text weighs 1."""

    ids: tuple[int, ...]
    weights: tuple[float, ...]
    words: tuple[tuple[int, str], ...] = ()
    """Where among the ids taught words begin, and their names."""


def chunked(
    text: str,
    tokenizer: PromptTokenizer,
    emphasis: Emphasis = "Original",
    backtrack: int = 20,
    find: Find = no_words,
) -> list[Chunk]:
    """`text`, without networks and editing, in chunks as A1111 makes them; at least one.

    BREAK ends a chunk. One that is full ends at its last comma, if that is among its last `backtrack` tokens,
    so that phrases stay together. `find` knows the words that embeddings have taught; none is divided.
    """
    found = rows(text, tokenizer, emphasis, backtrack, find)
    if len(found) > 1 and not found[-1]:
        found.pop()
    return [_chunk(row, tokenizer) for row in found]


def rows(
    text: str, tokenizer: PromptTokenizer, emphasis: Emphasis, backtrack: int, find: Find = no_words
) -> list[Row]:
    """The tokens of each chunk. After a BREAK at the end there is one more, without tokens."""
    found: list[Row] = []
    for stretch in stretches(text, emphasis):
        tokens = [token for span in stretch for token in _tokens(span, tokenizer, find)]
        found += _wrapped(tokens, tokenizer.comma, backtrack)
    return found


def _tokens(span: Span, tokenizer: PromptTokenizer, find: Find) -> Iterator[Token]:
    ids = tokenizer.ids(span.text)
    place = 0
    while place < len(ids):
        word = find(ids, place, span.text)
        if word is None:
            yield Token(ids[place], span.weight)
            place += 1
            continue
        yield Token(TAUGHT, span.weight, word.name)
        yield from [Token(TAUGHT, span.weight, tied=True)] * (word.length - 1)
        place += word.spelled


def _wrapped(tokens: Row, comma: int | None, backtrack: int) -> Iterator[Row]:
    start = 0
    while len(tokens) - start > CHUNK:
        end = _end(tokens, start + CHUNK, comma, backtrack)
        yield tokens[start:end]
        start = end
    yield tokens[start:]


def _end(tokens: Row, full: int, comma: int | None, backtrack: int) -> int:
    """Where a chunk ends that is full before token `full`."""
    if tokens[full].tied:
        return next(at for at in range(full - 1, -1, -1) if not tokens[at].tied)
    if tokens[full].number == comma:
        return full
    latest = (at for at in range(full - 1, full - 1 - backtrack, -1) if tokens[at].number == comma)
    return next(latest, full - 1) + 1


def _chunk(row: Row, tokenizer: PromptTokenizer) -> Chunk:
    filling = CHUNK - len(row)
    ids = [tokenizer.start, *(token.number for token in row), tokenizer.end, *[tokenizer.padding] * filling]
    weights = (1.0, *(token.weight for token in row), *[1.0] * (filling + 1))
    return Chunk(
        tuple(ids), weights, tuple((at, token.word) for at, token in enumerate(row, 1) if token.word)
    )
