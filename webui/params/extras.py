"""Extras: what is done to finished pictures without drawing."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

UpscalerName = Annotated[str, Field(max_length=300)]


class ExtrasParams(BaseModel):
    """Upscaling and face restoration, under AUTOMATIC1111's API names."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    resize_mode: int = Field(
        default=0, ge=0, le=1, title="Resize", description="0: scale by a factor; 1: scale to a size."
    )
    upscaling_resize: float = Field(default=4.0, gt=0, le=16, title="Resize", description="The factor.")
    max_side_length: int = Field(
        default=0,
        ge=0,
        le=16_384,
        title="Max side length",
        description="The longer side is no longer than this, in pixels. 0: no limit.",
    )
    upscaling_resize_w: int = Field(default=512, ge=1, le=16_384, title="Width")
    upscaling_resize_h: int = Field(default=512, ge=1, le=16_384, title="Height")
    upscaling_crop: bool = Field(
        default=True,
        title="Crop to fit",
        description="Cut off what is beyond the size, rather than leave it.",
    )
    upscaler_1: UpscalerName = Field(default="Lanczos", title="Upscaler 1", description="What enlarges.")
    upscaler_2: UpscalerName = Field(
        default="None", title="Upscaler 2", description="A second one, whose result is mixed in."
    )
    extras_upscaler_2_visibility: float = Field(
        default=0.0, ge=0, le=1, title="Upscaler 2 visibility", description="How much of it is mixed in."
    )
    gfpgan_visibility: float = Field(
        default=0.0, ge=0, le=1, title="GFPGAN visibility", description="How much of its faces is mixed in."
    )
    codeformer_visibility: float = Field(
        default=0.0,
        ge=0,
        le=1,
        title="CodeFormer visibility",
        description="How much of its faces is mixed in.",
    )
    codeformer_weight: float = Field(
        default=0.0,
        ge=0,
        le=1,
        title="CodeFormer weight",
        description="0: the strongest restoration; 1: the most faithful.",
    )
    upscale_first: bool = Field(
        default=False, title="Upscale first", description="Enlarge before faces are restored."
    )
