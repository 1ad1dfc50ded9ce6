"""Prompts -> what the UNet listens to."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass
from typing import Any, cast

import torch
from torch import Tensor

from webui.engine.model import Model, TextEncoder

REMEMBERED_CHUNKS = 256


@dataclass(frozen=True)
class Embedding:
    """One prompt: tokens of shape (1, tokens, width); SDXL's `pooled` of shape (1, width) for the whole."""

    tokens: Tensor
    pooled: Tensor | None = None

    def zeroed(self) -> Embedding:
        """The same in shape, saying nothing."""
        return Embedding(
            torch.zeros_like(self.tokens), None if self.pooled is None else torch.zeros_like(self.pooled)
        )


@dataclass(frozen=True)
class Conditioning:
    """Both prompts, of the same number of tokens."""

    positive: Embedding
    negative: Embedding


class PromptEncoder:
    """Encodes with one model's text encoders. The last texts are remembered."""

    def __init__(self, model: Model) -> None:
        self._model = model
        self._known: OrderedDict[tuple[str, int, int], Embedding] = OrderedDict()

    def encode(self, prompt: str, negative: str, clip_skip: int = 1) -> Conditioning:
        """Both prompts, the shorter one filled up with empty chunks, since they run as one batch."""
        tokenizer = self._model.encoders[0].tokenizer
        chunks = max(len(tokenizer.chunks(text)) for text in (prompt, negative))
        unwanted = self._embedding(negative, chunks, clip_skip)
        if not negative and self._model.family.startswith("sdxl"):
            # SDXL was trained to take nothing for zeros; A1111 does so for the negative prompt.
            unwanted = unwanted.zeroed()
        return Conditioning(self._embedding(prompt, chunks, clip_skip), unwanted)

    def _embedding(self, text: str, chunks: int, clip_skip: int) -> Embedding:
        key = (text, chunks, clip_skip)
        if key not in self._known:
            self._known[key] = self._encode(text, chunks, clip_skip)
            self._forget()
        self._known.move_to_end(key)
        return self._known[key]

    def _forget(self) -> None:
        while len(self._known) > 2 and sum(chunks for _, chunks, _ in self._known) > REMEMBERED_CHUNKS:
            self._known.popitem(last=False)

    def _encode(self, text: str, chunks: int, clip_skip: int) -> Embedding:
        pooled: Tensor | None = None
        heard: list[Tensor] = []
        for encoder in self._model.encoders:
            rows = encoder.tokenizer.chunks(text)
            rows += encoder.tokenizer.chunks("") * (chunks - len(rows))
            with self._model.on_device(encoder.part):
                hidden, pooled = self._listen(encoder, rows, clip_skip)
            heard.append(hidden.flatten(0, 1).unsqueeze(0))
        return Embedding(torch.cat(heard, -1), pooled)

    def _listen(
        self, encoder: TextEncoder, rows: list[list[int]], clip_skip: int
    ) -> tuple[Tensor, Tensor | None]:
        """Hidden states (chunks, 77, width), and the first chunk's pooled vector where there is one."""
        network = cast(Any, encoder.network)
        ids = torch.tensor(rows, device=self._model.placement.device)
        out = network(ids, output_hidden_states=True)
        layer = min(clip_skip, len(out.hidden_states) - 1)
        if self._model.family.startswith("sdxl"):
            # SDXL was trained on the last layer but one, which is also what its users call clip skip 2.
            pooled = getattr(out, "text_embeds", None)
            return out.hidden_states[-max(2, layer)], None if pooled is None else pooled[:1]
        if layer == 1 or self._model.family == "sd2":  # A1111 skips no layers of SD 2.x's
            return out.last_hidden_state, None
        return getattr(network, "text_model", network).final_layer_norm(out.hidden_states[-layer]), None
