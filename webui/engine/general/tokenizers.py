"""Tokenizers for models in single files, which bring none."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from transformers import CLIPTokenizer, T5Tokenizer

from webui.catalog.folders import T5_TOKENIZER
from webui.engine.protocol import EngineError
from webui.prompting.vocabulary import read_clip

T5_FILES = ("tokenizer.json", "spiece.model")
CLIP_LENGTH = 77
WAY_OUT = (
    'Download "T5 tokenizer" in the Models tab under "Get models", or put T5\'s tokenizer.json '
    f"into models/{T5_TOKENIZER}."
)


def clip_tokenizer(padding: str) -> CLIPTokenizer:
    """CLIP's, filling up with `padding`: "<|endoftext|>" for OpenAI's, "!" (id 0) for OpenCLIP's."""
    vocabulary, merges = read_clip()
    options: dict[str, Any] = {"model_max_length": CLIP_LENGTH, "pad_token": padding}
    return CLIPTokenizer(vocab=vocabulary, merges=[*merges], **options)  # pyright: ignore[reportArgumentType]


def holds_t5(folder: Path) -> bool:
    """Whether a file of T5's tokenizer lies in `folder`, which need not be there."""
    return any((folder / name).is_file() for name in T5_FILES)


def t5_tokenizer(folder: Path | None, length: int) -> T5Tokenizer:
    """T5's, from a folder with its tokenizer.json or spiece.model. `length`: tokens it gives at most.

    Raises:
        EngineError: there is no such folder, or nothing usable in it.
    """
    if folder is None:
        raise EngineError(f"The T5 text encoder needs its tokenizer, which isn't there yet. {WAY_OUT}")
    if not holds_t5(folder):
        raise EngineError(
            f'The T5 text encoder needs its tokenizer, and "{folder}", named in the Settings under "T5 '
            f"tokenizer folder\", doesn't hold it. Name another there, or none. {WAY_OUT}"
        )
    try:
        return T5Tokenizer.from_pretrained(folder, local_files_only=True, model_max_length=length)
    except Exception as error:  # tokenizers raise nothing narrower for damaged files
        reason = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
        raise EngineError(f"T5's tokenizer in \"{folder}\" can't be used ({reason}). {WAY_OUT}") from error
