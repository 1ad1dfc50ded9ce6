"""Textual inversion (Gal et al., arXiv:2208.01618): a new word's vectors, and nothing else."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractContextManager
from typing import Any, cast

import torch
from torch import Tensor, nn

from webui.engine.encoding import PromptEncoder
from webui.engine.model import Model, TextEncoder
from webui.engine.words import Spoken, Vocabulary, Words
from webui.params.guidance import Emphasis
from webui.params.training import TrainParams
from webui.prompting.chunks import Chunk, chunked
from webui.prompting.learned import Names
from webui.training.captions import Restless

SDXL = {"text_encoder": "clip_l", "text_encoder_2": "clip_g"}


class Inversion:
    """A new word, known to `encoder`, which encodes the prompts of samples, and to those that `fresh` makes.

    It begins as what the initial text's tokens say, one after the other, over again if they are too few.
    """

    def __init__(self, model: Model, train: TrainParams, encoder: PromptEncoder) -> None:
        self._model = model
        self._name = train.name
        self._trigger = train.trigger.strip()
        self.parameters: dict[str, nn.Parameter] = {
            each.part: nn.Parameter(
                _first(each, train.initial_text, train.vectors).to(model.placement.device)
            )
            for each in model.encoders
        }
        self.silence = self.caption("")
        encoder.vocabulary = self._vocabulary()

    def fresh(self) -> PromptEncoder:
        """An encoder that knows the word as it is now."""
        encoder = PromptEncoder(self._model)
        encoder.vocabulary = self._vocabulary()
        return encoder

    def _vocabulary(self) -> Vocabulary:
        return Learning(self._model, self._name, self.parameters)

    def caption(self, caption: str) -> str:
        """Trigger words, the word if `caption` doesn't say it, and that; so something is said in any case."""
        parts = (self._trigger, "" if self._says(caption) else self._name, caption)
        return ", ".join(filter(None, parts))

    def _says(self, caption: str) -> bool:
        """Whether the word is in `caption`: by its tokens, since its letters may be those of others."""
        words = self._vocabulary().read(caption, self._model.encoders[0], "None", 0)
        return any(chunk.words for chunk in words.chunks)

    def tensors(self) -> dict[str, Tensor]:
        """A1111's `emb_params`, or SDXL's `clip_l` and `clip_g`, of shape (vectors, width)."""
        found = {part: vectors.detach().cpu().contiguous() for part, vectors in self.parameters.items()}
        if self._model.family.startswith("sdxl"):
            return {SDXL[part]: vectors for part, vectors in found.items()}
        return {"emb_params": found["text_encoder"]}


class Learning(Restless):
    """Knows one word, whose vectors are being learned."""

    def __init__(self, model: Model, name: str, vectors: dict[str, nn.Parameter]) -> None:
        super().__init__(model)
        self._name = name
        self._vectors = vectors

    def read(self, text: str, encoder: TextEncoder, emphasis: Emphasis, backtrack: int) -> Words:
        """`text` in chunks, with room for the word's vectors wherever it is said."""
        length = len(self._vectors[encoder.part])
        find = Names([self._name], encoder.tokenizer).finder(lambda _: length)
        return Words(chunked(text, encoder.tokenizer, emphasis, backtrack, find))

    def spoken(self, encoder: TextEncoder, chunks: Sequence[Chunk]) -> AbstractContextManager[object]:
        """Has `encoder` hear the vectors."""
        return Spoken(encoder.network, chunks, {self._name: self._vectors[encoder.part]})


def _first(encoder: TextEncoder, text: str, vectors: int) -> Tensor:
    table: Tensor = cast(Any, encoder.network).get_input_embeddings().weight
    ids = encoder.tokenizer.ids(text) or [encoder.tokenizer.end]
    rows = [ids[place % len(ids)] for place in range(vectors)]
    return table[torch.tensor(rows, device=table.device)].detach().float().clone()
