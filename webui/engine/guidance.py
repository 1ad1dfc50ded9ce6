"""How hard the prompts pull: classifier-free guidance and what is done about its side effects."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from torch import Tensor

from webui.engine.samplers.sampler import Sampler
from webui.params import GenerationParams


@dataclass(frozen=True)
class Guidance:
    """Ho & Salimans, arXiv:2207.12598. See the fields of GenerationParams for what the numbers do.

    `evaluations`: how often the model is asked in all; `start` and `end` are shares of that.
    """

    scale: float
    evaluations: int = 1
    rescale: float = 0.0
    start: float = 0.0
    end: float = 1.0
    least_sigma: float = 0.0
    always: bool = False
    """Whether the negative prompt is heard at every evaluation, whatever the scale."""
    image_scale: float = 1.0
    """How hard the picture pulls that an instructed model sees: Brooks et al., arXiv:2211.09800, eq. 3."""

    @classmethod
    def of(
        cls, params: GenerationParams, sampler: Sampler, evaluations: int, *, instructed: bool = False
    ) -> Guidance:
        """As `params` ask for, with a sampler that has its own way with the scale.

        `instructed`: the model is one that follows instructions, and sees a picture.
        """
        return cls(
            params.cfg_scale * sampler.cfg_factor,
            evaluations,
            params.cfg_rescale,
            params.cfg_start,
            params.cfg_end,
            params.s_min_uncond,
            sampler.needs_unconditional,
            params.image_cfg_scale if instructed else 1.0,
        )

    @property
    def compares(self) -> bool:
        """Whether what the model makes of the picture is set against what it makes of none."""
        return self.image_scale != 1

    def hears_negative(self, plain: bool) -> bool:
        """Whether the negative prompt is needed beside a prompt, which is `plain` if at full weight alone."""
        return self.always or self.scale != 1 or self.compares or not plain

    def contrasts(self, evaluation: int, sigma: float) -> bool:
        """Whether the negative prompt is heard at `evaluation`, counted from 0, and noise level `sigma`."""
        if self.always:
            return True
        share = evaluation / self.evaluations
        early = self.start > 0 and share <= self.start
        late = self.end < 1 and share >= self.end
        left_out = evaluation % 2 == 1 and sigma < self.least_sigma
        return not (early or late or left_out)

    def guided(
        self,
        wanted: Sequence[Tensor],
        weights: Sequence[float | Tensor],
        unwanted: Tensor | None,
        blind: Tensor | None = None,
    ) -> Tensor:
        """One picture's output from those for its prompts, each of shape (channels, height, width).

        Without `unwanted` the first prompt stands in for it, and the scale is 1. `blind` is what the negative
        prompt gives where the model sees no picture.
        """
        base = wanted[0] if unwanted is None else unwanted
        scale = 1.0 if unwanted is None else self.scale
        out = base if blind is None else blind + (base - blind) * self.image_scale
        for part, weight in zip(wanted, weights, strict=True):
            if part is not base:
                out = out + (part - base) * (scale * weight)
        return out if unwanted is None else self._rescaled(out, wanted[0])

    def _rescaled(self, out: Tensor, wanted: Tensor) -> Tensor:
        """Back towards the spread that the prompt alone gives: Lin et al., arXiv:2305.08891, 3.4."""
        if not self.rescale:
            return out
        evened = out * (wanted.std() / out.std())
        return evened * self.rescale + out * (1 - self.rescale)
