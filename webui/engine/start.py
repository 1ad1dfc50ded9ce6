"""What a batch starts from instead of noise alone: latents, how far they may change, and where."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from torch import Tensor

from webui.engine.model import Model
from webui.engine.samplers.cut import Cut
from webui.engine.soft_inpainting import SoftBlend


@dataclass(frozen=True)
class Start:
    """What a batch starts from. Its size is that of the pictures to be drawn."""

    latents: Tensor
    """As the UNet knows them, shape (1 or batch, channels, height, width), 32 bits."""
    strength: float
    """The share of the way that is gone, 0 (none) to 1 (all of it)."""
    exact: bool = False
    """Whether to make all the steps that were asked for, whatever the strength."""
    mask: Tensor | None = None
    """Shape (1, 1, height, width), 0 to 1: 1 where the latents are to change. None: everywhere."""
    noise_multiplier: float = 1.0
    """What the noise put on them is multiplied by."""
    extra_noise: float = 0.0
    """The deviation of noise that the model isn't told of."""
    soft: SoftBlend | None = None
    """How to blend by the mask's greys. None: the mask decides at each step alike."""
    beside: Callable[[Model], Tensor | None] | None = None
    """Gives what an inpainting or instructed model takes, shape (1, extra channels, height, width).

    It gives None for one that takes nothing. Where it is None itself, there are only the latents to go by.
    """

    def cut(self, steps: int) -> Cut:
        """How much of a way of `steps` steps is gone."""
        return Cut.of(steps, self.strength, exact=self.exact)

    def kept(self, clean: Tensor, sigma: float) -> Tensor:
        """What the model predicts at `sigma`, with what isn't to change put in its place."""
        if self.mask is None:
            return clean
        if self.soft is not None:
            return self.soft.blended(self.latents, clean, self.mask, sigma)
        return clean * self.mask + self.latents * (1 - self.mask)

    def finished(self, latents: Tensor) -> Tensor:
        """`latents` after the last step. Soft blends leave to the pixels what is kept in the end."""
        return latents if self.soft is not None else self.kept(latents, 0.0)
