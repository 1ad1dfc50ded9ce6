"""Cross-attentions that listen to pictures beside the prompt, put on a UNet and taken off without a trace."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, cast

import torch
import torch.nn.functional as F
from diffusers.models.attention import BasicTransformerBlock
from diffusers.models.attention_processor import Attention
from diffusers.models.unets.unet_2d_condition import UNet2DConditionModel
from torch import Tensor, nn

from webui.engine.adapter import Adapter
from webui.engine.company import Given

Size = tuple[int, int]


@dataclass(frozen=True, eq=False)
class ImagePrompt:
    """One picture as the UNet's cross-attentions hear it."""

    heard: Mapping[str, tuple[Tensor, Tensor]]
    """Keys and values by the name of the cross-attention, shape (2, tokens, width): nothing, the picture."""
    weight: float
    during: Callable[[float], bool]
    """Whether it has a say when that share of the way is done."""
    mask: Tensor | None = None
    """How much of a say it has where, shape (height, width) of the latents, in [0, 1]; None: all of it."""


class Listening(Adapter):
    """`with Listening(unet, prompts, size):` cross-attentions add what they hear of pictures.

    Each listens to the prompt as ever, and with the same queries to each picture; the sum goes on (decoupled
    cross-attention, arXiv:2308.06721, 3.2). The negative prompt's rows listen to the picture of nothing.
    Queries are noted and sums made by hooks on the layers before and after the attention, so that it doesn't
    matter how that is computed, or what else changes those layers. Blocks that were compiled run
    uncompiled inside the `with`.
    """

    def __init__(self, unet: UNet2DConditionModel, prompts: Sequence[ImagePrompt], size: Size) -> None:
        """`size`: the latents' height and width."""
        super().__init__()
        self._unet = unet
        self._prompts = prompts
        self._size = size
        self._now: list[ImagePrompt] = []
        self._rows: list[int] = []
        self._queries: dict[str, Tensor] = {}
        self._masks: dict[tuple[int, int], Tensor] = {}

    def beside(self, given: Given) -> Mapping[str, Any]:
        """Settles who listens to what in the coming call; the UNet is given nothing more."""
        self._now = [prompt for prompt in self._prompts if prompt.during(given.share)]
        self._rows = [int(wanted) for wanted in given.wanted]
        return {}

    def _change(self) -> None:
        listened = {name for prompt in self._prompts for name in prompt.heard}
        self._undo.callback(self._queries.clear)
        for name, attention in cross_attentions(self._unet).items():
            if name in listened:
                out = cast(nn.Module, cast(Any, attention.to_out)[0])
                self._hook(attention.to_q.register_forward_hook(partial(self._note, name)))
                self._hook(out.register_forward_pre_hook(partial(self._listen, name, attention.heads)))
        for block in self._unet.modules():
            if type(block) is BasicTransformerBlock and vars(block).get("_compiled_call_impl"):
                self._set(block, _compiled_call_impl=None)

    def _note(self, name: str, _: nn.Module, __: tuple[Tensor, ...], query: Tensor) -> None:
        if self._now:
            self._queries[name] = query

    def _listen(
        self, name: str, heads: int, _: nn.Module, inputs: tuple[Tensor, ...]
    ) -> tuple[Tensor, ...] | None:
        query = self._queries.pop(name, None)
        if query is None:
            return None
        told, *others = inputs
        for prompt in self._now:
            if name in prompt.heard:
                told = told + self._share(prompt, query.shape[1]) * self._heard(prompt, name, query, heads)
        return told, *others

    def _heard(self, prompt: ImagePrompt, name: str, query: Tensor, heads: int) -> Tensor:
        """What the queries, shape (rows, places, width), hear of the picture."""
        rows = torch.tensor(self._rows, device=query.device)
        key, value = (each.to(query.dtype)[rows] for each in prompt.heard[name])
        query, key, value = (each.unflatten(-1, (heads, -1)).transpose(1, 2) for each in (query, key, value))
        return F.scaled_dot_product_attention(query, key, value).transpose(1, 2).flatten(2)

    def _share(self, prompt: ImagePrompt, places: int) -> float | Tensor:
        """Its weight: one for all places, or shape (1, places, 1)."""
        if prompt.mask is None:
            return prompt.weight
        key = (id(prompt), places)
        if key not in self._masks:
            coarse = F.adaptive_avg_pool2d(prompt.mask[None], _grid(self._size, places))
            self._masks[key] = coarse.reshape(1, places, 1) * prompt.weight
        return self._masks[key]


def cross_attentions(unet: UNet2DConditionModel) -> dict[str, Attention]:
    """Those that hear the prompt, by name, in the order in which IP-Adapters number them."""
    return {
        name: module
        for name, module in unet.named_modules()
        if name.endswith(".attn2") and isinstance(module, Attention)
    }


def _grid(size: Size, places: int) -> Size:
    """Height and width of that many places: those of the latents, halved a few times."""
    height, width = size
    while height * width > places:
        height, width = (height + 1) // 2, (width + 1) // 2
    return height, width
