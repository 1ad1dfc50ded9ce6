"""The detailer: parts of a finished picture drawn once more, each at the full size."""

from __future__ import annotations

from pydantic import BaseModel, Field

from webui.params.image import PictureName

NO_DETAILER = "None"


class DetailerParams(BaseModel):
    """What finds the parts, and how they are drawn."""

    detailer: str = Field(
        default=NO_DETAILER,
        max_length=200,
        title="Detailer",
        description="What finds the parts of a finished picture to draw once more in detail.",
    )
    detailer_color: str = Field(
        default="#ff0000",
        pattern=r"^#[0-9a-fA-F]{6}$",
        title="Detail color",
        description='The colour that "Color" looks for.',
    )
    detailer_threshold: float = Field(
        default=0.3,
        ge=0,
        le=1,
        title="Detection threshold",
        description="Saliency: how striking a part must be. Color: how far a colour may be off.",
    )
    detailer_mask: PictureName = Field(
        default="", title="Detail mask", description='White where "Mask" finds parts.'
    )
    detailer_max_regions: int = Field(
        default=4, ge=1, le=32, title="Most regions", description="The largest so many are drawn."
    )
    detailer_min_area: float = Field(
        default=0.005,
        ge=0,
        le=1,
        title="Least area",
        description="Parts smaller than this share of the picture are left.",
    )
    detailer_prompt: str = Field(
        default="",
        max_length=20_000,
        title="Detailer prompt",
        description="What the parts show. Empty: the picture's prompt. [SEP] parts one text for each.",
    )
    detailer_negative_prompt: str = Field(
        default="",
        max_length=20_000,
        title="Detailer negative prompt",
        description="What they are to steer away from. Empty: the picture's.",
    )
    detailer_denoising_strength: float = Field(
        default=0.4,
        ge=0,
        le=1,
        title="Detailer denoising strength",
        description="How far the parts may go from what they were.",
    )
    detailer_dilation: int = Field(
        default=4, ge=-128, le=128, title="Mask dilation", description="Grow the parts by so many pixels."
    )
    detailer_mask_blur: int = Field(
        default=4, ge=0, le=64, title="Detailer mask blur", description="How softly their edges fade."
    )
    detailer_padding: int = Field(
        default=32, ge=0, le=512, title="Detailer padding", description="Pixels seen around each part."
    )
    detailer_steps: int = Field(
        default=0, ge=0, le=150, title="Detailer steps", description="0: as many as the picture's."
    )
