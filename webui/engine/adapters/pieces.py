"""What a LoRA does to one module: of low rank, or a difference of the whole weight."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from webui.engine.adapters.bounds import Bounded, most
from webui.engine.adapters.deltas import Delta, decomposed, full, kind_of
from webui.engine.adapters.keys import Roles
from webui.engine.adapters.places import Place
from webui.engine.weights import size_of


class PieceError(ValueError):
    """A module's tensors can't be used; the text says why, as what follows "..." in a sentence."""


@dataclass(frozen=True, eq=False)
class LowRank:
    """y += up(down(x)) * scale."""

    down: Tensor
    """Shape (rank, in), for a convolution (rank, in, height, width)."""
    up: Tensor
    """Shape (out, rank)."""
    scale: float
    """alpha / rank."""
    bias: Tensor | None = None
    """Shape (out,), scaled like the rest."""

    @property
    def size(self) -> int:
        """Bytes."""
        return size_of([self.down, self.up])

    def cut(self, rank: int) -> LowRank:
        """With the first `rank` ranks alone."""
        return replace(self, down=self.down[:rank], up=self.up[:, :rank])


@dataclass(frozen=True, eq=False)
class Whole:
    """weight += delta, bias += bias."""

    kind: str
    roles: Roles
    alpha: float | None = None
    delta: Delta | None = None
    """None: only the bias changes."""
    bias: Tensor | None = None

    @property
    def size(self) -> int:
        """Bytes of the factors."""
        return size_of(self.roles.values())

    def of(self, weight: Tensor) -> Tensor | None:
        """What is added to `weight`, in 32 bits, of its shape and on its device."""
        if self.delta is None:
            return None
        roles = {name: _settled(name, tensor, weight.device) for name, tensor in self.roles.items()}
        base = weight.float()
        found = self.delta(roles, base, self.alpha).reshape(base.shape)
        if "dora_scale" in roles or "magnitude" in roles:
            return decomposed(found, base, roles)
        return found


Piece = LowRank | Whole


def piece_of(roles: Roles, place: Place, dtype: torch.dtype, alpha: float | None = None) -> Piece:
    """What a file's tensors do to the module at `place`; low-rank factors are made `dtype`.

    `alpha`: what the file tells elsewhere than in a tensor.

    Raises:
        PieceError: they are of no known kind, don't fit the module, or hold numbers that are none.
    """
    _check_numbers(roles)
    if "alpha" in roles:
        alpha = float(roles["alpha"].flatten()[0])
    if place.kind == "norm":
        return _norm(roles, place)
    if roles.keys() - {"down", "up", "mid", "alpha", "up_bias"}:
        return _whole(roles, place, alpha)
    return _low_rank(roles, place, dtype, alpha)


def _low_rank(roles: Roles, place: Place, dtype: torch.dtype, alpha: float | None) -> LowRank:
    if not {"down", "up"} <= roles.keys():
        raise PieceError(f"lacks its other half ({', '.join(sorted(roles))} alone)")
    # Copies: a file that is mapped must not change, and LoRAs are trained while others are drawn with.
    down, up = (roles[name].to(dtype, copy=True) for name in ("down", "up"))
    if up.ndim < 2 or down.ndim < 2 or math.prod(up.shape[2:]) != 1:
        raise PieceError("has another shape than the module here")
    up = up.flatten(1)
    if "mid" in roles:
        # Both behind one another are one convolution, of as many ranks as the middle gives out.
        middle = roles["mid"].to(dtype)
        _check_middle(down, middle, up, place)
        scale_rank, down = down.shape[0], torch.einsum("abhw,bi->aihw", middle, down.flatten(1))
    else:
        scale_rank = down.shape[0]
    down = _as_in(down, place)
    if up.shape != (place.shape[0], down.shape[0]) or down.shape[1:] != place.shape[1:]:
        raise PieceError("has another shape than the module here")
    bias = roles["up_bias"].to(dtype) if "up_bias" in roles else None
    if bias is not None and bias.shape != place.shape[:1]:
        raise PieceError("has another shape than the module here")
    return LowRank(down, up, 1.0 if alpha is None else alpha / scale_rank, bias)


def _check_middle(down: Tensor, middle: Tensor, up: Tensor, place: Place) -> None:
    """Before anything is computed: small factors can be of a giant product."""
    window = place.shape[2:] or (1, 1)
    fits = (
        middle.ndim == 4
        and middle.shape[1:] == (down.shape[0], *window)
        and up.shape == (place.shape[0], middle.shape[0])
        and math.prod(down.shape[1:]) == place.shape[1]
    )
    if not fits or middle.shape[0] * math.prod(place.shape[1:]) > most(place.shape):
        raise PieceError("has another shape than the module here")


def _as_in(down: Tensor, place: Place) -> Tensor:
    """Linear layers stand for convolutions of one pixel, and the other way round."""
    if place.kind == "conv" and down.ndim == 2 and place.shape[2:] == (1, 1):
        return down[:, :, None, None]
    if place.kind == "linear" and down.ndim == 4 and down.shape[2:] == (1, 1):
        return down.flatten(1)
    return down


def _whole(roles: Roles, place: Place, alpha: float | None) -> Whole:
    found = kind_of(roles)
    bias = roles["diff_b"].clone() if "diff_b" in roles else None
    if bias is not None and bias.shape != place.shape[:1]:
        raise PieceError("has another shape than the module here")
    if found is None and bias is not None and roles.keys() <= {"diff_b", "alpha"}:
        return Whole("difference of biases", {}, bias=bias)
    if found is None:
        raise PieceError(f"is of a kind that can't be applied ({', '.join(sorted(roles))[:80]})")
    kind, delta = found
    factors = {name: tensor.clone() for name, tensor in roles.items() if name not in ("alpha", "diff_b")}
    piece = Whole(kind, factors, alpha, delta, bias)
    _try(piece, place)
    return piece


def _try(piece: Whole, place: Place) -> None:
    """Whether it goes with the module, computed on shapes alone: nothing a file says can take memory."""
    on_shapes = {
        name: tensor if name == "on_input" else torch.empty(tensor.shape, device="meta")
        for name, tensor in piece.roles.items()
    }
    try:
        with Bounded(most(place.shape)):
            replace(piece, roles=on_shapes).of(torch.empty(place.shape, device="meta"))
    except (RuntimeError, ValueError, IndexError) as error:
        raise PieceError("has another shape than the module here") from error


def _norm(roles: Roles, place: Place) -> Whole:
    own = {name: tensor.clone() for name, tensor in roles.items()}
    weight, bias = own.get("w_norm", own.get("diff")), own.get("b_norm", own.get("diff_b"))
    if weight is None and bias is None:
        raise PieceError(f"is of a kind that can't be applied to a norm ({', '.join(sorted(roles))[:80]})")
    if any(each is not None and each.shape != place.shape for each in (weight, bias)):
        raise PieceError("has another shape than the module here")
    if weight is None:
        return Whole("norm", {}, bias=bias)
    return Whole("norm", {"diff": weight}, None, full, bias)


def _settled(name: str, tensor: Tensor, device: torch.device) -> Tensor:
    if name == "on_input":
        return tensor
    return tensor.to(device, torch.float32)


def _check_numbers(roles: Roles) -> None:
    for tensor in roles.values():
        if tensor.is_complex() or not tensor.numel():
            raise PieceError("holds no numbers that weights can be")
        # fp8 can't be asked.
        numbers = tensor.float() if tensor.element_size() == 1 else tensor
        if not bool(torch.isfinite(numbers).all()):
            raise PieceError("holds numbers that are none (NaN)")
