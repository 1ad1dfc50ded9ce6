"""ControlNet units: pictures that steer where things are, or what they look like."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, ModelWrapValidatorHandler, model_validator

from webui.params.image import PictureName

MAX_UNITS = 10
NO_MODULE = "none"
NO_MODEL = "None"

ControlMode = Literal["Balanced", "My prompt is more important", "ControlNet is more important"]
ControlResize = Literal["Just Resize", "Crop and Resize", "Resize and Fill"]
HiresOption = Literal["Both", "Low res only", "High res only"]
Influence = Literal["All", "Style", "Composition"]


class ControlUnit(BaseModel):
    """One unit, under the names of A1111's ControlNet API. A unit that isn't `enabled` has no say."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    enabled: bool = Field(default=True, title="Enable", description="Whether this unit steers.")
    image: PictureName = Field(
        default="",
        title="Control image",
        description="What steers. Empty: the picture that img2img starts from.",
    )
    mask: PictureName = Field(
        default="",
        title="Effective region mask",
        description="White where the unit has a say; for inpaint preprocessors, what is to change.",
    )
    module: str = Field(
        default=NO_MODULE,
        max_length=200,
        title="Preprocessor",
        description="What makes a map of the control image. none: it is a map already.",
    )
    model: str = Field(
        default=NO_MODEL, max_length=1000, title="Model", description="The ControlNet, T2I- or IP-Adapter."
    )
    weight: float = Field(
        default=1.0, ge=0, le=2, title="Control Weight", description="How strongly it steers."
    )
    guidance_start: float = Field(
        default=0.0, ge=0, le=1, title="Starting Control Step", description="From which share of the steps."
    )
    guidance_end: float = Field(
        default=1.0, ge=0, le=1, title="Ending Control Step", description="Up to which share of the steps."
    )
    resize_mode: ControlResize = Field(
        default="Crop and Resize",
        title="Resize Mode",
        description="How the control image is brought to the picture's size.",
    )
    control_mode: ControlMode = Field(
        default="Balanced", title="Control Mode", description="Who wins where prompt and map disagree."
    )
    pixel_perfect: bool = Field(
        default=False,
        title="Pixel Perfect",
        description="Compute the map at the size that suits the picture, instead of the one below.",
    )
    processor_res: int = Field(
        default=512,
        ge=64,
        le=4096,
        title="Preprocessor Resolution",
        description="The shorter side, in pixels, at which the map is computed.",
    )
    threshold_a: float | None = Field(
        default=None,
        title="Threshold A",
        description="The preprocessor's first number. Empty: its usual one.",
    )
    threshold_b: float | None = Field(
        default=None, title="Threshold B", description="Its second number. Empty: its usual one."
    )
    hr_option: HiresOption = Field(
        default="Both", title="Hires Option", description="In which pass of hires fix it steers."
    )
    union_control_type: str = Field(
        default="",
        max_length=60,
        title="Union Control Type",
        description="For ControlNet Union: what kind of map it is given. Empty: the preprocessor's kind.",
    )
    influence: Influence = Field(
        default="All",
        title="Influence",
        description="What an IP-Adapter takes from the picture: all of it, its style, or its composition.",
    )

    @property
    def misordered(self) -> str | None:
        """A sentence, if it would start behind its end."""
        if self.guidance_start <= self.guidance_end:
            return None
        return (
            f"Starting Control Step ({self.guidance_start:g}) is behind Ending Control Step "
            f"({self.guidance_end:g}). Lower the one or raise the other."
        )

    @model_validator(mode="wrap")
    @classmethod
    def _in_order(cls, value: object, handler: ModelWrapValidatorHandler[ControlUnit]) -> ControlUnit:
        unit = handler(value)
        # Of a unit that was changed field by field the next change may bring the order back.
        if not isinstance(value, ControlUnit) and (problem := unit.misordered):
            raise ValueError(problem)
        return unit


class ControlParams(BaseModel):
    """The units of a picture, and whether it is made of them alone."""

    control: tuple[ControlUnit, ...] = Field(
        default=(),
        max_length=MAX_UNITS,
        title="ControlNet",
        description="Units that steer the picture by other pictures.",
    )
    control_alone: bool = Field(
        default=False,
        title="ControlNet alone",
        description="Whether it is a wish of the ControlNet tab. The picture is the same in either case.",
    )

    @property
    def units(self) -> tuple[ControlUnit, ...]:
        """Those that have a say: the enabled ones."""
        return tuple(unit for unit in self.control if unit.enabled)
