"""CLIP's tokenizer: text -> token ids, in chunks of 75."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path

from tokenizers import Regex, Tokenizer, normalizers, pre_tokenizers
from tokenizers.models import BPE

from webui.prompting.vocabulary import END, START, read_clip

CHUNK = 75
WORDS = r"'s|'t|'re|'ve|'m|'ll|'d|[\p{L}]+|[\p{N}]|[^\s\p{L}\p{N}]+"


class PromptTokenizer:
    """Splits prompts as CLIP does (lower case, byte-level BPE with "</w>" at word ends)."""

    def __init__(self, vocabulary: dict[str, int], merges: list[tuple[str, str]], padding: str = END) -> None:
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
        self.padding: int = vocabulary[padding]
        self.comma: int | None = vocabulary.get(",</w>")

    @classmethod
    @cache
    def clip(cls, padding: str = END) -> PromptTokenizer:
        """CLIP's own 49,408 tokens, for models in a single file, which brings none.

        `padding`: Stable Diffusion 1.x and SDXL's first text encoder fill up with the end token, 2.x, SDXL's
        second one and the refiner's with "!", whose id is 0.
        """
        return cls(*read_clip(), padding)

    @classmethod
    def from_folder(cls, folder: Path) -> PromptTokenizer:
        """From `vocab.json` and `merges.txt`, the files every CLIP model folder has."""
        vocabulary = json.loads((folder / "vocab.json").read_text(encoding="utf-8"))
        lines = (folder / "merges.txt").read_text(encoding="utf-8").splitlines()
        pairs = (line.partition(" ") for line in lines if not line.startswith("#"))
        return cls(vocabulary, [(a, b) for a, _, b in pairs if b], _padding(folder))

    def ids(self, text: str) -> list[int]:
        """The token ids of `text`, without start and end."""
        return self._tokenizer.encode(text, add_special_tokens=False).ids


def _padding(folder: Path) -> str:
    """Stable Diffusion 1.x pads with the end token, 2.x with "!"; the tokenizer's files say which."""
    for name in ("special_tokens_map.json", "tokenizer_config.json"):
        if (folder / name).is_file():
            told = json.loads((folder / name).read_text(encoding="utf-8")).get("pad_token")
            if told:
                return str(told["content"] if isinstance(told, dict) else told)
    return END
