"""GenerationParams: the one description of a picture to be made."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

MAX_SIDE = 8192
MAX_PIXELS = 8192 * 8192
MAX_PROMPT = 20_000
MAX_SEED = 2**53 - 1  # the largest whole number that JavaScript keeps exactly

Side = Annotated[int, Field(ge=64, le=MAX_SIDE, multiple_of=8)]


class GenerationParams(BaseModel):
    """What to draw and how, under AUTOMATIC1111's API names. Unknown fields are refused.

    Sizes are in pixels, multiples of 8. A seed of -1 asks for a random one.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    prompt: str = Field(default="", title="Prompt", max_length=MAX_PROMPT, description="What to draw.")
    negative_prompt: str = Field(
        default="", title="Negative prompt", max_length=MAX_PROMPT, description="What to steer away from."
    )
    sampler_name: str = Field(
        default="DPM++ 2M", title="Sampling method", description="The way from noise to picture."
    )
    scheduler: str = Field(
        default="Automatic",
        title="Schedule type",
        description="How the noise levels are spaced over the steps.",
    )
    steps: int = Field(
        default=20,
        ge=1,
        le=150,
        title="Sampling steps",
        description="More steps: finer, slower. 15 to 30 serve most.",
    )
    cfg_scale: float = Field(
        default=7.0, ge=1, le=30, title="CFG scale", description="How closely the picture follows the prompt."
    )
    seed: int = Field(
        default=-1,
        ge=-1,
        le=MAX_SEED,
        title="Seed",
        description="The same seed gives the same picture; -1: a random one.",
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
    checkpoint: str = Field(
        default="", title="Checkpoint", description="The model that draws; empty: the default one."
    )

    vae: str = Field(
        default="Automatic",
        title="SD VAE",
        description="What makes a picture of latents. Automatic: the file beside the checkpoint or its own.",
    )
    clip_skip: int = Field(
        default=1,
        ge=1,
        le=12,
        title="Clip skip",
        description="Which of the text encoder's last layers to listen to; 1: the last. Anime models want 2.",
    )
    step_cache: int = Field(
        default=1,
        ge=1,
        le=5,
        title="Step cache",
        description="Compute the UNet's deep layers each Nth step only: faster, with other details. 1: off.",
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

    def completed(self, defaults: dict[str, Any]) -> Self:
        """These params, with `defaults` for the fields that were not given."""
        missing = {name: value for name, value in defaults.items() if name not in self.model_fields_set}
        return type(self).model_validate({**self.model_dump(exclude_unset=True), **missing})

    def changed(self, **fields: object) -> Self:
        """A validated copy with other values in `fields`."""
        return type(self).model_validate({**self.model_dump(exclude_unset=True), **fields})


class InvalidParamsError(ValueError):
    """A value that passed the type checks but can't be used; `field` names it, the text says the way out."""

    def __init__(self, field: str, sentence: str) -> None:
        super().__init__(sentence)
        self.field = field


def message(problem: Mapping[str, Any]) -> str:
    """One of pydantic's problems in words, less those that it puts before a validator's own sentence."""
    return str(problem["msg"]).removeprefix("Value error, ")
