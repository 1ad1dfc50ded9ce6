"""Regional prompts: parts of the picture, each with a prompt of its own."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field, model_validator

from webui.params.image import PictureName

MAX_REGIONS = 16
MAX_REGION_PROMPT = 20_000


class Region(BaseModel):
    """A part of the picture and what it shows: a rectangle, in shares of the picture's sides, or a mask."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    prompt: str = Field(
        default="", max_length=MAX_REGION_PROMPT, title="Region's prompt", description="What is here."
    )
    weight: float = Field(
        default=1.0, ge=0, le=5, title="Region's weight", description="Against other regions and the whole."
    )
    x: float = Field(default=0.0, ge=0, le=1, title="Left", description="Its left edge, from 0 to 1.")
    y: float = Field(default=0.0, ge=0, le=1, title="Top", description="Its upper edge, from 0 to 1.")
    width: float = Field(default=1.0, gt=0, le=1, title="Width", description="As a share of the picture's.")
    height: float = Field(default=1.0, gt=0, le=1, title="Height", description="As a share of the picture's.")
    mask: PictureName = Field(
        default="", title="Region's mask", description="White where it is; takes the rectangle's place."
    )

    @model_validator(mode="after")
    def _inside(self) -> Region:
        if self.x + self.width > 1.0001 or self.y + self.height > 1.0001:
            raise ValueError(
                "A region reaches beyond the picture: left + width and top + height are at most 1."
            )
        return self


class RegionParams(BaseModel):
    """Regions, and how much the picture's own prompt counts in them."""

    regions: tuple[Region, ...] = Field(
        default=(),
        max_length=MAX_REGIONS,
        title="Regional prompts",
        description="Parts of the picture, each with a prompt of its own.",
    )
    regions_base: float = Field(
        default=0.2,
        ge=0,
        le=1,
        title="Base weight",
        description="How much the picture's own prompt counts inside regions. Outside it is heard alone.",
    )
    regions_feather: float = Field(
        default=0.05,
        ge=0,
        le=0.5,
        title="Feather",
        description="How softly regions' edges fade, as a share of the picture's shorter side.",
    )
