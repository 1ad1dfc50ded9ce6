"""What A1111 does to a seed's noise before the first step: mixing in another's, and keeping a composition."""

from __future__ import annotations

import torch
from torch import Tensor

ALIKE = 0.9995
"""The mean cosine from which on two noises are mixed in a straight line."""


def mixed(strength: float, noise: Tensor, other: Tensor) -> Tensor:
    """From `noise` (at 0) to `other` (at 1) over the sphere: slerp (Shoemake 1985), so that it stays noise.

    Both are (channels, height, width); as in A1111 each column of each channel has an angle of its own.
    """
    cosine = (_directions(noise) * _directions(other)).sum(1, keepdim=True)
    straight = torch.lerp(noise, other, strength)
    if cosine.mean() > ALIKE:
        return straight
    angle = torch.acos(cosine.clamp(-1, 1))
    sine = torch.sin(angle)
    near, far = torch.sin((1 - strength) * angle) / sine, torch.sin(strength * angle) / sine
    # A column may happen to be the other's or its opposite, to which no single arc leads.
    return torch.where(sine > 0, near * noise + far * other, straight)


def _directions(noise: Tensor) -> Tensor:
    return noise / torch.linalg.vector_norm(noise, dim=1, keepdim=True)


def laid_into(noise: Tensor, ground: Tensor) -> Tensor:
    """`noise` of another size amid `ground`, as far as it fits; both are (channels, height, width)."""
    (top, row, height), (left, column, width) = (
        _overlap(theirs, ours) for theirs, ours in zip(noise.shape[1:], ground.shape[1:], strict=True)
    )
    laid = ground.clone()
    laid[:, top : top + height, left : left + width] = noise[:, row : row + height, column : column + width]
    return laid


def _overlap(length: int, room: int) -> tuple[int, int, int]:
    """(where in the room it begins, where in itself, how much), rounded as A1111 rounds."""
    margin = (room - length) // 2
    return (margin, 0, length) if margin >= 0 else (0, -margin, length + 2 * margin)
