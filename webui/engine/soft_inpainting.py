"""Soft inpainting: a mask's greys say how much of the original stays, step by step and in the last blend.

What the numbers do is as in A1111's extension of that name. While it is drawn, the prediction and the
original are mixed by a power of the mask that falls with the noise: the original shapes what is drawn first,
and details are free at the end. Afterwards what has hardly changed is taken from the original's pixels.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from webui.params import GenerationParams

NEAR = 1e-5
REACH, SPREAD = 2, 1.5
"""Of the window in which differences are evened out: how far it reaches and its deviation, in latents."""
HIGHEST, MIDDLE = (0.9, 1.0), (0.25, 0.75)
"""Shares, by weight, of the differences in a window in their order: the largest, and those in the middle."""


@dataclass(frozen=True)
class SoftBlend:
    """See the fields of GenerationParams for what the numbers do."""

    power: float = 1.0
    scale: float = 0.5
    detail: float = 4.0
    influence: float = 0.0
    threshold: float = 0.5
    contrast: float = 2.0

    @classmethod
    def of(cls, params: GenerationParams) -> SoftBlend:
        """As `params` ask for."""
        return cls(
            params.mask_blend_power,
            params.mask_blend_scale,
            params.inpaint_detail_preservation,
            params.composite_mask_influence,
            params.composite_difference_threshold,
            params.composite_difference_contrast,
        )

    def blended(self, original: Tensor, clean: Tensor, mask: Tensor, sigma: float) -> Tensor:
        """`clean` and `original` mixed for noise level `sigma`, by a mask of shape (1, 1, height, width)."""
        weight = torch.where(mask > 0, mask ** (sigma**self.power * self.scale), 0.0)
        return mixed(original, clean, weight, self.detail)

    def changed(self, original: Tensor, drawn: Tensor, mask: Tensor) -> Tensor:
        """How much of the drawn picture to take, 0 to 1, shape (batch, 1, height, width): where it differs.

        Both are latents of shape (batch, channels, height, width), `mask` is (1, 1, height, width).
        """
        far = torch.linalg.vector_norm(drawn - original, dim=1, keepdim=True)
        far = _evened(_evened(far, HIGHEST), MIDDLE)
        masked = 1 - mask.clamp(0, 1) ** (self.scale / 2)
        share = 0.5 * (1 - self.influence) + masked * self.influence
        half = self.threshold * share / (1 + NEAR - share)
        # What counts as changed everywhere has a threshold of 0.
        ratio = far / half.clamp(min=NEAR)
        return (1 - _smooth(1 / (1 + ratio**self.contrast))).clamp(0, 1)


def mixed(original: Tensor, clean: Tensor, weight: Tensor, power: float) -> Tensor:
    """`original` (where `weight` is 0) to `clean` (1), each place's vector as long as theirs, not shorter.

    A mean of two unlike vectors is short, which shows as a loss of contrast. So the length is that of a mean
    of lengths, in which with a higher `power` the longer one counts more. All have 4 dimensions.
    """
    straight = torch.lerp(original, clean, weight)
    wanted = torch.lerp(_lengths(original) ** power, _lengths(clean) ** power, weight.double()) ** (1 / power)
    # At the ends nothing is to be rounded.
    factor = torch.where((weight > 0) & (weight < 1), wanted / (_lengths(straight) + NEAR), 1.0)
    return straight * factor.to(straight.dtype)


def _lengths(latents: Tensor) -> Tensor:
    """Of each place's vector, in 64 bits since high powers are taken of them."""
    return torch.linalg.vector_norm(latents.double(), dim=1, keepdim=True)


def _evened(values: Tensor, part: tuple[float, float]) -> Tensor:
    """Around each place the mean of those values that lie in a `part` of all, by weight and in their order.

    `values` has the shape (batch, 1, height, width); near places weigh more.
    """
    side = 2 * REACH + 1
    around = F.unfold(F.pad(values, (REACH,) * 4, mode="replicate"), side)
    ordered, order = around.sort(dim=1)
    weights = _window(values)[order]
    ends = weights.cumsum(1)
    lowest, highest = part
    within = (ends.clamp(max=highest) - (ends - weights).clamp(min=lowest)).clamp(min=0)
    mean = (ordered * within).sum(1) / within.sum(1)
    return mean.unflatten(1, values.shape[2:]).unsqueeze(1)


def _window(like: Tensor) -> Tensor:
    """The weights of a window's places, their sum 1."""
    along = torch.arange(-REACH, REACH + 1, device=like.device, dtype=like.dtype)
    weights = torch.exp(-(along**2) / (2 * SPREAD**2))
    window = (weights[:, None] * weights).flatten()
    return window / window.sum()


def _smooth(share: Tensor) -> Tensor:
    """From 0 to 1 without a bend at the ends: Perlin, 2002."""
    return share**3 * (share * (share * 6 - 15) + 10)
