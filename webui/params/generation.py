"""GenerationParams: the one description of a picture to be made."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Self

from pydantic import ConfigDict, Field, model_validator

from webui.params.detailer import DetailerParams
from webui.params.extras import ExtrasParams
from webui.params.guidance import GuidanceParams
from webui.params.hires import HiresParams
from webui.params.image import ImageParams
from webui.params.model import ModelParams
from webui.params.noise import NoiseParams
from webui.params.sampling import SamplingParams
from webui.params.scripts import Script

MAX_SIDE = 8192
MAX_PIXELS = 8192 * 8192
MAX_PROMPT = 20_000

Side = Annotated[int, Field(ge=64, le=MAX_SIDE, multiple_of=8)]


class GenerationParams(
    NoiseParams, SamplingParams, GuidanceParams, ModelParams, ImageParams, HiresParams, DetailerParams
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

    @model_validator(mode="after")
    def _fits(self) -> Self:
        pixels = self.width * self.height * self.batch_size
        if pixels > MAX_PIXELS:
            raise ValueError(
                f"{self.width}x{self.height} in batches of {self.batch_size} is {pixels:,} pixels at once; "
                f"the limit is {MAX_PIXELS:,}. Lower the width, the height or the batch size."
            )
        return self

    @property
    def hires(self) -> bool:
        """Whether there is a second, larger pass."""
        return self.enable_hr and not self.init_images

    @property
    def masked(self) -> bool:
        """Whether a mask was given, or room to paint is asked for. Transparent parts aren't known here."""
        return bool(self.init_images) and (bool(self.mask) or any(self.outpaint))

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
