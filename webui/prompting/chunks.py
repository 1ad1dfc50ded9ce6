"""Prompts in chunks: rows of 77 tokens, as many as CLIP reads at once, each token with its weight."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from webui.params.guidance import Emphasis
from webui.prompting.emphasis import stretches
from webui.prompting.tokens import CHUNK, PromptTokenizer

Row = Sequence[tuple[int, float]]
"""At most 75 tokens' ids and weights."""


@dataclass(frozen=True)
class Chunk:
    """77 ids: start, up to 75 tokens, end, filling. What isn't from the text weighs 1."""

    ids: tuple[int, ...]
    weights: tuple[float, ...]


def chunked(
    text: str, tokenizer: PromptTokenizer, emphasis: Emphasis = "Original", backtrack: int = 20
) -> list[Chunk]:
    """`text`, without networks and editing, in chunks as A1111 makes them; at least one.

    BREAK ends a chunk. One that is full ends at its last comma, if that is among its last `backtrack` tokens,
    so that phrases stay together.
    """
    found = rows(text, tokenizer, emphasis, backtrack)
    if len(found) > 1 and not found[-1]:
        found.pop()
    return [_chunk(row, tokenizer) for row in found]


def rows(text: str, tokenizer: PromptTokenizer, emphasis: Emphasis, backtrack: int) -> list[Row]:
    """The tokens of each chunk. After a BREAK at the end there is one more, without tokens."""
    found: list[Row] = []
    for stretch in stretches(text, emphasis):
        tokens = [(number, span.weight) for span in stretch for number in tokenizer.ids(span.text)]
        found += _wrapped(tokens, tokenizer.comma, backtrack)
    return found


def _wrapped(tokens: Row, comma: int | None, backtrack: int) -> Iterator[Row]:
    start = 0
    while len(tokens) - start > CHUNK:
        end = start + CHUNK
        if tokens[end][0] != comma:
            latest = (at for at in range(end - 1, end - 1 - backtrack, -1) if tokens[at][0] == comma)
            end = next(latest, end - 1) + 1
        yield tokens[start:end]
        start = end
    yield tokens[start:]


def _chunk(row: Row, tokenizer: PromptTokenizer) -> Chunk:
    filling = CHUNK - len(row)
    ids = [tokenizer.start, *(number for number, _ in row), tokenizer.end, *[tokenizer.padding] * filling]
    return Chunk(tuple(ids), (1.0, *(weight for _, weight in row), *[1.0] * (filling + 1)))
