"""Prompts -> what the UNet listens to."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass

import torch
from torch import Tensor

from webui.engine.model import Model

REMEMBERED_CHUNKS = 256


@dataclass(frozen=True)
class Conditioning:
    """Embeddings of shape (1, tokens, width); both have the same number of tokens."""

    positive: Tensor
    negative: Tensor


class PromptEncoder:
    """Encodes with one model's text encoder. The last texts are remembered."""

    def __init__(self, model: Model) -> None:
        self._model = model
        self._known: OrderedDict[tuple[str, int], Tensor] = OrderedDict()

    def encode(self, prompt: str, negative: str) -> Conditioning:
        """Both prompts, the shorter one filled up with empty chunks, since they run as one batch."""
        chunks = max(len(self._model.tokenizer.chunks(text)) for text in (prompt, negative))
        return Conditioning(self._embedding(prompt, chunks), self._embedding(negative, chunks))

    def _embedding(self, text: str, chunks: int) -> Tensor:
        key = (text, chunks)
        if key not in self._known:
            self._known[key] = self._encode(text, chunks)
            self._forget()
        self._known.move_to_end(key)
        return self._known[key]

    def _forget(self) -> None:
        while len(self._known) > 2 and sum(chunks for _, chunks in self._known) > REMEMBERED_CHUNKS:
            self._known.popitem(last=False)

    def _encode(self, text: str, chunks: int) -> Tensor:
        rows = self._model.tokenizer.chunks(text)
        rows += self._model.tokenizer.chunks("") * (chunks - len(rows))
        ids = torch.tensor(rows, device=self._model.placement.device)
        return self._model.text_encoder(ids).last_hidden_state.flatten(0, 1).unsqueeze(0)
