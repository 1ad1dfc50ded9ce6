"""Tokenizers as they are published beside models: `tokenizer.json`, in Hugging Face tokenizers' format."""

import json
import string

from tokenizers import Tokenizer
from tokenizers.models import BPE, Unigram

PIECES = [("<pad>", 0.0), ("</s>", 0.0), ("<unk>", 0.0), ("▁", -2.0)]
PIECES += [(letter, -3.0 - at / 100) for at, letter in enumerate(string.ascii_lowercase)]


def t5_tokenizer() -> bytes:
    """A small one of T5's kind. Like google-t5/t5-small's it names no type of its model."""
    told = json.loads(Tokenizer(Unigram(PIECES, unk_id=2)).to_str())
    told["model"] = {key: told["model"][key] for key in ("unk_id", "vocab")}
    return json.dumps(told, ensure_ascii=False, separators=(",", ":")).encode()


def xlm_tokenizer() -> bytes:
    """A Unigram model, too, but with other pieces at its start."""
    first = [("<s>", 0.0), ("<pad>", 0.0), ("</s>", 0.0), ("<unk>", 0.0)]
    return Tokenizer(Unigram([*first, *PIECES[3:]], unk_id=3)).to_str().encode()


def clip_tokenizer() -> bytes:
    """One of pairs of letters."""
    return Tokenizer(BPE({"a": 0, "b": 1, "ab": 2}, [("a", "b")])).to_str().encode()
