"""The controls that describe a picture, each named, hinted and identified in one place."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, get_args

import gradio as gr
from gradio.components import Component
from gradio.events import Dependency

from webui.engine.samplers.table import SAMPLER_NAMES, SCHEDULE_NAMES
from webui.params import GenerationParams

# The element ids are A1111's: its users' scripts and styles know them.
CHECKPOINT_ID = "setting_sd_model_checkpoint"
VAE_ID = "setting_sd_vae"
SCRIPT_ID = "script_list"
ELSEWHERE = {"checkpoint": CHECKPOINT_ID, "vae": VAE_ID, "script": SCRIPT_ID}
"""The fields whose controls belong to no tab alone."""
A1111_NAMES = {
    "negative_prompt": "neg_prompt",
    "sampler_name": "sampling",
    "n_iter": "batch_count",
    "refiner_checkpoint": "checkpoint",
    "refiner_switch_at": "switch_at",
}
"""What A1111 calls an element, where that isn't the field's name."""
ELEMENT_IDS = {
    field: A1111_NAMES.get(field, field) for field in GenerationParams.model_fields if field not in ELSEWHERE
}

SLIDERS: dict[str, tuple[float, float, float]] = {
    "steps": (1, 150, 1),
    "width": (64, 2048, 8),
    "height": (64, 2048, 8),
    "n_iter": (1, 100, 1),
    "batch_size": (1, 8, 1),
    "cfg_scale": (1, 30, 0.5),
    "cfg_rescale": (0, 1, 0.05),
    "cfg_start": (0, 1, 0.05),
    "cfg_end": (0, 1, 0.05),
    "s_min_uncond": (0, 15, 0.1),
    "comma_padding_backtrack": (0, 74, 1),
    "subseed_strength": (0, 1, 0.01),
    "seed_resize_from_w": (0, 2048, 8),
    "seed_resize_from_h": (0, 2048, 8),
    "s_churn": (0, 100, 0.1),
    "s_noise": (0, 2, 0.005),
    "beta_alpha": (0.05, 4, 0.05),
    "beta_beta": (0.05, 4, 0.05),
    "uni_pc_order": (1, 9, 1),
    "clip_skip": (1, 12, 1),
    "step_cache": (1, 5, 1),
    "token_merging_ratio": (0, 0.9, 0.05),
    "refiner_switch_at": (0.01, 1, 0.01),
    "freeu_b1": (0, 2, 0.01),
    "freeu_b2": (0, 2, 0.01),
    "freeu_s1": (0, 4, 0.01),
    "freeu_s2": (0, 4, 0.01),
}
"""Lowest, highest and step of the fields that are sliders."""
EMPTY_IS_DEFAULT = ("seed", "subseed", "eta", "ensd", "s_tmin", "s_tmax", "sigma_min", "sigma_max", "rho")
"""The fields that are boxes for a number, which may be emptied."""
HAPPENING: dict[str, Any] = {"show_progress": "hidden", "api_visibility": "private"}
"""Options of every event: gradio's own signs of progress and its API are not used."""
AT_ONCE: dict[str, Any] = {**HAPPENING, "queue": False}
"""Those of an event that takes no time."""
LATEST: dict[str, Any] = {**HAPPENING, "trigger_mode": "always_last"}
"""Those of one that, while it is under way, is wanted again with what has been chosen since.

gradio would leave out the second.
"""


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

    def control(self, field: str, **more: Any) -> Component:  # noqa: ANN401
        """The control that suits the field's type: a slider, a number's box, a tick, a list of choices."""
        options = {**self.options(field), **more}
        if field in SLIDERS:
            lowest, highest, step = SLIDERS[field]
            return gr.Slider(lowest, highest, step=step, buttons=[], **options)
        annotation = GenerationParams.model_fields[field].annotation
        if annotation is bool:
            return gr.Checkbox(**options)
        if annotation is int:
            return gr.Number(**options, precision=0)
        choices = [value for value in get_args(annotation) if isinstance(value, str)]
        return unchecked(gr.Dropdown(choices, **options)) if choices else gr.Number(**options)

    def sampler(self) -> gr.Dropdown:
        """The samplers."""
        return unchecked(gr.Dropdown(SAMPLER_NAMES, **self.options("sampler_name")))

    def schedule(self) -> gr.Dropdown:
        """The schedule types."""
        return unchecked(gr.Dropdown(SCHEDULE_NAMES, **self.options("scheduler")))


def unchecked(picker: gr.Dropdown) -> gr.Dropdown:
    """The same, without gradio's check that what was chosen is among the choices.

    Files and styles come and go, and gradio would show the name as markup: whoever gets the choice says in a
    sentence of its own what is missing.
    """
    picker.preprocess = lambda payload: payload
    return picker


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
        f"{tab}_subseed_show": "Variations of a seed; without the tick they are not used",
        f"{tab}_random_subseed": "A random variation seed each time (-1)",
        f"{tab}_reuse_subseed": "Take the variation seed of the picture shown",
    }


def element_ids(tab: str) -> dict[str, str]:
    """Field -> its control's id in the page, so that an error can stand where it belongs."""
    return {**ELSEWHERE, **{field: f"{tab}_{name}" for field, name in ELEMENT_IDS.items()}}


Controls = dict[str, Component]
"""Field of GenerationParams -> its control."""
Happened = Dependency
"""What an event's wiring gives back; `then` goes on from it."""
