"""The scripts: which one, its own controls, and how many pictures it would make."""

from __future__ import annotations

import html
from collections.abc import Mapping
from typing import Any

import gradio as gr
from gradio.blocks import Block
from gradio.components import Component
from pydantic import ValidationError

from webui.catalog.catalog import Catalog
from webui.catalog.upscalers import upscaler_names
from webui.params import GenerationParams, InvalidParamsError
from webui.params.scripts import PromptMatrix, Script, XYZPlot
from webui.scripts.planning import plan
from webui.ui.components.axes import NAME, Axes, Choices
from webui.ui.components.controls import AT_ONCE, LATEST, Controls, unchecked
from webui.ui.components.fields import element_id
from webui.ui.components.pause import after_pause
from webui.ui.components.script_fields import PICKED, script_controls, script_id
from webui.ui.submission import given, sentence
from webui.ui.tabs import TabKind

NO_SCRIPT = "None"
ROWS: dict[str, tuple[tuple[str, ...], ...]] = {
    "Loopback": (("loops",), ("final_denoising_strength",), ("denoising_curve",)),
    "Prompt matrix": (
        ("put_at_start", "different_seeds"),
        ("prompt_type", "variations_delimiter"),
        ("margin_size",),
    ),
    "Prompts from file or textbox": (("iterate_seed", "same_seed"), ("insert_at",), ("prompts",)),
    "SD upscale": (("overlap",), ("scale_factor", "upscaler")),
    "X/Y/Z plot": (
        ("draw_legend", "no_fixed_seeds"),
        ("vary_seeds_x", "vary_seeds_y", "vary_seeds_z"),
        ("include_lone_images", "include_sub_grids"),
        ("margin_size",),
    ),
}
"""The fields of each script, as they stand in rows; the axes of an X/Y/Z plot stand above."""
HELP = {
    "Loopback": "Each picture starts from the one before; the denoising strength goes towards the final one.",
    "SD upscale": "Enlarges the picture and draws over it in tiles of the width and height above.",
    "Prompt matrix": "Parts of the prompt, separated by |: the first is in all pictures, the others in turn.",
    "Prompts from file or textbox": "A line for each picture: a prompt, or options like --prompt, --steps.",
    "X/Y/Z plot": "Values separated by commas; numbers also as 1-5, 1-5 (+2) or 1-10 [5].",
}
COUNTED_ON = ("prompt", "negative_prompt", "n_iter", "batch_size")
"""The other fields on which it depends how many pictures there will be."""
STANDING_IN = ("picture",)
"""For the pictures of the canvas, while the others are counted."""


def count(params: GenerationParams) -> int:
    """How many pictures params with a script make.

    Raises:
        InvalidParamsError: it can't be done; the text says why.
    """
    planned = plan(params, seed=0)
    if isinstance(params.script, PromptMatrix):  # each combination is drawn once
        return planned.count
    if isinstance(params.script, XYZPlot):  # too many, perhaps, to look at each
        return planned.count * params.n_iter * params.batch_size
    return sum(cell.pictures for cell in planned.cells())


class ScriptControls:
    """The picker, a group for each script, and the line that tells how many pictures."""

    def __init__(self, kind: TabKind, choices: Choices, catalog: Catalog) -> None:
        self._kind = kind
        self._catalog = catalog
        tab = kind.name
        self._line_id = f"{tab}_script_count"
        self._groups: dict[str, gr.Column] = {}
        self._fields: dict[str, Controls] = {}
        with gr.Group(elem_classes="dr-group dr-scripts"):
            names, element = [NO_SCRIPT, *kind.scripts], element_id(tab, "script")
            self._picker = unchecked(gr.Dropdown(names, value=NO_SCRIPT, label="Script", elem_id=element))
            for name in kind.scripts:
                with gr.Column(
                    visible=False, elem_id=script_id(tab, name), elem_classes="dr-script"
                ) as group:
                    self._lay_out(tab, name, choices)
                self._groups[name] = group
            for picker in self.pickers:
                picker.choices = [(upscaler, upscaler) for upscaler in upscaler_names(catalog)]
            self._line = gr.HTML(
                visible=False,
                elem_id=self._line_id,
                elem_classes="dr-script-count",
                js_on_load=None,
                apply_default_css=False,
            )

    def _lay_out(self, tab: str, name: str, choices: Choices) -> None:
        gr.HTML(f'<p class="dr-hint">{html.escape(HELP[name])}</p>', js_on_load=None, apply_default_css=False)
        if name == NAME:
            self._axes = Axes(tab, choices)
        self._fields[name] = script_controls(tab, name, ROWS[name])
        if prompts := self._fields[name].get("prompts"):
            pick = gr.Button("Read a text file", size="sm", elem_id=script_id(tab, name, "file"))
            pick.click(None, prompts, prompts, js=f"(text) => darkroom.pickText('{tab}', text)", **AT_ONCE)

    @property
    def pickers(self) -> list[gr.Dropdown]:
        """What `offered` updates, in its order."""
        found = [fields[field] for fields in self._fields.values() for field in PICKED if field in fields]
        return [picker for picker in found if isinstance(picker, gr.Dropdown)]

    def offered(self) -> list[Any]:
        """Updates of `pickers` that offer what is there now."""
        return [gr.update(choices=upscaler_names(self._catalog)) for _ in self.pickers]

    @property
    def _own(self) -> list[Component]:
        return [control for fields in self._fields.values() for control in fields.values()]

    @property
    def inputs(self) -> list[Component]:
        """What `wish` reads."""
        return [self._picker, *self._axes.inputs, *self._own]

    @property
    def outputs(self) -> list[Block]:
        """What `shown` updates, in its order."""
        return [self._picker, *self._groups.values(), *self._axes.outputs, *self._own, self._line]

    def wish(self, held: Mapping[Any, Any]) -> dict[str, Any] | None:
        """The script that the controls describe, for GenerationParams; `held` are values by control."""
        name = held[self._picker]
        if name not in self._kind.scripts:
            return None
        fields = {field: held[control] for field, control in self._fields[name].items()}
        return {"name": name, **fields, **(self._axes.wish(held) if name == NAME else {})}

    def shown(self, script: Script | None) -> list[Any]:
        """Updates of `outputs` that bring `script` back; the other scripts' controls stay as they are."""
        name = script.name if script and script.name in self._kind.scripts else NO_SCRIPT
        axes = (
            self._axes.shown(script) if isinstance(script, XYZPlot) else [gr.skip()] * len(self._axes.outputs)
        )
        own = [
            getattr(script, field) if known == name else gr.skip()
            for known, fields in self._fields.items()
            for field in fields
        ]
        return [name, *self._visible(name), *axes, *own, gr.update(visible=name != NO_SCRIPT)]

    @property
    def left(self) -> list[Any]:
        """Updates of `outputs` that change nothing."""
        return [gr.skip()] * len(self.outputs)

    def _visible(self, name: str) -> list[Any]:
        return [gr.update(visible=known == name) for known in self._groups]

    def wire(self, controls: Controls) -> None:
        """Show the chosen script's group, and keep the count true; `controls` are the tab's other fields."""

        def chosen(name: str) -> list[Any]:
            return [*self._visible(name), gr.update(visible=name != NO_SCRIPT)]

        groups = [*self._groups.values(), self._line]
        picked = self._picker.change(chosen, self._picker, groups, **LATEST)
        others = {field: controls[field] for field in COUNTED_ON}

        def told(held: dict[Any, Any]) -> Any:  # noqa: ANN401
            script = self.wish(held)
            if script is None:
                return gr.skip()
            fields = {field: held[control] for field, control in others.items()}
            return f"<p>{html.escape(self._told({**fields, 'script': script}))}</p>"

        read = {*self.inputs, *others.values()}
        telling: dict[str, Any] = {"fn": told, "inputs": read, "outputs": self._line, **AT_ONCE, **LATEST}
        # static/touched.js hears of the other fields: each that gradio watches slows the page's start.
        after_pause([*self._axes.inputs, *others.values()], self._line_id)(**telling)
        picked.then(**telling)

    def _told(self, fields: dict[str, Any]) -> str:
        try:
            pictures = {"init_images": STANDING_IN} if self._kind.canvas else {}
            made = count(GenerationParams.model_validate({**given(fields), **pictures}))
        except ValidationError as error:
            return sentence(error.errors()[0])
        except InvalidParamsError as error:
            return str(error)
        return f"{made:,} {'picture' if made == 1 else 'pictures'}"
