"""Prompts -> what the UNet listens to."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from typing import Any, cast

import torch
from torch import Tensor

from webui.engine.company import UNTUNED, Tuner, Tuning
from webui.engine.model import Model, TextEncoder
from webui.engine.words import NO_EMBEDDINGS, Embeddings, Vocabulary
from webui.params import GenerationParams
from webui.params.guidance import Emphasis
from webui.prompting.chunks import CHUNK, Chunk
from webui.prompting.networks import Network

REMEMBERED_CHUNKS = 256
ROW = CHUNK + 2
"""Tokens that the text encoder is given at once: a chunk between start and end."""


@dataclass(frozen=True)
class Reading:
    """How a text is read, beside what it says: see the fields of that name in GenerationParams."""

    clip_skip: int = 1
    emphasis: Emphasis = "Original"
    backtrack: int = 20

    @classmethod
    def of(cls, params: GenerationParams) -> Reading:
        """As `params` ask for."""
        return cls(params.clip_skip, params.emphasis, params.comma_padding_backtrack)


@dataclass(frozen=True, eq=False)
class Embedding:
    """One prompt: tokens of shape (1, tokens, width); SDXL's `pooled` of shape (1, width) for the whole."""

    tokens: Tensor
    pooled: Tensor | None = None
    misfits: tuple[str, ...] = ()
    """Sentences: embeddings that it names and that can't be used."""

    def zeroed(self) -> Embedding:
        """The same in shape, saying nothing."""
        return Embedding(
            torch.zeros_like(self.tokens), None if self.pooled is None else torch.zeros_like(self.pooled)
        )


class PromptEncoder:
    """Encodes with one model's text encoders. The last texts are remembered."""

    def __init__(self, model: Model, tuner: Tuner = UNTUNED, embeddings: Embeddings = NO_EMBEDDINGS) -> None:
        self.vocabulary = Vocabulary(model, embeddings)
        self._model = model
        self._tuner = tuner
        self._known: OrderedDict[tuple[str, Reading, Tuning, Hashable], Embedding] = OrderedDict()
        self._nothing: dict[Reading, Embedding] = {}

    def embed(
        self, text: str, reading: Reading | None = None, networks: tuple[Network, ...] = ()
    ) -> Embedding:
        """What `text`, free of networks and editing, says; the very same object for the same text.

        `networks`: those that the prompt names, of which some change the text encoders.
        """
        reading, tuning = reading or Reading(), self._tuner.wanted(self._model, networks)
        key = (text, reading, tuning, self.vocabulary.stamp())
        if key not in self._known:
            self._known[key] = self._encode(text, reading, tuning)
            self._forget()
        self._known.move_to_end(key)
        return self._known[key]

    def unwanted(
        self, text: str, reading: Reading | None = None, networks: tuple[Network, ...] = ()
    ) -> Embedding:
        """The same for a negative prompt. SDXL was trained to take nothing for zeros; A1111 does so here."""
        if text or not self._model.family.startswith("sdxl"):
            return self.embed(text, reading, networks)
        key = reading or Reading()
        if key not in self._nothing:
            self._nothing[key] = self.embed("", key).zeroed()
        return self._nothing[key]

    def _forget(self) -> None:
        lengths = [known.tokens.shape[1] // ROW for known in self._known.values()]
        while len(lengths) > 2 and sum(lengths) > REMEMBERED_CHUNKS:
            self._known.popitem(last=False)
            lengths.pop(0)

    def _encode(self, text: str, reading: Reading, tuning: Tuning) -> Embedding:
        with self._tuner.tuned(self._model, tuning):
            return self._encoded(text, reading)

    def _encoded(self, text: str, reading: Reading) -> Embedding:
        pooled: Tensor | None = None
        heard: list[Tensor] = []
        misfits: tuple[str, ...] = ()
        for encoder in self._model.encoders:
            words = self.vocabulary.read(text, encoder, reading.emphasis, reading.backtrack)
            chunks, misfits = words.chunks, words.misfits
            with self._model.on_device(encoder.part), self.vocabulary.spoken(encoder, chunks):
                hidden, pooled = self._listen(encoder, chunks, reading.clip_skip)
            hidden = emphasized(hidden, chunks, norm=reading.emphasis == "Original")
            heard.append(hidden.flatten(0, 1).unsqueeze(0))
        return Embedding(torch.cat(heard, -1), pooled, misfits)

    def _listen(
        self, encoder: TextEncoder, chunks: Sequence[Chunk], clip_skip: int
    ) -> tuple[Tensor, Tensor | None]:
        """Hidden states (chunks, 77, width), and the first chunk's pooled vector where there is one."""
        network = cast(Any, encoder.network)
        ids = torch.tensor([chunk.ids for chunk in chunks], device=self._model.placement.device)
        out = network(ids, output_hidden_states=True)
        if self._model.family.startswith("sdxl"):
            # SDXL was trained on the last layer but one; clip skip changes nothing there, as in A1111.
            pooled = getattr(out, "text_embeds", None)
            return out.hidden_states[-2], None if pooled is None else pooled[:1]
        layer = min(clip_skip, len(out.hidden_states) - 1)
        if layer == 1 or self._model.family == "sd2":  # A1111 skips no layers of SD 2.x's
            return out.last_hidden_state, None
        return getattr(network, "text_model", network).final_layer_norm(out.hidden_states[-layer]), None


def emphasized(hidden: Tensor, chunks: Sequence[Chunk], *, norm: bool) -> Tensor:
    """Each token's vector times its weight; with `norm` each chunk's mean is then brought back.

    `hidden` has the shape (chunks, 77, width). Chunks without weights are left as they are, to the bit.
    """
    weights = torch.tensor([chunk.weights for chunk in chunks], dtype=torch.float32, device=hidden.device)
    changed = (weights != 1).any(1)
    if not changed.any():
        return hidden
    before = hidden.float()
    after = before * weights.unsqueeze(-1)
    if norm:
        after = after * (before.mean((1, 2), keepdim=True) / after.mean((1, 2), keepdim=True))
    return torch.where(changed[:, None, None], after, before).to(hidden.dtype)
