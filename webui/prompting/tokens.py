"""CLIP's tokenizer, from a model's own folder: text -> token ids, in chunks of 75."""

from __future__ import annotations

import json
from pathlib import Path

from tokenizers import Regex, Tokenizer, normalizers, pre_tokenizers
from tokenizers.models import BPE

CHUNK = 75
START, END = "<|startoftext|>", "<|endoftext|>"
WORDS = r"'s|'t|'re|'ve|'m|'ll|'d|[\p{L}]+|[\p{N}]|[^\s\p{L}\p{N}]+"


class PromptTokenizer:
    """Splits prompts as CLIP does (lower case, byte-level BPE with "</w>" at word ends)."""

    def __init__(self, vocabulary: dict[str, int], merges: list[tuple[str, str]]) -> None:
        self._tokenizer = Tokenizer(
            BPE(vocabulary, merges, continuing_subword_prefix="", end_of_word_suffix="</w>", unk_token=END)
        )
        self._tokenizer.normalizer = normalizers.Sequence(
            [normalizers.NFC(), normalizers.Replace(Regex(r"\s+"), " "), normalizers.Lowercase()]
        )
        self._tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
            [
                pre_tokenizers.Split(Regex(WORDS), behavior="removed", invert=True),
                pre_tokenizers.ByteLevel(add_prefix_space=False),
            ]
        )
        self.start: int = vocabulary[START]
        self.end: int = vocabulary[END]

    @classmethod
    def from_folder(cls, folder: Path) -> PromptTokenizer:
        """From `vocab.json` and `merges.txt`, the files every CLIP model folder has."""
        vocabulary = json.loads((folder / "vocab.json").read_text(encoding="utf-8"))
        lines = (folder / "merges.txt").read_text(encoding="utf-8").splitlines()
        pairs = (line.partition(" ") for line in lines if not line.startswith("#"))
        return cls(vocabulary, [(a, b) for a, _, b in pairs if b])

    def ids(self, text: str) -> list[int]:
        """The token ids of `text`, without start and end."""
        return self._tokenizer.encode(text, add_special_tokens=False).ids

    def chunks(self, text: str) -> list[list[int]]:
        """Ids in rows of 77: start, 75 tokens, end, the last row filled up with end tokens. At least one."""
        ids = self.ids(text)
        rows = [ids[at : at + CHUNK] for at in range(0, len(ids), CHUNK)] or [[]]
        return [[self.start, *row, *[self.end] * (CHUNK - len(row) + 1)] for row in rows]

    def count(self, text: str) -> tuple[int, int]:
        """How many tokens `text` has, and how many fit into as many chunks as it takes."""
        used = len(self.ids(text))
        return used, max(1, -(-used // CHUNK)) * CHUNK
