"""Laying a tab that draws out: prompts and Generate above, canvas and controls left, the picture right."""

from __future__ import annotations

import gradio as gr
from gradio.components import Component

from webui.catalog.catalog import Catalog
from webui.catalog.entry import ModelFile
from webui.prompting.styles_store import StyleStore
from webui.scripts.axes import find_axis
from webui.ui.components.accordions import Laid, build_accordions
from webui.ui.components.axes import Choices
from webui.ui.components.canvas import canvas
from webui.ui.components.chips import Chips
from webui.ui.components.controls import Controls, Maker
from webui.ui.components.masking import build_masking, build_outpainting
from webui.ui.components.remarks import remarks
from webui.ui.components.seed import build_seed
from webui.ui.components.size import build_resizing, build_size
from webui.ui.components.stage import stage
from webui.ui.components.steering import control_units, regions
from webui.ui.components.styles_editor import styles_editor
from webui.ui.components.switches import Switch
from webui.ui.components.token_count import TokenCounts, token_counter, wire_counters
from webui.ui.components.toolbar import build_toolbar, style_names
from webui.ui.following import can_use, pickers, samples, starting_params
from webui.ui.picture_tab import Buttons, PictureTab
from webui.ui.quicksettings import Quicksettings
from webui.ui.script_controls import ScriptControls
from webui.ui.sections import Section
from webui.ui.tabs import TabKind

UNABLE = """
<p class="dr-unable" role="status">The checkpoint can't {what}.
Choose one of Stable Diffusion 1, 2 or XL.</p>
"""


def build_picture_tab(
    kind: TabKind, catalog: Catalog, styles: StyleStore, counts: TokenCounts, quick: Quicksettings
) -> PictureTab:
    """Lay the tab out."""
    model = catalog.default()
    make = Maker(kind.name, starting_params(model, kind.opens))
    with gr.Row(elem_classes="dr-head"):
        with gr.Column(elem_classes="dr-prompts"):
            prompts, counters = _prompts(make, counts)
            remarks(kind.name)
        with gr.Column(elem_classes="dr-actions"):
            buttons = _buttons(kind.name)
            toolbar = build_toolbar(make, style_names(styles))
    examples = _examples(make, prompts["prompt"], model)
    note = _html(f"{kind.name}_size", "dr-size-note", render=False)
    with gr.Row(elem_classes=["dr-body", *(["dr-with-canvas"] if kind.canvas else [])]):
        unable = _canvas(kind, model, note)
        with gr.Column(elem_classes="dr-controls", min_width=320):
            if kind.steered:
                control_units(kind)
            controls, switches = _in_sight(kind, make)
            tucked_away, sections = _accordions(kind, make, catalog, note)
            if not kind.steered:
                control_units(kind)
            regions(kind)
            script = ScriptControls(kind, _choices(catalog, styles), catalog)
        with gr.Column(elem_classes="dr-picture", min_width=320):
            stage(kind)
    styles_editor(kind.name)
    apart = {"styles": toolbar.styles, "checkpoint": quick.checkpoint, "vae": quick.vae}
    controls |= prompts | tucked_away | apart
    wire_counters(counts, counters, controls)
    chips = Chips(kind, controls, model)
    return PictureTab(
        kind, controls, switches, sections, script, toolbar, buttons, chips, examples, note, unable
    )


def _canvas(kind: TabKind, model: ModelFile | None, note: gr.HTML) -> gr.HTML:
    """The canvas with what stands below it; gives back the notice that it is of no use."""
    if not kind.canvas:
        return _html(f"{kind.name}_unable", "dr-unable-box", visible=False)
    with gr.Column(elem_classes="dr-canvas-column", min_width=320):
        what = "be steered by pictures" if kind.steered else "start from pictures"
        useless = not can_use(model, kind.crucial)
        unable = _html(f"{kind.name}_unable", "dr-unable-box", UNABLE.format(what=what), useless)
        canvas(kind.name)
        with gr.Row(elem_classes="dr-canvas-below"):
            if kind.starts:
                note.render()
            gr.Checkbox(False, label="Live", elem_id=f"{kind.name}_live", container=False, scale=0)
    return unable


def _html(
    element: str, classes: str, text: str = "", visible: bool = True, *, render: bool = True
) -> gr.HTML:
    return gr.HTML(
        text,
        elem_id=element,
        elem_classes=classes,
        visible=visible,
        render=render,
        js_on_load=None,
        apply_default_css=False,
    )


def _in_sight(kind: TabKind, make: Maker) -> tuple[Controls, tuple[Switch, ...]]:
    """The controls that no accordion hides, the prompts aside."""
    controls = build_outpainting(make) if kind.masks else {}
    if kind.masks:
        controls |= build_masking(make)
    controls |= _sampling(make)
    resizing: tuple[Switch, ...] = ()
    if kind.starts:
        size, ways = build_resizing(make)
        controls, resizing = controls | size, (ways,)
    else:
        controls |= build_size(make)
    controls |= _strengths(kind, make)
    seeds, extra = build_seed(make)
    return controls | seeds, (*resizing, extra)


def _sampling(make: Maker) -> Controls:
    controls: Controls = {}
    choices = pickers()
    with gr.Group(elem_classes="dr-group"):
        with gr.Row():
            for field in ("sampler_name", "scheduler"):
                controls[field] = make.picker(field, choices[field])
        controls["steps"] = make.control("steps")
    return controls


def _strengths(kind: TabKind, make: Maker) -> Controls:
    fields = ("denoising_strength", "cfg_scale", "image_cfg_scale") if kind.starts else ("cfg_scale",)
    with gr.Group(elem_classes="dr-group"):
        return {field: make.control(field) for field in fields}


def _accordions(
    kind: TabKind, make: Maker, catalog: Catalog, note: gr.HTML
) -> tuple[Controls, tuple[Laid, ...]]:
    def beside(section: Section) -> None:
        if section.tick == "enable_hr":
            note.render()

    controls, laid = build_accordions(make, kind.sections, pickers(catalog, catalog.default()), beside)
    return controls, tuple(laid)


def _choices(catalog: Catalog, styles: StyleStore) -> Choices:
    def choices(axis: str) -> list[str]:
        return find_axis(axis).choices(catalog, style_names(styles))

    return choices


def _buttons(tab: str) -> Buttons:
    generate = gr.Button("Generate", variant="primary", size="lg", elem_id=f"{tab}_generate")
    with gr.Row(elem_classes="dr-stop"):
        interrupt = gr.Button("Interrupt", elem_id=f"{tab}_interrupt")
        skip = gr.Button("Skip", elem_id=f"{tab}_skip")
    return Buttons(generate, interrupt, skip)


def _examples(make: Maker, prompt: Component, model: ModelFile | None) -> gr.Dataset:
    name = f"{make.tab}_examples"
    return gr.Dataset(components=[prompt], type="values", elem_id=name, **samples(model))


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
