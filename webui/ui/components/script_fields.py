"""Controls for the fields of a script's own parameters, under A1111's element ids."""

from __future__ import annotations

import re
from typing import Any, get_args

import gradio as gr
from gradio.components import Component
from pydantic import BaseModel

from webui.params.scripts import Loopback, PromptMatrix, PromptsFromFile, SDUpscale, XYZPlot
from webui.ui.components.controls import Controls, unchecked

SCRIPTS: dict[str, type[BaseModel]] = {
    str(kind.model_fields["name"].default): kind
    for kind in (Loopback, PromptMatrix, PromptsFromFile, SDUpscale, XYZPlot)
}
"""A script's name -> its params, in A1111's order."""
MULTILINE = ("prompts",)
SLIDERS: dict[str, tuple[float, float, float]] = {
    "margin_size": (0, 500, 2),
    "loops": (1, 32, 1),
    "final_denoising_strength": (0, 1, 0.01),
    "overlap": (0, 256, 16),
    "scale_factor": (1, 4, 0.05),
}
"""Lowest, highest and step of the fields that are sliders."""
PICKED = ("upscaler",)
"""The fields that are chosen from what is there."""


def script_id(tab: str, name: str, field: str = "") -> str:
    """The element id of a script's field, as A1111 makes it; without a field that of the whole script."""
    script = re.sub(r"[^a-z_0-9]", "", name.lower().replace(" ", "_"))
    return f"script_{tab}_{script}" + (f"_{field}" if field else "")


def script_control(tab: str, name: str, field: str) -> Component:
    """The control that suits the field's type."""
    known = SCRIPTS[name].model_fields[field]
    options: dict[str, Any] = {
        "label": known.title,
        "value": known.default,
        "elem_id": script_id(tab, name, field),
    }
    if known.annotation is bool:
        return gr.Checkbox(**options)
    if field in SLIDERS:
        lowest, highest, step = SLIDERS[field]
        return gr.Slider(lowest, highest, step=step, buttons=[], **options)
    if field in PICKED:
        return unchecked(gr.Dropdown([known.default], **options))
    if choices := get_args(known.annotation):
        return gr.Radio(list(choices), **options)
    few, many = (6, 20) if field in MULTILINE else (1, 4)
    return gr.Textbox(**options, lines=few, max_lines=many)


def script_controls(tab: str, name: str, rows: tuple[tuple[str, ...], ...]) -> Controls:
    """The controls of these fields, row by row."""
    controls: Controls = {}
    for row in rows:
        with gr.Row(elem_classes="dr-fields"):
            controls |= {field: script_control(tab, name, field) for field in row}
    return controls


def script_hints(tab: str, names: tuple[str, ...]) -> dict[str, str]:
    """Element id -> the line shown on hover, of the scripts of these names."""
    return {
        script_id(tab, name, field): known.description
        for name in names
        for field, known in SCRIPTS[name].model_fields.items()
        if known.description
    }
