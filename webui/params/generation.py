"""GenerationParams: the one description of a picture to be made."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal, Self

from pydantic import ConfigDict, Field, model_validator

from webui.params.control import ControlParams
from webui.params.detailer import NO_DETAILER, DetailerParams
from webui.params.extras import ExtrasParams
from webui.params.guidance import GuidanceParams
from webui.params.hires import Enlargement, HiresParams
from webui.params.image import ImageParams
from webui.params.model import ModelParams
from webui.params.noise import NoiseParams
from webui.params.regions import RegionParams
from webui.params.sampling import SamplingParams
from webui.params.scripts import Script
from webui.params.sides import GRAIN, MAX_SIDE, MIN_SIDE
from webui.params.training import TrainParams

MAX_PIXELS = 8192 * 8192
MAX_PROMPT = 20_000

JobKind = Literal["txt2img", "img2img", "inpaint", "control", "extras", "train"]
Side = Annotated[int, Field(ge=MIN_SIDE, le=MAX_SIDE, multiple_of=GRAIN)]


class GenerationParams(
    NoiseParams,
    SamplingParams,
    GuidanceParams,
    ModelParams,
    ImageParams,
    HiresParams,
    DetailerParams,
    ControlParams,
    RegionParams,
):
    """What to draw and how, under AUTOMATIC1111's API names. Unknown fields are refused.

    Sizes are in pixels, multiples of 8. A seed of -1 asks for a random one.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    prompt: str = Field(default="", title="Prompt", max_length=MAX_PROMPT, description="What to draw.")
    negative_prompt: str = Field(
        default="", title="Negative prompt", max_length=MAX_PROMPT, description="What to steer away from."
    )
    width: Side = Field(default=512, title="Width", description="Width in pixels, a multiple of 8.")
    height: Side = Field(default=512, title="Height", description="Height in pixels, a multiple of 8.")
    batch_size: int = Field(
        default=1,
        ge=1,
        le=64,
        title="Batch size",
        description="How many pictures at once (needs more memory).",
    )
    n_iter: int = Field(
        default=1, ge=1, le=1000, title="Batch count", description="How many batches, one after the other."
    )
    script: Script | None = Field(
        default=None, title="Script", description="Makes a series of pictures of this one wish."
    )

    extras: ExtrasParams | None = Field(
        default=None, title="Extras", description="Enlarge or mend the init images instead of drawing."
    )
    train: TrainParams | None = Field(
        default=None, title="Train", description="Teach the checkpoint something instead of drawing."
    )

    @model_validator(mode="after")
    def _fits(self) -> Self:
        pixels = self.width * self.height * self.batch_size
        if pixels > MAX_PIXELS:
            raise ValueError(
                f"{self.width}x{self.height} in batches of {self.batch_size} is {pixels:,} pixels at once; "
                f"the limit is {MAX_PIXELS:,}. Lower the width, the height or the batch size."
            )
        if self.hires and not self.firstpass_image:
            self.enlargement()
        return self

    @property
    def hires(self) -> bool:
        """Whether there is a second, larger pass."""
        return self.enable_hr and not self.init_images

    @property
    def hires_steps(self) -> int:
        """How many steps are asked for in the second pass."""
        return self.hr_second_pass_steps or self.steps

    @property
    def detail_steps(self) -> int:
        """About how many steps it takes to draw one part that the detailer finds."""
        return int((self.detailer_steps or self.steps) * self.detailer_denoising_strength) + 1

    @property
    def details_ahead(self) -> int:
        """About how many steps the detailer makes in a batch: one part in each picture."""
        return self.batch_size * self.detail_steps if self.detailer != NO_DETAILER else 0

    @property
    def steps_ahead(self) -> int:
        """About how many steps follow a batch's first pass."""
        second = self.hires and self.denoising_strength > 0 and not self.firstpass_image
        return (self.hires_steps if second else 0) + self.details_ahead

    @property
    def kind(self) -> JobKind:
        """What sort of job it is: which tab it could have come from."""
        if self.train:
            return "train"
        if self.extras:
            return "extras"
        if self.init_images or self.init_folder:
            return "inpaint" if self.masked else "img2img"
        return "control" if self.control_alone and self.units else "txt2img"

    @property
    def masked(self) -> bool:
        """Whether a mask was given, or room to paint is asked for. Transparent parts aren't known here."""
        return bool(self.init_images) and (bool(self.mask) or any(self.outpaint))

    def enlargement(self, first: tuple[int, int] | None = None) -> Enlargement:
        """What hires fix makes of its first pass: that of these params, or a picture of size `first`.

        Raises:
            InvalidParamsError: it would be too small or too large to draw.
        """
        width, height = first or (self.width, self.height)
        made = self.enlarged(width, height)
        field = "hr_resize_x" if self.hr_resize_x else "hr_resize_y" if self.hr_resize_y else "hr_scale"
        became = f"Hires fix would enlarge {width}x{height} to {made.covering[0]}x{made.covering[1]}"
        if min(made.size) < MIN_SIDE:
            raise InvalidParamsError(field, f"{became}; {MIN_SIDE} a side is the least. Ask for more.")
        if max(made.covering) > MAX_SIDE:
            raise InvalidParamsError(field, f"{became}; {MAX_SIDE} a side is the most. Ask for less.")
        pixels = made.covering[0] * made.covering[1] * self.batch_size
        if pixels > MAX_PIXELS:
            raise InvalidParamsError(
                field,
                f"{became} in batches of {self.batch_size}, {pixels:,} pixels at once; the limit is "
                f"{MAX_PIXELS:,}. Ask for less, or lower the batch size.",
            )
        return made

    def hires_size(self, first: tuple[int, int] | None = None) -> tuple[int, int]:
        """Width and height of the second pass; see `enlargement`."""
        return self.enlargement(first).size

    def completed(self, defaults: dict[str, Any]) -> Self:
        """These params, with `defaults` for the fields that were not given."""
        missing = {name: value for name, value in defaults.items() if name not in self.model_fields_set}
        return type(self).model_validate({**self._given(), **missing})

    def changed(self, **fields: object) -> Self:
        """A validated copy with other values in `fields`."""
        return type(self).model_validate({**self._given(), **fields})

    def _given(self) -> dict[str, Any]:
        """What was given, the script as the model that it is: a dump would leave out which one."""
        return {name: getattr(self, name) for name in self.model_fields_set}


class InvalidParamsError(ValueError):
    """A value that passed the type checks but can't be used; `field` names it, the text says the way out."""

    def __init__(self, field: str, sentence: str) -> None:
        super().__init__(sentence)
        self.field = field


def message(problem: Mapping[str, Any]) -> str:
    """One of pydantic's problems in words, less those that it puts before a validator's own sentence."""
    return str(problem["msg"]).removeprefix("Value error, ")
