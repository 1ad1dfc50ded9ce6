"""The "8/75" at the corner of a prompt box."""

from __future__ import annotations

import gradio as gr

from webui.catalog.catalog import Catalog
from webui.catalog.control_models import goes_with
from webui.catalog.entry import ModelFile
from webui.params import InvalidParamsError
from webui.params.generation import MAX_PROMPT
from webui.prompting.counting import count
from webui.prompting.learned import Find, Names
from webui.prompting.styles_store import StyleStore
from webui.prompting.tokens import CHUNK, PromptTokenizer
from webui.ui.components.controls import AT_ONCE, LATEST, Controls
from webui.ui.components.pause import after_pause

UNKNOWN = f"–/{CHUNK}"


class TokenCounts:
    """Counts with each checkpoint's own tokenizer, read once, and with the chosen styles' texts."""

    def __init__(self, catalog: Catalog, styles: StyleStore) -> None:
        self._catalog = catalog
        self._styles = styles
        self._tokenizers: dict[str, PromptTokenizer] = {}
        self._taught: dict[str, tuple[dict[str, int], Names]] = {}
        """Of each checkpoint the embeddings that it can use, and their names."""

    def texts(self, prompt: str, negative: str, styles: list[str] | None, checkpoint: str) -> list[str]:
        """`text` of both prompts, the styles of these names put in. Styles that can't be are left out."""
        try:
            both = self._styles.apply(styles or [], prompt, negative)
        except InvalidParamsError:
            both = prompt, negative
        return [self.text(each, checkpoint) for each in both]

    def text(self, prompt: str, checkpoint: str) -> str:
        """Tokens used / tokens that fit before another chunk begins. Too long a prompt isn't counted."""
        if len(prompt) > MAX_PROMPT:
            return UNKNOWN
        try:
            used, room = count(prompt, self._tokenizer(checkpoint), find=self._find(checkpoint))
        except (InvalidParamsError, OSError, ValueError, TypeError, KeyError):
            return UNKNOWN
        return f"{used}/{room}"

    def _find(self, name: str) -> Find:
        """Finds the names of embeddings, which take the room of their vectors."""
        checkpoint = self._catalog.find(name)
        lengths = {
            file.stem: file.identity.vectors
            for file in reversed(self._catalog.files("embedding"))
            if goes_with(file, checkpoint) is None
        }
        known = self._taught.get(checkpoint.name)
        if known is None or known[0] != lengths:
            known = self._taught[checkpoint.name] = lengths, Names(lengths, self._tokenizer(name))
        return known[1].finder(lambda word: lengths[word])

    def _tokenizer(self, name: str) -> PromptTokenizer:
        checkpoint = self._catalog.find(name)
        if checkpoint.name not in self._tokenizers:
            self._tokenizers[checkpoint.name] = _read(checkpoint)
        return self._tokenizers[checkpoint.name]


def _read(checkpoint: ModelFile) -> PromptTokenizer:
    # Single files bring no tokenizer: theirs is CLIP's.
    own = checkpoint.folder
    return PromptTokenizer.from_folder(checkpoint.path / "tokenizer") if own else PromptTokenizer.clip()


def token_counter(counts: TokenCounts, prompt: gr.Textbox, element_id: str) -> gr.HTML:
    """The counter of `prompt`."""
    return gr.HTML(
        counts.text(str(prompt.value or ""), ""),
        elem_id=f"{element_id}_tokens",
        elem_classes="dr-tokens",
        apply_default_css=False,
    )


def wire_counters(counts: TokenCounts, counters: list[gr.HTML], controls: Controls) -> None:
    """The counters of both prompts follow what is typed, and which styles and checkpoint are chosen."""
    read = [controls[field] for field in ("prompt", "negative_prompt", "styles", "checkpoint")]
    paused = after_pause(read, str(counters[0].elem_id))
    paused(counts.texts, read, counters, **{**AT_ONCE, **LATEST})
