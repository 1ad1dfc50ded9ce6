"""The three axes of an X/Y/Z plot: what varies, and its values as a text or picked from a list."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import gradio as gr
from gradio.blocks import Block
from gradio.components import Component

from webui.params import InvalidParamsError
from webui.params.scripts import MAX_AXIS, XYZPlot
from webui.scripts.axes import AXIS_NAMES, find_axis
from webui.scripts.values import texts
from webui.ui.components.controls import LATEST, tool, unchecked
from webui.ui.components.fields import own_id
from webui.ui.components.script_fields import script_control, script_id

NAME = str(XYZPlot.model_fields["name"].default)
LETTERS = ("x", "y", "z")
FILLS = {letter: f"xyz_grid_fill_{letter}_tool_button" for letter in LETTERS}
SWAPS = {f"{a}{b}": f"{a}{b}_grid_swap_axes_button" for a, b in ("xy", "yz", "xz")}
"""What A1111 calls the buttons."""

Choices = Callable[[str], list[str]]
"""The name of an axis -> what there is to choose from; nothing where any text or number will do."""


@dataclass(frozen=True)
class AxisControls:
    """One axis. `values` and `picked` hold the same, as a text and as a list; one of them is shown."""

    axis: gr.Dropdown
    values: Component
    picked: gr.Dropdown
    fill: gr.Button

    @property
    def outputs(self) -> list[Block]:
        """What `shown` updates, in its order."""
        return [self.axis, self.values, self.picked, self.fill]

    @property
    def inputs(self) -> list[Component]:
        """What `text` reads, in its order."""
        return [self.axis, self.values, self.picked]


class Axes:
    """All three, with the buttons that swap them."""

    def __init__(self, tab: str, choices: Choices) -> None:
        self._choices = choices
        self.by_letter = {letter: self._axis(tab, letter) for letter in LETTERS}
        with gr.Row(elem_classes="dr-swaps"):
            swaps = {
                pair: gr.Button(
                    f"Swap {pair[0].upper()}/{pair[1].upper()} axes", size="sm", elem_id=own_id(tab, name)
                )
                for pair, name in SWAPS.items()
            }
        for one in self.by_letter.values():
            self._wire(one)
        for pair, button in swaps.items():
            self._wire_swap(button, self.by_letter[pair[0]], self.by_letter[pair[1]])

    def _axis(self, tab: str, letter: str) -> AxisControls:
        title = XYZPlot.model_fields[f"{letter}_axis"].title
        start = str(XYZPlot.model_fields[f"{letter}_axis"].default)
        type_id = script_id(tab, NAME, f"{letter}_type")
        with gr.Row(equal_height=True, elem_classes="dr-axis"):
            axis = gr.Dropdown(AXIS_NAMES, value=start, label=title, elem_id=type_id, min_width=110, scale=2)
            values = script_control(tab, NAME, f"{letter}_values")
            values.visible = start != AXIS_NAMES[0]
            picked = _picker(tab, letter)
            fill = tool("fill", own_id(tab, FILLS[letter]))
            fill.visible = False
        return AxisControls(unchecked(axis), values, picked, fill)

    def _wire(self, one: AxisControls) -> None:
        def chosen(name: str, text: str, picked: list[str] | None) -> list[Any]:
            choices = self._offered(name)
            # What was picked is no value for an axis of another kind.
            kept = text if not choices else written([value for value in picked or [] if value in choices])
            return self.shown_one(name, kept)[1:]

        # `select` and not `change`: values that are restored are not to be lost.
        one.axis.select(chosen, one.inputs, one.outputs[1:], **LATEST)
        one.fill.click(self._offered, one.axis, one.picked, **LATEST)

    def _wire_swap(self, button: gr.Button, one: AxisControls, other: AxisControls) -> None:
        def swapped(*held: Any) -> list[Any]:  # noqa: ANN401
            mine, theirs = held[:3], held[3:]
            return [
                *self.shown_one(theirs[0], self.text(*theirs)),
                *self.shown_one(mine[0], self.text(*mine)),
            ]

        button.click(swapped, [*one.inputs, *other.inputs], [*one.outputs, *other.outputs], **LATEST)

    def _offered(self, axis: str) -> list[str]:
        return self._choices(proper_name(axis))

    @property
    def inputs(self) -> list[Component]:
        """What `wish` reads."""
        return [control for one in self.by_letter.values() for control in one.inputs]

    @property
    def outputs(self) -> list[Block]:
        """What `shown` updates, in its order."""
        return [control for one in self.by_letter.values() for control in one.outputs]

    def wish(self, held: Mapping[Any, Any]) -> dict[str, str]:
        """The fields of XYZPlot that the controls hold."""
        fields: dict[str, str] = {}
        for letter, one in self.by_letter.items():
            fields[f"{letter}_axis"] = held[one.axis]
            fields[f"{letter}_values"] = self.text(*(held[control] for control in one.inputs))
        return fields

    def text(self, axis: str, values: str, picked: list[str] | None) -> str:
        """The values of one axis, from whichever of the two is shown."""
        return written(picked or []) if self._offered(axis) else values

    def shown(self, plot: XYZPlot) -> list[Any]:
        """Updates of `outputs` that bring `plot` back."""
        held = [(getattr(plot, f"{letter}_axis"), getattr(plot, f"{letter}_values")) for letter in LETTERS]
        return [update for axis, text in held for update in self.shown_one(axis, text)]

    def shown_one(self, axis: str, text: str) -> list[Any]:
        """Updates of one axis' outputs."""
        name = proper_name(axis)
        choices = self._offered(name)
        return [
            gr.update(value=name),
            gr.update(value="" if choices else text, visible=not choices and name != AXIS_NAMES[0]),
            gr.update(choices=choices, value=_picked(text, choices), visible=bool(choices)),
            gr.update(visible=bool(choices)),
        ]


def _picker(tab: str, letter: str) -> gr.Dropdown:
    """The list of values to pick from, hidden; the axis tells what it offers."""
    return unchecked(
        gr.Dropdown(
            [],
            multiselect=True,
            # After a swap, what is still on its way was picked from the other's choices.
            allow_custom_value=True,
            label=XYZPlot.model_fields[f"{letter}_values"].title,
            elem_id=script_id(tab, NAME, f"{letter}_values_dropdown"),
            visible=False,
        )
    )


def proper_name(axis: str) -> str:
    """The axis as the list has it; Nothing, if it isn't there."""
    try:
        return find_axis(str(axis)).name
    except InvalidParamsError:
        return AXIS_NAMES[0]


def written(values: list[str]) -> str:
    """Values as a text, in quotes where they hold commas."""
    text = io.StringIO()
    csv.writer(text, lineterminator="").writerow(values)
    return text.getvalue() if values else ""


def _picked(text: str, choices: list[str]) -> list[str]:
    """The values of `text`, as `choices` writes them."""
    proper = {choice.lower(): choice for choice in choices}
    values = texts(text) if len(text) <= MAX_AXIS and choices else []
    return [proper.get(value.lower(), value) for value in values if value]


def axis_hints(tab: str) -> dict[str, str]:
    """Element id -> the line shown on hover, of the buttons."""
    return {own_id(tab, name): "Take all there are" for name in FILLS.values()}
