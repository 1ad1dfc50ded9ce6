"""Token merging: parts of a picture that look alike attend as one (Bolya & Hoffman, arXiv:2303.17604)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any, cast

import torch
from diffusers.models.attention import BasicTransformerBlock
from diffusers.models.unets.unet_2d_condition import UNet2DConditionModel
from torch import Tensor, nn
from torch.nn import functional as F

from webui.engine.adapter import Adapter

CELL = 2
"""Of each cell of so many tokens on a side, one takes others in."""
CHUNK = 4096
"""How many givers are compared with all takers at once."""


def usable(unet: nn.Module) -> bool:
    """Whether `unet` has self-attention at full resolution, the only one that is merged.

    SD 1 and 2 have; SDXL has not, so that there, as in A1111, token merging changes nothing.
    """
    return isinstance(unet, UNet2DConditionModel) and any(
        type(module) is BasicTransformerBlock
        for block in (unet.down_blocks[0], unet.up_blocks[-1])
        for module in block.modules()
    )


@dataclass(frozen=True)
class Matching:
    """Which tokens are merged, for each picture of a batch by itself.

    Tokens are takers, one in each cell, and givers, all others. The most alike givers are merged into the
    takers that they are most like.
    """

    takers: Tensor
    """Places of the takers, shape (takers,)."""
    kept: Tensor
    """Places of the givers that stay by themselves, shape (batch, kept)."""
    merged: Tensor
    """Places of the givers that are merged, shape (batch, merged)."""
    into: Tensor
    """Into which of the takers, shape (batch, merged)."""

    def merge(self, x: Tensor) -> Tensor:
        """Fewer tokens of (batch, tokens, channels): those kept, then takers, each the mean of its own."""
        weight = self._weight().to(x.dtype)
        means = x[:, self.takers] * weight.unsqueeze(-1)
        for into, giving in zip(self.into.split(CHUNK, 1), _at(x, self.merged).split(CHUNK, 1), strict=True):
            share = x.new_zeros(*into.shape, len(self.takers))
            share.scatter_(2, into.unsqueeze(-1), weight.gather(1, into).unsqueeze(-1))
            # A product, because to add up by index is not deterministic on a GPU.
            means = means + share.transpose(1, 2) @ giving
        return torch.cat([_at(x, self.kept), means], 1)

    def _weight(self) -> Tensor:
        """What each token in a taker counts, shape (batch, takers)."""
        count = torch.ones(len(self.into), len(self.takers), device=self.into.device)
        return 1 / count.scatter_add_(1, self.into, torch.ones_like(self.into, dtype=count.dtype))

    def unmerge(self, x: Tensor) -> Tensor:
        """As many tokens as before: each gets what became of the token that it is in."""
        kept = self.kept.shape[1]
        now = torch.arange(x.shape[1], device=x.device).expand(len(x), -1)
        before = torch.cat([self.kept, self.takers.expand(len(x), -1), self.merged], 1)
        where = torch.empty_like(before).scatter_(1, before, torch.cat([now, kept + self.into], 1))
        return _at(x, where)


def matching(x: Tensor, height: int, width: int, ratio: float) -> Matching:
    """Merge the share `ratio` of the tokens of `x`, shape (batch, height * width, channels), by their cosine.

    The taker of a cell is its first token, as in A1111: nothing is left to chance. Rows and columns beyond
    the last whole cell only give. No more than all givers can be merged: a share of 0.75 with whole cells.
    """
    rows, columns = torch.meshgrid(
        *(torch.arange(side, device=x.device) for side in (height, width)), indexing="ij"
    )
    whole = (rows < height // CELL * CELL) & (columns < width // CELL * CELL)
    takes = (whole & (rows % CELL == 0) & (columns % CELL == 0)).flatten()
    takers, givers = takes.nonzero().squeeze(1), (~takes).nonzero().squeeze(1)
    unit = F.normalize(x, dim=-1)
    best = [(part @ unit[:, takers].transpose(1, 2)).max(-1) for part in unit[:, givers].split(CHUNK, 1)]
    likeness, into = (torch.cat(parts, 1) for parts in zip(*best, strict=True))
    order = likeness.sort(dim=-1, descending=True, stable=True).indices
    merged, kept = order.tensor_split([min(int(height * width * ratio), len(givers))], 1)
    return Matching(takers, givers[kept], givers[merged], into.gather(1, merged))


class TokenMerging(Adapter):
    """`with TokenMerging(unet, 0.5):` half of the tokens are merged for self-attention at full resolution.

    That attention's cost goes with the square of the tokens. Other resolutions, cross-attention and the
    rest of the blocks are left alone. A ratio of 0 changes nothing at all. Blocks that were compiled
    run uncompiled inside the `with`.
    """

    def __init__(self, unet: UNet2DConditionModel, ratio: float) -> None:
        super().__init__()
        self._unet = unet
        self._ratio = ratio
        self._size = (0, 0)
        self._likeness: dict[nn.Module, Tensor] = {}

    def _change(self) -> None:
        if self._ratio <= 0:
            return
        self._undo.callback(self._likeness.clear)
        self._hook(self._unet.register_forward_pre_hook(self._note_size, with_kwargs=True))
        for block in self._unet.modules():
            if type(block) is BasicTransformerBlock:
                self._change_block(block)

    def _change_block(self, block: BasicTransformerBlock) -> None:
        attention = cast(nn.Module, block.attn1)
        self._hook(block.norm1.register_forward_pre_hook(partial(self._note_tokens, attention)))
        self._set(attention, forward=partial(self._attend, attention, attention.forward))
        if vars(block).get("_compiled_call_impl"):
            self._set(block, _compiled_call_impl=None)

    def _note_size(self, _: nn.Module, inputs: tuple[Any, ...], named: dict[str, Any]) -> None:
        sample = cast(Tensor, inputs[0] if inputs else named["sample"])
        self._size = (sample.shape[-2], sample.shape[-1])

    def _note_tokens(self, attention: nn.Module, _: nn.Module, inputs: tuple[Tensor]) -> None:
        """Tokens are compared as they are before they are normalized."""
        if inputs[0].shape[1] == self._size[0] * self._size[1]:
            self._likeness[attention] = inputs[0]

    def _attend(
        self,
        attention: nn.Module,
        forward: Callable[..., Tensor],
        hidden_states: Tensor,
        *others: Any,  # noqa: ANN401
        **named: Any,  # noqa: ANN401
    ) -> Tensor:
        tokens = self._likeness.pop(attention, None)
        if tokens is None:
            return forward(hidden_states, *others, **named)
        match = matching(tokens, *self._size, self._ratio)
        return match.unmerge(forward(match.merge(hidden_states), *others, **named))


def _at(x: Tensor, places: Tensor) -> Tensor:
    """The tokens of (batch, tokens, channels) at places of shape (batch, count)."""
    return x.gather(1, places.unsqueeze(-1).expand(-1, -1, x.shape[-1]))
