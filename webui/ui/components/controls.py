"""The controls that describe a picture, each named, hinted and identified in one place."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import gradio as gr
from gradio.components import Component

from webui.engine.samplers.table import SAMPLER_NAMES, SCHEDULE_NAMES
from webui.params import GenerationParams

# The element ids are A1111's: its users' scripts and styles know them.
ELEMENT_IDS = {
    "prompt": "prompt",
    "negative_prompt": "neg_prompt",
    "sampler_name": "sampling",
    "scheduler": "scheduler",
    "steps": "steps",
    "width": "width",
    "height": "height",
    "n_iter": "batch_count",
    "batch_size": "batch_size",
    "cfg_scale": "cfg_scale",
    "clip_skip": "clip_skip",
    "step_cache": "step_cache",
    "seed": "seed",
}
CHECKPOINT_ID = "setting_sd_model_checkpoint"
VAE_ID = "setting_sd_vae"


@dataclass(frozen=True)
class Maker:
    """Makes one tab's controls: the label and id come from the field's name, the value from `defaults`."""

    tab: str
    defaults: GenerationParams

    def element_id(self, field: str) -> str:
        """The control's id in the page."""
        return element_ids(self.tab)[field]

    def options(self, field: str) -> dict[str, Any]:
        """What every kind of control is given."""
        return {
            "label": GenerationParams.model_fields[field].title,
            "elem_id": self.element_id(field),
            "value": getattr(self.defaults, field),
        }

    def prompt(self, field: str, placeholder: str) -> gr.Textbox:
        """A prompt box of two lines that grows."""
        return gr.Textbox(**self.options(field), lines=2, max_lines=12, placeholder=placeholder)

    def slider(self, field: str, lowest: float, highest: float, step: float) -> gr.Slider:
        """A slider with a number box."""
        return gr.Slider(lowest, highest, step=step, buttons=[], **self.options(field))

    def sampler(self) -> gr.Dropdown:
        """The samplers."""
        return gr.Dropdown(SAMPLER_NAMES, **self.options("sampler_name"))

    def schedule(self) -> gr.Dropdown:
        """The schedule types."""
        return gr.Dropdown(SCHEDULE_NAMES, **self.options("scheduler"))

    def seed(self) -> gr.Number:
        """The seed, a whole number."""
        return gr.Number(**self.options("seed"), precision=0)


def tool(icon: str, element_id: str) -> gr.Button:
    """A small button that shows static/icons/`icon`.svg; its name is in the hints."""
    return gr.Button(
        "", elem_id=element_id, elem_classes=["dr-tool", f"dr-icon-{icon}"], size="sm", min_width=44, scale=0
    )


def hints(tab: str) -> dict[str, str]:
    """Element id -> the line shown on hover, for every control of `tab`."""
    ids = element_ids(tab)
    described = {ids[field]: GenerationParams.model_fields[field].description or "" for field in ELEMENT_IDS}
    return {
        **described,
        VAE_ID: GenerationParams.model_fields["vae"].description or "",
        f"{tab}_generate": "Draw (Ctrl+Enter)",
        f"{tab}_interrupt": "Stop this job; finished pictures stay (Esc)",
        f"{tab}_skip": "Leave this batch, go on with the next (Alt+Enter)",
        f"{tab}_res_switch_btn": "Swap width and height",
        f"{tab}_random_seed": "A random seed each time (-1)",
        f"{tab}_reuse_seed": "Take the seed of the picture shown",
    }


def element_ids(tab: str) -> dict[str, str]:
    """Field -> its control's id in the page, so that an error can stand where it belongs."""
    own = {field: f"{tab}_{name}" for field, name in ELEMENT_IDS.items()}
    return {"checkpoint": CHECKPOINT_ID, "vae": VAE_ID, **own}


Controls = dict[str, Component]
"""Field of GenerationParams -> its control."""
