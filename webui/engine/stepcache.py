"""A step cache: between full steps only the outermost layers of the UNet are computed.

What a UNet's deep layers give changes little from one step to the next, and these layers cost the most.
DeepCache (Ma et al., arXiv:2312.00858) keeps what they gave on a full step and computes only the first and
last layers on the steps that follow.
"""

from __future__ import annotations

import copy
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial
from types import TracebackType
from typing import Any, Self, cast

import torch
from diffusers.models.unets.unet_2d_blocks import (
    CrossAttnDownBlock2D,
    CrossAttnUpBlock2D,
    DownBlock2D,
    UpBlock2D,
)
from diffusers.models.unets.unet_2d_condition import UNet2DConditionModel
from torch import Tensor, nn

Forward = Callable[..., Any]
Input = tuple[torch.Size, torch.dtype, torch.device]
DownOutput = tuple[Tensor, tuple[Tensor, ...]]
"""A down block's: what goes on to the next block, and the skip connections, of which it is the last."""
Shapes = dict[nn.Module, list[torch.Size]]


@dataclass(frozen=True)
class _Kept:
    """What a full run of the UNet leaves for the shallow runs after it."""

    input: Input
    """Of the first block: another size or batch can't use this."""
    shapes: Shapes
    """Of the skip connections that each down block gave."""
    deep: Tensor
    """What the deep layers gave, shape (batch, channels, height, width)."""


def usable(unet: nn.Module) -> bool:
    """Whether `unet` is built of the blocks that a StepCache knows: SD 1, SD 2 and SDXL are."""
    if not isinstance(unet, UNet2DConditionModel):
        return False
    first, last = unet.down_blocks[0], unet.up_blocks[-1]
    return isinstance(first, DownBlock2D | CrossAttnDownBlock2D) and isinstance(
        last, UpBlock2D | CrossAttnUpBlock2D
    )


class StepCache:
    """`with StepCache(unet, 3) as cache:` every third evaluation is full; before each call `next_step()`.

    The blocks' forwards are wrapped inside the `with` and are what they were after it. Within an evaluation
    the UNet may be called several times (parts of a batch, several prompts): the n-th call uses what the
    n-th call of the last full evaluation kept. A call whose input has another shape is computed in full.
    An `interval` of 1 changes nothing at all.

    Hooks on layers (LoRA, fp8 storage, group offload of leaves) work as ever; hooks on the first and last
    block as a whole (group offload of blocks) are passed by, so that the two can't be used together.
    """

    def __init__(self, unet: UNet2DConditionModel, interval: int, layers: int = 0) -> None:
        """Prepare; nothing is changed yet.

        Args:
            unet: one for which `usable` holds.
            interval: every how many evaluations all is computed.
            layers: how many layers of the first block (a layer: resnet and attention), and of the last one
                beside its very last, are computed on every step: the paper's branch. More is slower and
                closer to the uncached picture. Beyond what the block has it counts as all.

        Raises:
            ValueError: the UNet has other blocks, or a number is too small.
        """
        if not usable(unet):
            raise ValueError("The step cache works with the UNets of SD 1, SD 2 and SDXL only.")
        if interval < 1 or layers < 0:
            raise ValueError("The step cache's interval must be 1 or more, and its layers 0 or more.")
        self._unet = unet
        self._interval = interval
        self._layers = min(layers, _depth(unet.down_blocks[0]))
        self._wrapped = ExitStack()
        self.reset()

    def __enter__(self) -> Self:
        if self._interval > 1:
            self._wrap_all()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._wrapped.close()
        self.reset()

    @property
    def shallow(self) -> bool:
        """Whether the evaluation that `next_step` began takes its deep layers from an earlier one."""
        return self._step % self._interval != 0 and self._step > 0

    def next_step(self) -> None:
        """Say that a model evaluation begins; samplers that evaluate twice a step say it twice."""
        self._step += 1
        self._call = -1
        if not self.shallow:
            self._kept.clear()

    def reset(self) -> None:
        """Forget what is kept, so that the next evaluation is full: where sampling begins anew."""
        self._step = -1
        self._call = -1
        self._kept: dict[int, _Kept] = {}
        self._reused: _Kept | None = None
        self._input: Input | None = None
        self._shapes: Shapes = {}

    def _wrap_all(self) -> None:
        first, *lower = self._unet.down_blocks
        *upper, last = self._unet.up_blocks
        self._wrap(first, partial(self._first, first, first.forward))
        for block in lower:
            self._wrap(block, partial(self._lower, block, block.forward))
        middle = cast("nn.Module | None", self._unet.mid_block)
        for block in [middle, *upper] if middle is not None else upper:
            self._wrap(block, partial(self._upper, block.forward))
        self._wrap(last, partial(self._last, last))

    def _wrap(self, block: nn.Module, replacement: Forward) -> None:
        before = vars(block).get("forward")
        vars(block)["forward"] = replacement
        self._wrapped.callback(_restore, block, before)

    def _first(
        self, block: nn.Module, forward: Forward, hidden_states: Tensor, temb: Tensor, **others: object
    ) -> DownOutput:
        """The first down block, with which a run begins: here it is decided whether it is a full one."""
        self._begin((hidden_states.shape, hidden_states.dtype, hidden_states.device))
        if self._reused is None:
            return self._noted(block, forward(hidden_states, temb, **others))
        if self._layers < _depth(block):
            # A T2I adapter's: the block adds it after its last layer.
            others.pop("additional_residuals", None)
        computed = _part(block, slice(0, self._layers))(hidden_states, temb, **others)[1]
        return _filled(computed, self._reused.shapes[block], hidden_states)

    def _lower(
        self, block: nn.Module, forward: Forward, hidden_states: Tensor, *others: object, **named: object
    ) -> DownOutput:
        if self._reused is None:
            return self._noted(block, forward(hidden_states, *others, **named))
        return _filled((), self._reused.shapes[block], hidden_states)

    def _upper(self, forward: Forward, hidden_states: Tensor, *others: object, **named: object) -> Tensor:
        """The middle block and every up block but the last; what a shallow run gives here, nobody reads."""
        return hidden_states if self._reused else forward(hidden_states, *others, **named)

    def _last(
        self,
        block: nn.Module,
        hidden_states: Tensor,
        res_hidden_states_tuple: tuple[Tensor, ...],
        **others: object,
    ) -> Tensor:
        """The last up block, cut in two: what its deep part gives is kept, its rest is always computed."""
        cut = _depth(block) - 1 - self._layers
        tail = _part(block, slice(cut, None))
        skips = res_hidden_states_tuple[: self._layers + 1]
        if self._reused is not None:
            # A copy, since FreeU writes into what it is given.
            return tail(self._reused.deep.clone(), skips, **others)
        deep = _part(block, slice(0, cut))(hidden_states, res_hidden_states_tuple, **others)
        if self._step >= 0 and self._input is not None:
            self._kept[self._call] = _Kept(self._input, self._shapes, deep.clone())
        return tail(deep, skips, **others)

    def _begin(self, given: Input) -> None:
        self._call += 1
        kept = self._kept.get(self._call) if self.shallow else None
        self._reused = kept if kept is not None and kept.input == given else None
        self._input, self._shapes = given, {}

    def _noted(self, block: nn.Module, output: DownOutput) -> DownOutput:
        self._shapes[block] = [skip.shape for skip in output[1]]
        return output


def _filled(computed: tuple[Tensor, ...], shapes: list[torch.Size], like: Tensor) -> DownOutput:
    """A down block's output of which only the first skip connections are `computed`.

    The others are uninitialized: only skipped blocks get them, but ControlNets and adapters add to them.
    """
    skips = computed + tuple(like.new_empty(shape) for shape in shapes[len(computed) :])
    return skips[-1], skips


def _part(block: nn.Module, layers: slice) -> nn.Module:
    """`block` with some of its layers only, the same modules; without what changes the resolution."""
    view = copy.copy(block)
    vars(view).pop("forward", None)
    vars(view)["_modules"] = {
        name: cast(nn.ModuleList, child)[layers] if name in ("resnets", "attentions") else None
        for name, child in block.named_children()
    }
    return view


def _depth(block: nn.Module) -> int:
    return len(cast(DownBlock2D, block).resnets)


def _restore(block: nn.Module, before: Forward | None) -> None:
    if before is None:
        vars(block).pop("forward")
    else:
        vars(block)["forward"] = before
