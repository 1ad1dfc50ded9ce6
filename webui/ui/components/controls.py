"""The controls that describe a picture, each named, hinted and identified in one place."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, get_args

import gradio as gr
from gradio.components import Component
from gradio.events import Dependency

from webui.params import GenerationParams
from webui.ui.components.fields import element_id
from webui.ui.components.ranges import RADIOS, SLIDERS, TEXTS, shown_value

HAPPENING: dict[str, Any] = {
    "show_progress": "hidden",
    "show_progress_on": list[Component](),
    "api_visibility": "private",
}
"""Options of every event: gradio's own signs of progress and its API are not used.

Without the empty list gradio would tell each output several times that nothing is shown, and look through the
whole page for it.
"""
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
        return element_id(self.tab, field)

    def options(self, field: str) -> dict[str, Any]:
        """What every kind of control is given."""
        return {
            "label": GenerationParams.model_fields[field].title,
            "elem_id": self.element_id(field),
            "value": shown_value(field, getattr(self.defaults, field)),
        }

    def prompt(self, field: str, placeholder: str) -> gr.Textbox:
        """A prompt box of two lines that grows."""
        return gr.Textbox(**self.options(field), lines=2, max_lines=12, placeholder=placeholder)

    def picker(self, field: str, choices: Sequence[str], **more: Any) -> gr.Dropdown:  # noqa: ANN401
        """A list of names, of which any may be gone once it is chosen."""
        options: dict[str, Any] = {**self.options(field), **more}
        return unchecked(gr.Dropdown(list(choices), **options))

    def control(self, field: str, **more: Any) -> Component:  # noqa: ANN401
        """The control that suits the field: a slider, a number's box, a tick, choices, a text."""
        options: dict[str, Any] = {**self.options(field), **more}
        if field in SLIDERS:
            lowest, highest, step = SLIDERS[field]
            return gr.Slider(lowest, highest, step=step, buttons=[], **options)
        if field in RADIOS:
            label, choices = RADIOS[field]
            options["label"] = label
            return gr.Radio(list(choices), **options)
        if field in TEXTS:
            return gr.Textbox(**options, lines=2, max_lines=8, placeholder=TEXTS[field])
        if field == "detailer_color":
            return gr.ColorPicker(**options)
        return self._typed(field, options)

    def _typed(self, field: str, options: dict[str, Any]) -> Component:
        """What suits the type alone."""
        annotation = GenerationParams.model_fields[field].annotation
        if annotation is str:
            return gr.Textbox(**options)
        if annotation is bool:
            return gr.Checkbox(**options)
        if annotation is int:
            return gr.Number(**options, precision=0)
        choices = [value for value in get_args(annotation) if isinstance(value, str)]
        return unchecked(gr.Dropdown(choices, **options)) if choices else gr.Number(**options)


def unchecked(picker: gr.Dropdown) -> gr.Dropdown:
    """The same, without gradio's check that what was chosen is among the choices.

    Files and styles come and go, and gradio would show the name as markup: whoever gets the choice says in a
    sentence of its own what is missing.
    """
    # Of the class: once a picker's choices are updated gradio goes by a new object of it.
    gr.Dropdown.preprocess = lambda self, payload: payload  # noqa: ARG005
    return picker


def tool(icon: str, element_id: str) -> gr.Button:
    """A small button that shows static/icons/`icon`.svg; its name is in the hints."""
    return gr.Button(
        "", elem_id=element_id, elem_classes=["dr-tool", f"dr-icon-{icon}"], size="sm", min_width=44, scale=0
    )


Controls = dict[str, Component]
"""Field of GenerationParams -> its control."""
Happened = Dependency
"""What an event's wiring gives back; `then` goes on from it."""
