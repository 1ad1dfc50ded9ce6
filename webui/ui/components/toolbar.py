"""The tools beside the prompts: paste, clear, styles, LoRAs and embeddings."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import gradio as gr

from webui.prompting.styles_store import StyleStore
from webui.ui.components.controls import Maker, tool, unchecked
from webui.ui.components.fields import own_id

PASTE_NAME = "paste"


@dataclass(frozen=True)
class Toolbar:
    """The tools; `styles` is the control of the field of that name.

    `refresh` is hidden: the styles' editor presses it once it has changed something.
    """

    paste: gr.Button
    clear: gr.Button
    apply: gr.Button
    edit: gr.Button
    refresh: gr.Button
    styles: gr.Dropdown


def build_toolbar(make: Maker, styles: list[str]) -> Toolbar:
    """Lay the tools out in a row, the styles below them."""
    tab = make.tab
    with gr.Row(elem_classes="dr-tools", elem_id=f"{tab}_tools"):
        paste = tool("paste", own_id(tab, PASTE_NAME))
        clear = tool("trash", f"{tab}_clear_prompt")
        apply = tool("apply", f"{tab}_style_apply")
        edit = tool("edit", f"{tab}_styles_edit_button")
        tool("cards", f"{tab}_extra_networks")
    options: dict[str, Any] = {**make.options("styles"), "value": list(make.defaults.styles)}
    picker = gr.Dropdown(
        styles, **options, multiselect=True, container=False, elem_classes="dr-styles-picker"
    )
    refresh = gr.Button(visible="hidden", elem_id=f"refresh_{tab}_styles")
    return Toolbar(paste, clear, apply, edit, refresh, unchecked(picker))


def style_names(styles: StyleStore) -> list[str]:
    """What the picker of styles offers."""
    return [style.name for style in styles.listed()]


def tool_hints(tab: str) -> dict[str, str]:
    """Element id -> the line shown on hover."""
    return {
        own_id(
            tab, PASTE_NAME
        ): "Read generation parameters from the prompt; if it holds none, those of your last picture",
        f"{tab}_clear_prompt": "Clear both prompts",
        f"{tab}_style_apply": "Put the chosen styles into the prompts",
        f"{tab}_styles_edit_button": "Edit styles",
        f"{tab}_extra_networks": "Extra networks: show or hide LoRAs and embeddings",
    }
