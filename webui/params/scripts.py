"""Scripts: one wish from which a whole series of pictures is made."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

MAX_AXIS = 20_000
MAX_LINES = 500_000


class _Script(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class XYZPlot(_Script):
    """One parameter along each axis, every combination drawn, laid out as grids with a legend.

    An axis is the title of a parameter or "Prompt S/R", "Prompt order", "Nothing"; its values are a text:
    comma-separated, with ranges like `1-5`, `1-5 (+2)` and `1-10 [5]`.
    """

    name: Literal["X/Y/Z plot"] = "X/Y/Z plot"
    x_axis: str = Field(default="Seed", max_length=100, title="X type")
    x_values: str = Field(default="", max_length=MAX_AXIS, title="X values")
    y_axis: str = Field(default="Nothing", max_length=100, title="Y type")
    y_values: str = Field(default="", max_length=MAX_AXIS, title="Y values")
    z_axis: str = Field(default="Nothing", max_length=100, title="Z type")
    z_values: str = Field(default="", max_length=MAX_AXIS, title="Z values")
    draw_legend: bool = Field(
        default=True, title="Draw legend", description="Write the values beside the grid."
    )
    no_fixed_seeds: bool = Field(
        default=False,
        title="Keep -1 for seeds",
        description="A random seed for each picture rather than one for all.",
    )
    vary_seeds_x: bool = Field(default=False, title="Vary seeds for X")
    vary_seeds_y: bool = Field(default=False, title="Vary seeds for Y")
    vary_seeds_z: bool = Field(default=False, title="Vary seeds for Z")
    include_lone_images: bool = Field(
        default=True, title="Include Sub Images", description="Show each picture, too, not the grid alone."
    )
    include_sub_grids: bool = Field(
        default=False, title="Include Sub Grids", description="Show the grid of each Z value, too."
    )
    margin_size: int = Field(default=0, ge=0, le=500, title="Grid margins (px)")


class PromptMatrix(_Script):
    """Every combination of the prompt's parts: "a|b|c" is a, a b, a c, and a b c."""

    name: Literal["Prompt matrix"] = "Prompt matrix"
    put_at_start: bool = Field(default=False, title="Put variable parts at start of prompt")
    different_seeds: bool = Field(default=False, title="Use different seed for each picture")
    prompt_type: Literal["positive", "negative"] = Field(default="positive", title="Select prompt")
    variations_delimiter: Literal["comma", "space"] = Field(default="comma", title="Select joining char")
    margin_size: int = Field(default=0, ge=0, le=500, title="Grid margins (px)")


class PromptsFromFile(_Script):
    """A job for each line: a prompt, or options as `--prompt "a cat" --steps 10 --seed 1`."""

    name: Literal["Prompts from file or textbox"] = "Prompts from file or textbox"
    prompts: str = Field(default="", max_length=MAX_LINES, title="List of prompt inputs")
    iterate_seed: bool = Field(default=False, title="Iterate seed every line")
    same_seed: bool = Field(default=False, title="Use same random seed for all lines")
    insert_at: Literal["start", "end"] = Field(default="start", title="Insert prompts at the")


class Loopback(_Script):
    """img2img over and over: each picture starts from the one before."""

    name: Literal["Loopback"] = "Loopback"
    loops: int = Field(default=4, ge=1, le=32, title="Loops")
    final_denoising_strength: float = Field(default=0.5, ge=0, le=1, title="Final denoising strength")
    denoising_curve: Literal["Aggressive", "Linear", "Lazy"] = Field(
        default="Linear",
        title="Denoising strength curve",
        description="How fast it goes from the first strength to the final one.",
    )


class SDUpscale(_Script):
    """Enlarge a picture and draw over it in overlapping tiles, for sizes that memory can't hold."""

    name: Literal["SD upscale"] = "SD upscale"
    overlap: int = Field(default=64, ge=0, le=256, title="Tile overlap", description="In pixels.")
    scale_factor: float = Field(default=2.0, ge=1, le=8, title="Scale Factor")
    upscaler: str = Field(default="Lanczos", max_length=300, title="Upscaler")


Script = Annotated[
    XYZPlot | PromptMatrix | PromptsFromFile | Loopback | SDUpscale, Field(discriminator="name")
]
