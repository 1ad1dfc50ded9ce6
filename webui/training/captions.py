"""What a UNet in training is told of each picture: captions, encoded as prompts are when it draws."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass
from itertools import count
from typing import Any

import torch
from torch import Tensor

from webui.engine.encoding import ROW, Embedding, PromptEncoder, Reading
from webui.engine.model import Model
from webui.engine.words import Vocabulary
from webui.training.buckets import Size


@dataclass(frozen=True)
class Told:
    """What a batch hears: tokens of shape (batch, tokens, width), and SDXL's `added_cond_kwargs`."""

    tokens: Tensor
    added: dict[str, Tensor] | None


class Captions:
    """Encodes captions. `fresh` makes an encoder that remembers nothing, where it is trained as well.

    Captions are taken literally: brackets are no emphasis.
    """

    def __init__(
        self,
        model: Model,
        clip_skip: int,
        fresh: Callable[[], PromptEncoder] | None = None,
    ) -> None:
        self._model = model
        self._reading = Reading(clip_skip, "None")
        self._fresh = fresh
        self._known: dict[str, Embedding] = {}
        self._kept = PromptEncoder(model)

    def told(self, captions: Sequence[str], size: Size) -> Told:
        """What is heard of those of pictures of `size`.

        Shorter ones are filled up with silence, as A1111 does in batches.
        """
        encoder = self._fresh() if self._fresh else None
        heard = [self._heard(caption, encoder) for caption in captions]
        longest = max(each.tokens.shape[1] for each in heard)
        tokens = torch.cat([self._filled(each.tokens, longest, encoder) for each in heard])
        pooled = [each.pooled for each in heard if each.pooled is not None]
        return Told(tokens, _added(torch.cat(pooled), size) if pooled else None)

    def _heard(self, caption: str, encoder: PromptEncoder | None) -> Embedding:
        if encoder:
            return encoder.embed(caption, self._reading)
        if caption not in self._known:
            with torch.no_grad():
                self._known[caption] = self._kept.embed(caption, self._reading)
        return self._known[caption]

    def _filled(self, tokens: Tensor, longest: int, encoder: PromptEncoder | None) -> Tensor:
        missing = (longest - tokens.shape[1]) // ROW
        if not missing:
            return tokens
        return torch.cat([tokens, *[self._heard("", encoder).tokens] * missing], 1)


def _added(pooled: Tensor, size: Size) -> dict[str, Any]:
    """Original size, crop and target size, heights first (Podell et al., arXiv:2307.01952, 2.2)."""
    sizes = [*reversed(size), 0, 0, *reversed(size)]
    told = torch.tensor([sizes] * len(pooled), dtype=torch.float32, device=pooled.device)
    return {"text_embeds": pooled, "time_ids": told}


class Restless(Vocabulary):
    """Has an encoder remember nothing: what is heard changes with each step of training."""

    def __init__(self, model: Model) -> None:
        super().__init__(model)
        self._moments = count()

    def stamp(self) -> Hashable:
        """Another each time."""
        return next(self._moments)
