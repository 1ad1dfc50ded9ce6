"""How much of the room for tokens a prompt takes up."""

from __future__ import annotations

from webui.params.guidance import Emphasis
from webui.prompting.chunks import rows
from webui.prompting.language import read
from webui.prompting.learned import Find, no_words
from webui.prompting.tokens import CHUNK, PromptTokenizer

STEPS = 20
"""Over how many steps what changes is looked at."""


def count(
    text: str,
    tokenizer: PromptTokenizer,
    emphasis: Emphasis = "Original",
    backtrack: int = 20,
    *,
    steps: int = STEPS,
    find: Find = no_words,
) -> tuple[int, int]:
    """Tokens used, and how many fit into as many chunks as that takes.

    It is the most that any part between ANDs says at any step. A chunk that ended early, at a BREAK or comma,
    counts as full. Comments, networks and signs of emphasis take no room; words that embeddings have taught,
    which `find` knows, as much as they have vectors.
    """
    parts = read(text, steps).subprompts
    used = max(
        _used(said, tokenizer, emphasis, backtrack, find)
        for said in {moment.text for part in parts for moment in part.moments}
    )
    return used, max(1, -(-used // CHUNK)) * CHUNK


def _used(text: str, tokenizer: PromptTokenizer, emphasis: Emphasis, backtrack: int, find: Find) -> int:
    *full, last = rows(text, tokenizer, emphasis, backtrack, find)
    return len(full) * CHUNK + len(last)
