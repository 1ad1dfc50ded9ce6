"""The txt2img tab: how it is laid out. txt2img_events.py wires it."""

from __future__ import annotations

import json
from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

import gradio as gr
from gradio.blocks import Block
from gradio.components import Component

from webui.catalog.catalog import Catalog
from webui.catalog.entry import ModelFile
from webui.params import GenerationParams
from webui.prompting.styles_store import StyleStore
from webui.scripts.axes import find_axis
from webui.ui.components.axes import Choices
from webui.ui.components.chips import Chips, about
from webui.ui.components.controls import Controls, Maker, tool
from webui.ui.components.remarks import remarks
from webui.ui.components.seed import build_seed
from webui.ui.components.stage import stage
from webui.ui.components.styles_editor import styles_editor
from webui.ui.components.token_count import TokenCounts, token_counter, wire_counters
from webui.ui.components.toolbar import Toolbar, build_toolbar, style_names
from webui.ui.following import (
    CHANGING,
    can_use,
    followed,
    refiner_choices,
    restored,
    samples,
    starting_params,
)
from webui.ui.quicksettings import Quicksettings
from webui.ui.script_controls import ScriptControls
from webui.ui.sections import EXTRA, SECTIONS, build_sections

TAB = "txt2img"
ALL = tuple(GenerationParams.model_fields)
DEFAULTS = {name: field.default for name, field in GenerationParams.model_fields.items()}


@dataclass(frozen=True)
class Buttons:
    """What is pressed to draw and to stop."""

    generate: gr.Button
    interrupt: gr.Button
    skip: gr.Button


@dataclass(frozen=True)
class Txt2Img:
    """The tab's parts that others fill: its controls by field, the pickers on top among them."""

    controls: Controls
    sections: list[gr.Accordion]
    extra: gr.Checkbox
    script: ScriptControls
    toolbar: Toolbar
    buttons: Buttons
    chips: Chips
    examples: gr.Dataset

    @property
    def followers(self) -> list[Block]:
        """What `chosen` updates, in its order."""
        return [*(self.controls[field] for field in CHANGING), *self._beside, self.extra]

    def chosen(self, catalog: Catalog, model: ModelFile | None, refiner: str | None) -> list[Any]:
        """Updates of `followers` for a checkpoint that has just been chosen; `refiner` was so far."""
        extra = gr.update(visible=can_use(model, "subseed"))
        return [*followed(catalog, model, refiner), *self._about(model), extra]

    @property
    def outputs(self) -> list[Block]:
        """What `shown` updates, in its order."""
        return [*self.controls.values(), *self.script.outputs, *self._beside, self.extra]

    def shown(
        self,
        catalog: Catalog,
        params: GenerationParams,
        model: ModelFile | None,
        only: Collection[str] = ALL,
    ) -> list[Any]:
        """Updates of `outputs` that bring the fields `only` of `params` back."""
        varied = any(getattr(params, field) != DEFAULTS[field] for field in EXTRA)
        extra: dict[str, Any] = {"value": varied} if "subseed_strength" in only else {}
        return [
            *restored(catalog, self.controls, params, model, only),
            *(self.script.shown(params.script) if "script" in only else self.script.left),
            *self._about(model),
            gr.update(visible=can_use(model, "subseed"), **extra),
        ]

    @property
    def restorable(self) -> list[Component]:
        """The controls whose values `opening` tells, in its order."""
        return [*self.controls.values(), self.extra]

    def opening(
        self, catalog: Catalog, params: GenerationParams, model: ModelFile | None
    ) -> tuple[str, list[Any]]:
        """What a page shows that has just been opened: `params`, but for what was set by hand meanwhile.

        The values of `restorable` come as JSON for static/opening.js, which knows at the last moment what the
        controls hold; updates of `outputs` tell all else.
        """
        fields = ALL if params.script else [field for field in ALL if field != "script"]
        updates = self.shown(catalog, params, model, fields)
        shown = [update.pop("value") for update in (*updates[: len(self.controls)], updates[-1])]
        opened = [control.value for control in self.restorable]  # pyright: ignore[reportAttributeAccessIssue]
        return json.dumps({"opened": opened, "shown": shown}), updates

    @property
    def _beside(self) -> list[Block]:
        return [*self.sections, self.chips.about, self.examples]

    def _about(self, model: ModelFile | None) -> list[Any]:
        """Updates of `_beside`: sections without anything that the model can use aren't shown."""
        useful = (any(can_use(model, field) for field in section.fields) for section in SECTIONS)
        return [
            *(gr.update(visible=any_use) for any_use in useful),
            about(model),
            gr.Dataset(**samples(model)),
        ]


def build_txt2img(catalog: Catalog, styles: StyleStore, counts: TokenCounts, quick: Quicksettings) -> Txt2Img:
    """Lay the tab out."""
    make = Maker(TAB, starting_params(model := catalog.default()))
    with gr.Row(elem_classes="dr-head"):
        with gr.Column(elem_classes="dr-prompts"):
            prompts, counters = _prompts(make, counts)
            remarks(TAB)
        with gr.Column(elem_classes="dr-actions"):
            buttons = _buttons()
            toolbar = build_toolbar(make, style_names(styles))
    examples = _examples(prompts["prompt"], model)
    with gr.Row(elem_classes="dr-body"):
        with gr.Column(elem_classes="dr-controls", min_width=320):
            controls = _sampling_and_size(make)
            seeds, extra = build_seed(make, extra=False)
            tucked_away, sections = build_sections(make, refiner_choices(catalog, model))
            script = ScriptControls(TAB, _choices(catalog, styles))
        with gr.Column(elem_classes="dr-picture", min_width=320):
            stage(TAB)
    styles_editor(TAB)
    apart = {"styles": toolbar.styles, "checkpoint": quick.checkpoint, "vae": quick.vae}
    controls |= prompts | seeds | tucked_away | apart
    wire_counters(counts, counters, controls)
    chips = Chips(TAB, controls, model)
    return Txt2Img(controls, sections, extra, script, toolbar, buttons, chips, examples)


def _choices(catalog: Catalog, styles: StyleStore) -> Choices:
    def choices(axis: str) -> list[str]:
        return find_axis(axis).choices(catalog, style_names(styles))

    return choices


def _buttons() -> Buttons:
    generate = gr.Button("Generate", variant="primary", size="lg", elem_id=f"{TAB}_generate")
    with gr.Row(elem_classes="dr-stop"):
        interrupt = gr.Button("Interrupt", elem_id=f"{TAB}_interrupt")
        skip = gr.Button("Skip", elem_id=f"{TAB}_skip")
    return Buttons(generate, interrupt, skip)


def _examples(prompt: Component, model: ModelFile | None) -> gr.Dataset:
    return gr.Dataset(components=[prompt], type="values", elem_id=f"{TAB}_examples", **samples(model))


def _prompts(make: Maker, counts: TokenCounts) -> tuple[Controls, list[gr.HTML]]:
    """Both prompts' boxes, and their counters."""
    prompts: Controls = {}
    counters: list[gr.HTML] = []
    placeholders = {"prompt": "What to draw", "negative_prompt": "What to steer away from"}
    for field, placeholder in placeholders.items():
        with gr.Group(elem_classes="dr-prompt"):
            prompts[field] = box = make.prompt(field, placeholder)
            counters.append(token_counter(counts, box, make.element_id(field)))
    return prompts, counters


def _sampling_and_size(make: Maker) -> Controls:
    controls: Controls = {}
    with gr.Group(elem_classes="dr-group"):
        with gr.Row():
            controls["sampler_name"] = make.sampler()
            controls["scheduler"] = make.schedule()
        controls["steps"] = make.control("steps")
    with gr.Group(elem_classes="dr-group"), gr.Row(equal_height=True):
        with gr.Column(min_width=200, scale=4):
            controls["width"] = make.control("width")
            controls["height"] = make.control("height")
        swap = tool("swap", f"{TAB}_res_switch_btn")
        with gr.Column(min_width=160, scale=3):
            controls["n_iter"] = make.control("n_iter")
            controls["batch_size"] = make.control("batch_size")
    with gr.Group(elem_classes="dr-group"):
        controls["cfg_scale"] = make.control("cfg_scale")
    sides = [controls["width"], controls["height"]]
    swap.click(None, sides, sides, js="(width, height) => [height, width]", api_visibility="private")
    return controls
