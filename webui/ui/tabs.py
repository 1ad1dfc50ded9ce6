"""The tabs that draw: what each is called, and which fields have a control in it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from webui.params import GenerationParams
from webui.ui.components.ranges import shown_value
from webui.ui.sections import (
    CHIP_NAMES,
    DETAILER,
    EXTRA,
    HIRES,
    NEEDS,
    OF_SAMPLING,
    REFINER,
    SOFT_INPAINTING,
    START,
    START_INPAINT,
    Section,
    accordion_id,
    fields_of,
)

SCRIPTS = ("Prompt matrix", "Prompts from file or textbox", "X/Y/Z plot")
PROMPTS = ("prompt", "negative_prompt")
SAMPLING = ("sampler_name", "scheduler", "steps")
SIZE = ("width", "height", "n_iter", "batch_size")
FROM_PICTURE = ("resize_mode", "scale_by", "denoising_strength", "image_cfg_scale")
OUTPAINT = ("outpaint_left", "outpaint_up", "outpaint_right", "outpaint_down")
MASK = (
    *("mask_blur", "inpainting_mask_invert", "inpainting_fill", "inpaint_full_res"),
    *("inpaint_full_res_padding", *OUTPAINT),
)


@dataclass(frozen=True)
class TabKind:
    """What sets a tab apart. `own` are fields in sight that not every tab has; `opens` are first values.

    Where it is `steered`, what is on its canvas is the control image of its first ControlNet unit.
    """

    name: str
    title: str
    sections: tuple[Section, ...]
    own: tuple[str, ...] = ()
    scripts: tuple[str, ...] = SCRIPTS
    opens: Mapping[str, Any] = field(default_factory=dict[str, Any])
    steered: bool = False

    @property
    def starts(self) -> bool:
        """Whether it starts from a picture."""
        return bool(self.own)

    @property
    def canvas(self) -> bool:
        """Whether it has a canvas."""
        return self.starts or self.steered

    @property
    def crucial(self) -> str:
        """The field without which its canvas is of no use."""
        return "control" if self.steered else "init_images"

    @property
    def masks(self) -> bool:
        """Whether a part of that picture is drawn anew."""
        return "mask_blur" in self.own

    @property
    def in_sight(self) -> tuple[str, ...]:
        """The fields that are always seen."""
        return (*PROMPTS, "styles", *SAMPLING, *SIZE, "cfg_scale", "seed", *self.own)

    @property
    def tucked_away(self) -> tuple[str, ...]:
        """The fields that a closed accordion may hide."""
        return fields_of(self.sections)

    @property
    def fields(self) -> tuple[str, ...]:
        """All that have a control of the tab's own."""
        return (*self.in_sight, *EXTRA, *self.tucked_away)

    @property
    def usual(self) -> dict[str, Any]:
        """What every field is by default, here."""
        return {
            **{name: known.default for name, known in GenerationParams.model_fields.items()},
            **self.opens,
        }

    @property
    def accordions(self) -> dict[str, str]:
        """Field -> the id of the accordion that it is in."""
        return {
            name: accordion_id(self.name, section.name)
            for section in self.sections
            for name in section.fields
        }

    @property
    def chips(self) -> list[dict[str, Any]]:
        """What static/chips.js must know of the fields that can have a chip."""
        titles = GenerationParams.model_fields
        return [
            {
                "field": name,
                "name": CHIP_NAMES.get(name, titles[name].title),
                "default": shown_value(name, self.usual[name]),
                "needs": NEEDS.get(name),
            }
            for name in self.tucked_away
        ]


TXT2IMG = TabKind(
    "txt2img", "txt2img", (HIRES, REFINER, DETAILER, *OF_SAMPLING), opens={"denoising_strength": 0.7}
)
IMG2IMG = TabKind(
    "img2img",
    "img2img",
    (START, REFINER, DETAILER, *OF_SAMPLING),
    FROM_PICTURE,
    ("Loopback", *SCRIPTS[:2], "SD upscale", *SCRIPTS[2:]),
)
INPAINT = TabKind(
    "inpaint",
    "Inpaint",
    (SOFT_INPAINTING, START_INPAINT, REFINER, DETAILER, *OF_SAMPLING),
    (*FROM_PICTURE, *MASK),
)
CONTROL = TabKind("control", "ControlNet", TXT2IMG.sections, opens=TXT2IMG.opens, steered=True)
TABS = (TXT2IMG, IMG2IMG, INPAINT, CONTROL)
EXTRAS = TabKind("extras", "Extras", (), ("init_images",))
"""Not one that draws: what is brought there is enlarged or mended."""
TARGETS = {kind.name: kind.title for kind in (*TABS, EXTRAS) if kind.canvas}
"""The tabs that a picture can be sent to, and what they are called."""
