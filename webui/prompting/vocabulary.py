"""The vocabulary of OpenAI's CLIP: 49,408 tokens, the same in every CLIP that Stable Diffusion uses."""

from __future__ import annotations

import gzip
from pathlib import Path

from tokenizers.pre_tokenizers import ByteLevel

FILE = Path(__file__).parent / "clip" / "bpe_simple_vocab_16e6.txt.gz"
START, END = "<|startoftext|>", "<|endoftext|>"
MERGES = 48_894
"""How many of the file's pairs CLIP uses; the rest are left from a larger vocabulary."""


def read_clip() -> tuple[dict[str, int], list[tuple[str, str]]]:
    """Token -> id, and the pairs to merge, the most important first.

    Ids are, in this order: the 256 bytes, the 256 bytes at a word's end, a token for each merge, start, end
    (A. Radford et al., arXiv:2103.00020, and the code published with it).
    """
    # The first line tells a version.
    lines = gzip.decompress(FILE.read_bytes()).decode("utf-8").split("\n")[1 : 1 + MERGES]
    merges = [(first, second) for first, _, second in (line.partition(" ") for line in lines)]
    letters = sorted(ByteLevel.alphabet())
    tokens = [
        *letters,
        *(f"{letter}</w>" for letter in letters),
        *("".join(pair) for pair in merges),
        START,
        END,
    ]
    return {token: number for number, token in enumerate(tokens)}, merges
