"""Hires fix: draw small, enlarge, draw over it."""

from __future__ import annotations

from dataclasses import dataclass

from pydantic import BaseModel, Field

from webui.params.image import PictureName
from webui.params.sides import GRAIN, MAX_SIDE

SAME_AS_FIRST = ("", "none", "use same checkpoint", "use same sampler", "use same scheduler")
"""What A1111 calls the first pass's own checkpoint, sampler or schedule, in lower case."""


@dataclass(frozen=True)
class Enlargement:
    """What hires fix makes of a first pass, in pixels: enlarged to `covering`, then cut to `size`."""

    covering: tuple[int, int]
    size: tuple[int, int]

    @property
    def corner(self) -> tuple[int, int]:
        """Where in `covering` the part that is kept begins, from the left and from above."""
        x, y = (
            (whole - kept) // GRAIN // 2 * GRAIN for whole, kept in zip(self.covering, self.size, strict=True)
        )
        return x, y


class HiresParams(BaseModel):
    """The second, larger pass of a picture that was drawn from a prompt. Empty names: those of the first."""

    enable_hr: bool = Field(
        default=False, title="Hires. fix", description="Draw at the size above, enlarge, and draw over it."
    )
    hr_upscaler: str = Field(
        default="Latent",
        max_length=300,
        title="Upscaler",
        description='What enlarges between the passes. "Latent" ones want a denoising strength above 0.5.',
    )
    hr_second_pass_steps: int = Field(
        default=0, ge=0, le=150, title="Hires steps", description="Steps of the second pass. 0: as the first."
    )
    hr_scale: float = Field(
        default=2.0, ge=1, le=8, title="Upscale by", description="How many times wider and higher."
    )
    hr_resize_x: int = Field(
        default=0,
        ge=0,
        le=MAX_SIDE,
        title="Resize width to",
        description="The width in pixels. 0: by the height, or by the scale.",
    )
    hr_resize_y: int = Field(
        default=0,
        ge=0,
        le=MAX_SIDE,
        title="Resize height to",
        description="The height in pixels. 0: by the width, or by the scale.",
    )
    hr_checkpoint_name: str = Field(
        default="", max_length=500, title="Hires checkpoint", description="What draws the second pass."
    )
    hr_sampler_name: str = Field(
        default="", max_length=100, title="Hires sampling method", description="The second pass's way."
    )
    hr_scheduler: str = Field(
        default="", max_length=100, title="Hires schedule type", description="The second pass's noise levels."
    )
    hr_prompt: str = Field(
        default="",
        max_length=20_000,
        title="Hires prompt",
        description="What the second pass draws. Empty: the same.",
    )
    hr_negative_prompt: str = Field(
        default="",
        max_length=20_000,
        title="Hires negative prompt",
        description="What the second pass steers away from. Empty: the same.",
    )
    hr_cfg: float = Field(
        default=0.0, ge=0, le=30, title="Hires CFG Scale", description="The second pass's. 0: the same."
    )
    token_merging_ratio_hr: float = Field(
        default=0.0,
        ge=0,
        le=0.9,
        title="Token merging ratio for high-res pass",
        description="The second pass's token merging. 0: as the first.",
    )
    firstpass_image: PictureName = Field(
        default="",
        title="First pass image",
        description="A finished picture to take the first pass's place: only the second is drawn.",
    )

    def enlarged(self, width: int, height: int) -> Enlargement:
        """What becomes of a first pass of `width` x `height` pixels: AUTOMATIC1111's rule, rounded down.

        By the scale, or to one side in proportion; where both sides are given, covering them and cut.
        """
        x, y = self.hr_resize_x, self.hr_resize_y
        if not x and not y:
            whole = int(width * self.hr_scale), int(height * self.hr_scale)
        elif not y or (x and width * y < height * x):
            whole = x, x * height // width
        else:
            whole = y * width // height, y
        covering = whole[0] // GRAIN * GRAIN, whole[1] // GRAIN * GRAIN
        if not (x and y):
            return Enlargement(covering, covering)
        over = (whole[0] - x) // GRAIN * GRAIN, (whole[1] - y) // GRAIN * GRAIN
        return Enlargement(covering, (covering[0] - over[0], covering[1] - over[1]))
