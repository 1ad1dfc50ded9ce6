"""Tokenizers for models in single files, which bring none."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from transformers import CLIPTokenizer, T5Tokenizer

from webui.engine.protocol import EngineError
from webui.prompting.vocabulary import read_clip

T5_FILES = ("tokenizer.json", "spiece.model")
CLIP_LENGTH = 77


def clip_tokenizer(padding: str) -> CLIPTokenizer:
    """CLIP's, filling up with `padding`: "<|endoftext|>" for OpenAI's, "!" (id 0) for OpenCLIP's."""
    vocabulary, merges = read_clip()
    options: dict[str, Any] = {"model_max_length": CLIP_LENGTH, "pad_token": padding}
    return CLIPTokenizer(vocab=vocabulary, merges=[*merges], **options)  # pyright: ignore[reportArgumentType]


def t5_tokenizer(folder: Path | None, length: int) -> T5Tokenizer:
    """T5's, from a folder with its tokenizer.json or spiece.model. `length`: tokens it gives at most.

    Raises:
        EngineError: there is no such folder, or nothing usable in it.
    """
    if folder is None or not any((folder / name).is_file() for name in T5_FILES):
        place = (
            f'"{folder}" doesn\'t hold it'
            if folder
            else 'none is named in the Settings ("T5 tokenizer folder")'
        )
        raise EngineError(
            f"The T5 text encoder needs its tokenizer, and {place}. Put T5's tokenizer.json or spiece.model "
            "into a folder and name that in the Settings; the Models tab can download it."
        )
    try:
        return T5Tokenizer.from_pretrained(folder, local_files_only=True, model_max_length=length)
    except Exception as error:  # tokenizers raise nothing narrower for damaged files
        reason = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
        raise EngineError(
            f"T5's tokenizer in \"{folder}\" can't be used ({reason}). With a tokenizer.json it needs no "
            "further package; the Models tab can download it."
        ) from error
