"""What units add to a UNet's features, call by call: when, on which rows, where, and how strongly."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import reduce
from typing import Any, Protocol, cast

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from webui.engine.company import Given
from webui.params.control import ControlUnit

FALLOFF = 0.825
"""What a residual weighs of the one after it, where the prompt or the ControlNet is more important."""
LAST = 12
"""The residual, from 0, that weighs most: the middle one of SD 1.x. SDXL has ten, which weigh as these."""
FEW = 10
"""Of UNets with fewer residuals, which are small ones, the middle one weighs most."""


@dataclass(frozen=True)
class Say:
    """How much a unit has to say."""

    unit: ControlUnit
    region: Tensor | None = None
    """Where: shape (1, 1, height, width), from 0 to 1. None: everywhere."""

    def now(self, share: float) -> bool:
        """Whether it steers where the share `share` of the evaluations is done."""
        end = self.unit.guidance_end
        return self.unit.guidance_start <= share and (share < end or end == 1)

    def strength(self, place: int, last: int = LAST) -> float:
        """The weight of residual number `place`, from 0, where number `last` weighs most."""
        falls = self.unit.control_mode != "Balanced"
        return self.unit.weight * (FALLOFF ** (last - place) if falls else 1.0)

    def rows(self, given: Given, *, wanted_only: bool = False) -> list[int]:
        """The rows that it steers: all, or those of the prompts where the ControlNet is more important."""
        only = wanted_only or self.unit.control_mode == "ControlNet is more important"
        return [row for row, wanted in enumerate(given.wanted) if wanted or not only]

    def said(self, residual: Tensor, place: int, last: int = LAST) -> Tensor:
        """`residual` number `place`, shape (rows, channels, height, width), as loud as it may be."""
        strength = self.strength(place, last)
        said = residual if strength == 1 else residual * strength
        if self.region is None:
            return said
        return said * F.adaptive_avg_pool2d(self.region, (said.shape[-2], said.shape[-1])).to(said)


@dataclass(frozen=True)
class Residuals:
    """What is added in one call; of each tensor the first side is that of the call's rows."""

    down: tuple[Tensor, ...] = ()
    """To the skip connections."""
    middle: Tensor | None = None
    inside: tuple[Tensor, ...] = ()
    """Within the down blocks, one for each."""

    def plus(self, other: Residuals) -> Residuals:
        """Both together."""
        middle = [each.middle for each in (self, other) if each.middle is not None]
        return Residuals(
            _sum(self.down, other.down),
            sum(middle[1:], middle[0]) if middle else None,
            _sum(self.inside, other.inside),
        )

    @property
    def named(self) -> dict[str, Any]:
        """By the names that a UNet2DConditionModel takes them by."""
        found: dict[str, Any] = {}
        if self.middle is not None:
            found["down_block_additional_residuals"] = self.down
            found["mid_block_additional_residual"] = self.middle
        if self.inside:
            # A list of its own: the UNet takes them from it one by one.
            found["down_intrablock_additional_residuals"] = list(self.inside)
        return found


def _sum(some: tuple[Tensor, ...], others: tuple[Tensor, ...]) -> tuple[Tensor, ...]:
    if not some or not others:
        return some or others
    return tuple(one + other for one, other in zip(some, others, strict=True))


class Steerer(Protocol):
    """One unit on a walk."""

    def residuals(self, given: Given) -> Residuals | None:
        """What it adds in a call; None: nothing now."""
        ...


class NetSteerer:
    """A ControlNet (Zhang et al., arXiv:2302.05543): a copy of the UNet's encoder that sees the map."""

    def __init__(self, network: nn.Module, hint: Tensor, say: Say) -> None:
        """`hint`: the map, shape (1, 3, height, width) in pixels, where the network computes."""
        self._network = network
        self._hint = hint
        self._say = say
        self._pooled = bool(cast(Any, network).config.get("global_pool_conditions"))

    def residuals(self, given: Given) -> Residuals | None:
        """What the ControlNet finds in the latents as they are now; see `Steerer`."""
        if not self._say.now(given.share):
            return None
        rows = self._say.rows(given, wanted_only=self._pooled)
        if not rows:
            return None
        down, middle = self._found(_only(given, rows))
        last = weightiest(len(down) + 1)
        said = [self._say.said(residual, place, last) for place, residual in enumerate((*down, middle))]
        count = len(given.wanted)
        spread = [residual if len(rows) == count else _spread(residual, rows, count) for residual in said]
        return Residuals(tuple(spread[:-1]), spread[-1])

    def _found(self, given: Given) -> tuple[Sequence[Tensor], Tensor]:
        dtype = next(self._network.parameters()).dtype
        hint = self._hint.to(dtype).expand(len(given.latents), -1, -1, -1)
        return self._network(
            given.latents.to(dtype),
            given.timestep,
            encoder_hidden_states=given.tokens,
            added_cond_kwargs=given.added,
            return_dict=False,
            **self._asked(hint),
        )

    def _asked(self, hint: Tensor) -> dict[str, Any]:
        return {"controlnet_cond": hint}


class UnionSteerer(NetSteerer):
    """A ControlNet Union, which is told what kind of map it sees."""

    def __init__(self, network: nn.Module, hint: Tensor, say: Say, kind: int) -> None:
        super().__init__(network, hint, say)
        self._kind = kind
        self._kinds = int(cast(Any, network).config.num_control_type)

    def _asked(self, hint: Tensor) -> dict[str, Any]:
        told = torch.zeros(len(hint), self._kinds, device=hint.device, dtype=hint.dtype)
        told[:, self._kind] = 1
        return {"controlnet_cond": [hint], "control_type": told, "control_type_idx": [self._kind]}


class AdapterSteerer:
    """A T2I-Adapter: what it sees in the map doesn't depend on the step."""

    def __init__(self, features: Sequence[Tensor], say: Say) -> None:
        """`features`: of each level, shape (1, channels, height, width)."""
        self._features = tuple(say.said(each, _place(level)) for level, each in enumerate(features))
        self._say = say

    def residuals(self, given: Given) -> Residuals | None:
        """The same at each step; see `Steerer`."""
        rows = self._say.rows(given) if self._say.now(given.share) else []
        if not rows:
            return None
        count = len(given.wanted)
        shown = [feature.expand(len(rows), -1, -1, -1) for feature in self._features]
        inside = (each if len(rows) == count else _spread(each, rows, count) for each in shown)
        return Residuals(inside=tuple(inside))


def weightiest(count: int) -> int:
    """Which of `count` residuals, from 0, is to weigh most."""
    return LAST if count >= FEW else count - 1


def _place(level: int) -> int:
    """Which of a ControlNet's residuals lies where an adapter's `level` does: each level's third."""
    return min(3 * level + 2, LAST)


def _only(given: Given, rows: list[int]) -> Given:
    """The call with some of its rows. What a companion needs not is left as it was."""
    if len(rows) == len(given.wanted):
        return given
    added = {name: value[rows] for name, value in given.added.items()} if given.added else None
    return replace(given, latents=given.latents[rows], tokens=given.tokens[rows], added=added)


def _spread(some: Tensor, rows: list[int], count: int) -> Tensor:
    """The residuals of `rows` among `count` rows; the others get none."""
    spread = some.new_zeros(count, *some.shape[1:])
    spread[rows] = some
    return spread


class Steering:
    """The units of a walk, as one companion of its UNet."""

    def __init__(self, steerers: Iterable[Steerer]) -> None:
        self._steerers = tuple(steerers)

    def beside(self, given: Given) -> Mapping[str, Any]:
        """The sum of what the units add; nothing at all where none of them has a say."""
        found = [residuals for each in self._steerers if (residuals := each.residuals(given))]
        return reduce(Residuals.plus, found).named if found else {}
