"""What LoRA's relatives add to a weight, as one matrix of the weight's own shape.

The formulas are those of LyCORIS (Yeh et al., arXiv:2309.14859, https://github.com/KohakuBlueleaf/LyCORIS):
LoHa, LoKr, (IA)3, GLoRA, OFT (arXiv:2306.07280), BOFT (arXiv:2311.06243), full differences; and DoRA
(arXiv:2402.09353). As in A1111, a LoRA's weight scales the whole of it, also where that isn't linear in the
factors: W + weight * (W' - W).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import torch
from torch import Tensor

from webui.engine.adapters.keys import Roles

Delta = Callable[[Roles, Tensor, float | None], Tensor]
"""Factors, the weight that they change and alpha (None: the file tells none) -> what is added to the weight.

All in 32 bits. The result has as many numbers as the weight, in the same order.
"""


def low_rank(roles: Roles, weight: Tensor, alpha: float | None) -> Tensor:
    """LoRA and LoCon as a matrix, where DoRA needs it: up @ down, or through a middle (Tucker)."""
    down, up = roles["down"], roles["up"]
    scale = _scale(alpha, down.shape[0])
    if "mid" in roles:
        return _tucker(roles["mid"], up.flatten(1), down.flatten(1).T) * scale
    return (up.flatten(1) @ down.flatten(1)).reshape(weight.shape) * scale


def loha(roles: Roles, weight: Tensor, alpha: float | None) -> Tensor:
    """The product, number by number, of two low-rank matrices."""
    halves = [_half(roles, number) for number in (1, 2)]
    rank = roles["hada_w1_b"].shape[0]
    return (halves[0] * halves[1]).reshape(weight.shape) * _scale(alpha, rank)


def _half(roles: Roles, number: int) -> Tensor:
    a, b = roles[f"hada_w{number}_a"], roles[f"hada_w{number}_b"]
    if f"hada_t{number}" in roles:
        return _tucker(roles[f"hada_t{number}"], a.T, b.T)
    return a @ b.flatten(1)


def lokr(roles: Roles, weight: Tensor, alpha: float | None) -> Tensor:
    """The Kronecker product of two matrices, each whole or of low rank."""
    rank: int | None = None
    if "lokr_w1" in roles:
        first = roles["lokr_w1"]
    else:
        first, rank = roles["lokr_w1_a"] @ roles["lokr_w1_b"], roles["lokr_w1_b"].shape[0]
    if "lokr_w2" in roles:
        second = roles["lokr_w2"]
    else:
        a, b = roles["lokr_w2_a"], roles["lokr_w2_b"]
        rank = b.shape[0]
        second = _tucker(roles["lokr_t2"], a.T, b.T) if "lokr_t2" in roles else _unfolded(a, b)
    first = first.reshape(*first.shape, *[1] * (second.ndim - first.ndim))
    # Of two whole matrices alpha says nothing.
    scale = 1.0 if rank is None else _scale(alpha, rank)
    return torch.kron(first, second.contiguous()).reshape(weight.shape) * scale


def _unfolded(a: Tensor, b: Tensor) -> Tensor:
    return (a @ b.flatten(1)).reshape(a.shape[0], *b.shape[1:])


def _tucker(middle: Tensor, out: Tensor, into: Tensor) -> Tensor:
    """(r, r', height, width), (out, r), (in, r') -> (out, in, height, width)."""
    return torch.einsum("abhw,oa,ib->oihw", middle, out, into)


def ia3(roles: Roles, weight: Tensor, alpha: float | None) -> Tensor:  # noqa: ARG001
    """Inputs or outputs scaled: a factor for each column or row."""
    factors = roles["weight"].flatten()
    columns = bool(roles["on_input"])
    sides = [1, -1] if columns else [-1, 1]
    return weight * factors.reshape(*sides, *[1] * (weight.ndim - 2))


def full(roles: Roles, weight: Tensor, alpha: float | None) -> Tensor:  # noqa: ARG001
    """The difference itself."""
    return roles["diff"].reshape(weight.shape)


def glora(roles: Roles, weight: Tensor, alpha: float | None) -> Tensor:
    """Low-rank differences of weights and of inputs: B + WA (Chavan et al., arXiv:2306.07967).

    Older files have the two factors of each product the other way round.
    """
    a1, a2, b1, b2 = (roles[name].flatten(1) for name in ("a1", "a2", "b1", "b2"))
    scale = _scale(alpha, min(a1.shape))
    if (b1.shape[0], a1.shape[0]) != (weight.shape[0], weight.shape[1]):
        a1, a2, b1, b2 = a2, a1, b2, b1
    turned = torch.einsum("oi...,ij->oj...", weight, a1 @ a2)
    return ((b1 @ b2).reshape(weight.shape) + turned) * scale


def oft(roles: Roles, weight: Tensor, alpha: float | None) -> Tensor:
    """Outputs turned in blocks, each by an orthogonal matrix; alpha bounds the turning."""
    if "oft_diag" in roles:  # older LyCORIS: the turns themselves
        turns = roles["oft_diag"]
    else:
        turns = _cayley(roles["oft_blocks"], (alpha or 0.0) * weight.shape[0])
    blocks = weight.reshape(turns.shape[0], turns.shape[1], *weight.shape[1:])
    turned = torch.einsum("knm,kn...->km...", turns, blocks).reshape(weight.shape)
    return _rescaled(turned, roles) - weight


def boft(roles: Roles, weight: Tensor, alpha: float | None) -> Tensor:
    """OFT several times over, the outputs shuffled between as in a butterfly."""
    turns = _cayley(roles["oft_blocks"], (alpha or 0.0) * weight.shape[0])
    size, turned = turns.shape[-1], weight
    for number, turn in enumerate(turns):
        stride = 2**number * (size // 2)
        mixed = turned.unflatten(0, (-1, 2, stride)).transpose(1, 2).flatten(0, 2).unflatten(0, (-1, size))
        mixed = torch.einsum("bij,bj...->bi...", turn, mixed).flatten(0, 1)
        turned = mixed.unflatten(0, (-1, stride, 2)).transpose(1, 2).flatten(0, 2)
    return _rescaled(turned, roles) - weight


def _cayley(blocks: Tensor, constraint: float) -> Tensor:
    """Orthogonal matrices (I + Q)(I - Q)^-1 of Q = B - B^T, whose norm is at most `constraint` (0: any)."""
    skew = blocks - blocks.transpose(-1, -2)
    if constraint > 0:
        norm = skew.norm() + 1e-8
        skew = skew * (norm.clamp(max=constraint) / norm)
    eye = torch.eye(blocks.shape[-1], device=blocks.device, dtype=blocks.dtype)
    return (eye + skew) @ torch.linalg.inv(eye - skew)


def _rescaled(weight: Tensor, roles: Roles) -> Tensor:
    if "rescale" not in roles:
        return weight
    return weight * roles["rescale"].reshape(-1, *[1] * (weight.ndim - 1))


def decomposed(delta: Tensor, weight: Tensor, roles: Roles) -> Tensor:
    """DoRA: the length of each row, or column, of the changed weight is learned by itself."""
    changed = weight + delta
    lengths = roles["magnitude"] if "magnitude" in roles else roles["dora_scale"]
    by_output = "magnitude" in roles or lengths.shape[0] == weight.shape[0]
    axis = 0 if by_output else 1
    others = [dimension for dimension in range(weight.ndim) if dimension != axis]
    norm = torch.linalg.vector_norm(changed, dim=others, keepdim=True) + torch.finfo(changed.dtype).eps
    return changed * (lengths.reshape(norm.shape) / norm) - weight


def _scale(alpha: float | None, rank: int) -> float:
    return 1.0 if alpha is None else alpha / rank


KINDS: Mapping[str, tuple[Delta, tuple[str, ...]]] = {
    "LoRA": (low_rank, ("down", "up")),
    "LoHa": (loha, ("hada_w1_a", "hada_w1_b", "hada_w2_a", "hada_w2_b")),
    "(IA)3": (ia3, ("weight", "on_input")),
    "full difference": (full, ("diff",)),
    "GLoRA": (glora, ("a1", "a2", "b1", "b2")),
}
"""Kind -> what it adds, and the factors that make it."""


def kind_of(roles: Roles) -> tuple[str, Delta] | None:
    """Which kind a module's tensors are, by their names; None: none that is known, or not all of it."""
    names = roles.keys()
    if ({"lokr_w1"} <= names or {"lokr_w1_a", "lokr_w1_b"} <= names) and (
        {"lokr_w2"} <= names or {"lokr_w2_a", "lokr_w2_b"} <= names
    ):
        return "LoKr", lokr
    if "oft_diag" in names:
        return "OFT", oft
    if "oft_blocks" in names:
        return ("BOFT", boft) if roles["oft_blocks"].ndim == 4 else ("OFT", oft)
    known = ((kind, delta) for kind, (delta, needed) in KINDS.items() if names >= set(needed))
    return next(known, None)
