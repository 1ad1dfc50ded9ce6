"""One module of a network with LoRAs on it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, cast

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from webui.engine.adapters.pieces import LowRank, Piece, Whole

Layers = tuple[tuple[int, int, float], ...]
"""Of each low-rank piece in a stack: its LoRA's number, its rank, and alpha / rank."""


@dataclass(frozen=True)
class Weighed:
    """How strongly the LoRAs on a module act at the moment."""

    ranks: Tensor
    """Each rank of the stack, with its LoRA's alpha / rank: shape (rows or 1, ranks)."""
    strengths: Tensor
    """Each LoRA: shape (rows or 1, LoRAs)."""

    @classmethod
    def of(cls, table: Tensor, layers: Layers, device: torch.device, dtype: torch.dtype) -> Weighed | None:
        """Of `injection.Strengths` in a block; None: none acts at all."""
        if not bool(table.any()):
            return None
        parts = [table[:, at : at + 1].expand(-1, rank) * scale for at, rank, scale in layers]
        ranks = torch.cat(parts, 1) if parts else table
        return cls(ranks.to(device, dtype), table.to(device, dtype))


class Site:
    """One module with what acts on it: takes the place of its forward."""

    def __init__(
        self,
        module: nn.Module,
        pieces: Sequence[tuple[int, Piece]],
        device: torch.device,
        dtype: torch.dtype,
    ) -> None:
        """Prepare. `pieces`: with the numbers of their LoRAs."""
        self.module = module
        self.forward: Callable[..., Tensor] = module.forward
        """The one before, to be set anew where others may have come between."""
        self.weighed: Weighed | None = None
        """None: none acts."""
        low = [(number, piece) for number, piece in pieces if isinstance(piece, LowRank)]
        self.layers: Layers = tuple((number, len(piece.down), piece.scale) for number, piece in low)
        """What makes two sites' `Weighed` the same."""
        self._stack = _Stack([piece for _, piece in low], device, dtype) if low else None
        added = [(number, _Added.of(piece, module, device, dtype)) for number, piece in pieces]
        self._added = [(number, each) for number, each in added if each.any]

    def __call__(self, x: Tensor, *others: Any, **named: Any) -> Tensor:  # noqa: ANN401
        """The module's output for `x`, whose first dimension are rows, with what the LoRAs add."""
        out = self.forward(x, *others, **named)
        if self.weighed is None:
            return out
        if self._stack:
            out = self._stack.onto(out, x, self.weighed.ranks, self.module)
        for number, added in self._added:
            more = added.to_x(x, self.module) * _rows(self.weighed.strengths[:, number], out)
            out = out + more.to(out.dtype)
        return out


class _Stack:
    """All low-rank pieces of a module behind one another."""

    def __init__(self, pieces: Sequence[LowRank], device: torch.device, dtype: torch.dtype) -> None:
        downs = [piece.down.to(device, dtype) for piece in pieces]
        ups = [piece.up.to(device, dtype) for piece in pieces]
        self._down = downs[0] if len(downs) == 1 else torch.cat(downs)
        self._up = ups[0] if len(ups) == 1 else torch.cat(ups, 1)

    def onto(self, out: Tensor, x: Tensor, ranks: Tensor, module: nn.Module) -> Tensor:
        """`out`, the module's output for `x`, with theirs. `ranks`: shape (rows or 1, all ranks)."""
        x = x.to(self._down.dtype)
        if self._down.ndim == 4:
            low = _convolved(module, x, self._down)
            scaled = low * _fitting(ranks, low)[:, :, None, None]
            return out + F.conv2d(scaled, self._up[:, :, None, None]).to(out.dtype)
        low = F.linear(x, self._down)
        rows = _fitting(ranks, low)
        low = low * rows.reshape(len(rows), *[1] * (low.ndim - 2), -1)
        if low.dtype != out.dtype:  # a layer that is kept in 32 bits among others
            return out + F.linear(low, self._up).to(out.dtype)
        return torch.addmm(out.flatten(0, -2), low.flatten(0, -2), self._up.T).view(out.shape)


class _Added:
    """What is added to a module's weight and bias by one LoRA."""

    def __init__(self, weight: Tensor | None, bias: Tensor | None) -> None:
        self._weight = weight
        self._bias = bias

    @classmethod
    def of(cls, piece: Piece, module: nn.Module, device: torch.device, dtype: torch.dtype) -> _Added:
        """Of a low-rank piece the bias alone: the rest of it is in the stack."""
        bias = None if piece.bias is None else piece.bias.to(device, torch.float32)
        if isinstance(piece, LowRank):
            return cls(None, None if bias is None else (bias * piece.scale).to(dtype))
        weight = _weighed(piece, module, device)
        return cls(None if weight is None else weight.to(dtype), None if bias is None else bias.to(dtype))

    @property
    def any(self) -> bool:
        """Whether there is anything."""
        return self._weight is not None or self._bias is not None

    def to_x(self, x: Tensor, module: nn.Module) -> Tensor:
        """What comes of it for the module's input."""
        weight, bias = self._weight, self._bias
        x = x if weight is None else x.to(weight.dtype)
        if isinstance(module, nn.GroupNorm):
            return _without_weight(
                F.group_norm(x, module.num_groups, None, None, module.eps), weight, bias, 1
            )
        if isinstance(module, nn.LayerNorm):
            return _without_weight(
                F.layer_norm(x, module.normalized_shape, None, None, module.eps), weight, bias, -1
            )
        if weight is None:
            assert bias is not None
            return bias[:, None, None] if isinstance(module, nn.Conv2d) else bias
        return _convolved(module, x, weight, bias) if weight.ndim == 4 else F.linear(x, weight, bias)


def _weighed(piece: Whole, module: nn.Module, device: torch.device) -> Tensor | None:
    with torch.no_grad():
        return piece.of(cast(Tensor, module.weight).detach().to(device))


def _without_weight(normal: Tensor, weight: Tensor | None, bias: Tensor | None, axis: int) -> Tensor:
    """A norm's output, were its weight and bias these; None: 0."""
    shape = [1] * normal.ndim
    shape[axis] = -1
    scaled = torch.zeros_like(normal) if weight is None else normal * weight.reshape(shape)
    return scaled if bias is None else scaled + bias.reshape(shape)


def _convolved(module: nn.Module, x: Tensor, weight: Tensor, bias: Tensor | None = None) -> Tensor:
    """With the module's own steps and padding, whatever that is at the moment."""
    return cast(Any, module)._conv_forward(x, weight, bias)


def _rows(strengths: Tensor, out: Tensor) -> Tensor:
    return _fitting(strengths, out).reshape(-1, *[1] * (out.ndim - 1))


def _fitting(rows: Tensor, x: Tensor) -> Tensor:
    """One row for all, or as many as `x` has.

    What else runs the network meanwhile, with a number of rows of its own, is given the first row's.
    """
    return rows if len(rows) in (1, len(x)) else rows[:1]
