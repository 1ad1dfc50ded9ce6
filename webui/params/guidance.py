"""How the prompt is read, and how hard it pulls."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, Field

Emphasis = Literal["Original", "No norm", "Ignore", "None"]
StyleName = Annotated[str, Field(max_length=200)]


class GuidanceParams(BaseModel):
    """From prompt to guidance. `cfg_start` and `cfg_end` are shares of the steps, 0 to 1."""

    cfg_scale: float = Field(
        default=7.0, ge=1, le=30, title="CFG scale", description="How closely the picture follows the prompt."
    )
    cfg_rescale: float = Field(
        default=0.0,
        ge=0,
        le=1,
        title="Rescale CFG",
        description="Takes back the glare of a high CFG scale; 0.7 suits v-prediction models. 0: off.",
    )
    cfg_start: float = Field(
        default=0.0,
        ge=0,
        le=1,
        title="CFG start",
        description="Up to this share of the steps the negative prompt is left out: twice as fast.",
    )
    cfg_end: float = Field(
        default=1.0,
        ge=0,
        le=1,
        title="CFG end",
        description="From this share of the steps on the negative prompt is left out: twice as fast.",
    )
    s_min_uncond: float = Field(
        default=0.0,
        ge=0,
        le=15,
        title="Negative Guidance minimum sigma",
        description="Below this noise level every second step goes without the negative prompt. 0: off.",
    )
    styles: tuple[StyleName, ...] = Field(
        default=(), max_length=50, title="Styles", description="Saved prompts, put into yours in this order."
    )
    dynamic_prompts: bool = Field(
        default=True,
        title="Dynamic prompts",
        description="{a|b} picks one, __name__ a line of wildcards/name.txt, anew for each picture.",
    )
    emphasis: Emphasis = Field(
        default="Original",
        title="Emphasis mode",
        description="Of (word:1.2). No norm: not evened out. Ignore: no effect. None: brackets are text.",
    )
    comma_padding_backtrack: int = Field(
        default=20,
        ge=0,
        le=74,
        title="Prompt word wrap length limit",
        description="How many tokens back a chunk of 75 may end, at a comma, rather than in mid-phrase.",
    )
