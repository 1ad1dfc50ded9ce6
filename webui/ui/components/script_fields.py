"""Controls for the fields of a script's own parameters, under A1111's element ids."""

from __future__ import annotations

import re
from typing import Any, get_args

import gradio as gr
from gradio.components import Component
from pydantic import BaseModel

from webui.params.scripts import PromptMatrix, PromptsFromFile, XYZPlot
from webui.ui.components.controls import Controls

SCRIPTS: dict[str, type[BaseModel]] = {
    str(kind.model_fields["name"].default): kind for kind in (PromptMatrix, PromptsFromFile, XYZPlot)
}
"""A script's name -> its params, in A1111's order."""
MULTILINE = ("prompts",)
MARGIN = (0, 500, 2)


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
    if known.annotation is int:
        lowest, highest, step = MARGIN
        return gr.Slider(lowest, highest, step=step, buttons=[], **options)
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


def script_hints(tab: str) -> dict[str, str]:
    """Element id -> the line shown on hover."""
    return {
        script_id(tab, name, field): known.description
        for name, kind in SCRIPTS.items()
        for field, known in kind.model_fields.items()
        if known.description
    }
