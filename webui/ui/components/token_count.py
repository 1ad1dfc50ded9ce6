"""The "8/75" at the corner of a prompt box."""

from __future__ import annotations

import gradio as gr

from webui.catalog.catalog import Catalog
from webui.catalog.entry import ModelFile
from webui.params import InvalidParamsError
from webui.params.generation import MAX_PROMPT
from webui.prompting.counting import count
from webui.prompting.tokens import CHUNK, PromptTokenizer

UNKNOWN = f"–/{CHUNK}"


class TokenCounts:
    """Counts with each checkpoint's own tokenizer, read once."""

    def __init__(self, catalog: Catalog) -> None:
        self._catalog = catalog
        self._tokenizers: dict[str, PromptTokenizer] = {}

    def text(self, prompt: str, checkpoint: str) -> str:
        """Tokens used / tokens that fit before another chunk begins. Too long a prompt isn't counted."""
        if len(prompt) > MAX_PROMPT:
            return UNKNOWN
        try:
            used, room = count(prompt, self._tokenizer(checkpoint))
        except (InvalidParamsError, OSError, ValueError, TypeError, KeyError):
            return UNKNOWN
        return f"{used}/{room}"

    def _tokenizer(self, name: str) -> PromptTokenizer:
        checkpoint = self._catalog.find(name)
        if checkpoint.name not in self._tokenizers:
            self._tokenizers[checkpoint.name] = _read(checkpoint)
        return self._tokenizers[checkpoint.name]


def _read(checkpoint: ModelFile) -> PromptTokenizer:
    # Single files bring no tokenizer: theirs is CLIP's.
    own = checkpoint.folder
    return PromptTokenizer.from_folder(checkpoint.path / "tokenizer") if own else PromptTokenizer.clip()


def token_counter(
    counts: TokenCounts, prompt: gr.Textbox, checkpoint: gr.Dropdown, element_id: str
) -> gr.HTML:
    """The counter of `prompt`, following what is typed and which checkpoint is chosen."""
    counter = gr.HTML(
        counts.text(str(prompt.value or ""), ""),
        elem_id=f"{element_id}_tokens",
        elem_classes="dr-tokens",
        apply_default_css=False,
    )
    gr.on(
        [prompt.change, checkpoint.change],
        counts.text,
        [prompt, checkpoint],
        counter,
        show_progress="hidden",
        trigger_mode="always_last",
        queue=False,
        api_visibility="private",
    )
    return counter
