"""The txt2img tab."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import gradio as gr
from gradio.blocks import Block
from gradio.components import Component

from webui.catalog.catalog import Catalog
from webui.catalog.entry import ModelFile
from webui.guard import owner_of
from webui.jobs.service import Jobs
from webui.params import GenerationParams
from webui.ui.components.controls import Controls, Maker, tool
from webui.ui.components.stage import stage
from webui.ui.components.token_count import TokenCounts, token_counter
from webui.ui.following import CHANGING, can_use, followed, restored, samples, starting_params
from webui.ui.quicksettings import Quicksettings, checkpoint_choices
from webui.ui.submission import submit

TAB = "txt2img"


@dataclass(frozen=True)
class Txt2Img:
    """The tab's parts that others fill: its controls by field, the pickers on top among them."""

    controls: Controls
    advanced: gr.Accordion
    examples: gr.Dataset

    @property
    def followers(self) -> list[Block]:
        """What `chosen` updates, in its order."""
        return [*(self.controls[field] for field in CHANGING), self.advanced, self.examples]

    def chosen(self, catalog: Catalog, model: ModelFile | None) -> list[Any]:
        """Updates of `followers` for a checkpoint that has just been chosen."""
        return [*followed(catalog, model), *self._beside(model)]

    @property
    def outputs(self) -> list[Block]:
        """What `shown` updates, in its order."""
        return [*self.controls.values(), self.advanced, self.examples]

    def shown(self, catalog: Catalog, params: GenerationParams, model: ModelFile | None) -> list[Any]:
        """Updates of `outputs` that bring `params` back."""
        return [*restored(catalog, self.controls, params, model), *self._beside(model)]

    def _beside(self, model: ModelFile | None) -> list[Any]:
        return [gr.update(visible=can_use(model, "clip_skip")), gr.Dataset(**samples(model))]


def build_txt2img(catalog: Catalog, jobs: Jobs, counts: TokenCounts, quick: Quicksettings) -> Txt2Img:
    """Lay the tab out and wire it."""
    model = catalog.default()
    make = Maker(TAB, starting_params(model))
    with gr.Row(elem_classes="dr-head"):
        with gr.Column(elem_classes="dr-prompts"):
            prompts = _prompts(make, counts, quick.checkpoint)
        with gr.Column(elem_classes="dr-actions"):
            generate = gr.Button("Generate", variant="primary", size="lg", elem_id=f"{TAB}_generate")
            with gr.Row(elem_classes="dr-stop"):
                interrupt = gr.Button("Interrupt", elem_id=f"{TAB}_interrupt")
                skip = gr.Button("Skip", elem_id=f"{TAB}_skip")
    examples = _examples(prompts["prompt"], model)
    with gr.Row(elem_classes="dr-body"):
        with gr.Column(elem_classes="dr-controls", min_width=320):
            settings, advanced = _settings(make)
        with gr.Column(elem_classes="dr-picture", min_width=320):
            stage(TAB)
    controls: Controls = {**prompts, **settings, "checkpoint": quick.checkpoint, "vae": quick.vae}
    tab = Txt2Img(controls, advanced, examples)
    ticket = gr.Textbox(visible="hidden", elem_id=f"{TAB}_ticket", show_label=False)
    _wire_generate(jobs, generate, controls, ticket)
    interrupt.click(None, js=f"() => darkroom.interrupt('{TAB}')", api_visibility="private")
    skip.click(None, js=f"() => darkroom.skip('{TAB}')", api_visibility="private")
    examples.click(_first, examples, prompts["prompt"], api_visibility="private", queue=False)
    _wire_checkpoint(catalog, quick.checkpoint, tab)
    return tab


def _examples(prompt: Component, model: ModelFile | None) -> gr.Dataset:
    return gr.Dataset(components=[prompt], type="values", elem_id=f"{TAB}_examples", **samples(model))


def _first(sample: list[str]) -> str:
    return sample[0]


def _prompts(make: Maker, counts: TokenCounts, checkpoint: gr.Dropdown) -> Controls:
    prompts: Controls = {}
    placeholders = {"prompt": "What to draw", "negative_prompt": "What to steer away from"}
    for field, placeholder in placeholders.items():
        with gr.Group(elem_classes="dr-prompt"):
            prompts[field] = box = make.prompt(field, placeholder)
            token_counter(counts, box, checkpoint, make.element_id(field))
    return prompts


def _settings(make: Maker) -> tuple[Controls, gr.Accordion]:
    controls: Controls = {}
    with gr.Group(elem_classes="dr-group"):
        with gr.Row():
            controls["sampler_name"] = make.sampler()
            controls["scheduler"] = make.schedule()
        controls["steps"] = make.slider("steps", 1, 150, 1)
    with gr.Group(elem_classes="dr-group"), gr.Row(equal_height=True):
        with gr.Column(min_width=200, scale=4):
            controls["width"] = make.slider("width", 64, 2048, 8)
            controls["height"] = make.slider("height", 64, 2048, 8)
        swap = tool("swap", f"{TAB}_res_switch_btn")
        with gr.Column(min_width=160, scale=3):
            controls["n_iter"] = make.slider("n_iter", 1, 100, 1)
            controls["batch_size"] = make.slider("batch_size", 1, 8, 1)
    with gr.Group(elem_classes="dr-group"):
        controls["cfg_scale"] = make.slider("cfg_scale", 1, 30, 0.5)
    with gr.Accordion("Advanced", open=False, elem_id=f"{TAB}_advanced", elem_classes="dr-group") as advanced:
        controls["clip_skip"] = make.slider("clip_skip", 1, 12, 1)
        controls["step_cache"] = make.slider("step_cache", 1, 5, 1)
    with gr.Group(elem_classes="dr-group"), gr.Row(equal_height=True, elem_classes="dr-seed"):
        controls["seed"] = make.seed()
        random = tool("dice", f"{TAB}_random_seed")
        reuse = tool("recycle", f"{TAB}_reuse_seed")
    sides = [controls["width"], controls["height"]]
    swap.click(None, sides, sides, js="(width, height) => [height, width]", api_visibility="private")
    random.click(None, None, controls["seed"], js="() => -1", api_visibility="private")
    keep_or_take = f"(seed) => darkroom.shownSeed('{TAB}') ?? seed"
    reuse.click(None, controls["seed"], controls["seed"], js=keep_or_take, api_visibility="private")
    return controls, advanced


def _wire_generate(jobs: Jobs, generate: gr.Button, controls: Controls, ticket: gr.Textbox) -> None:
    fields = {control: field for field, control in controls.items()}

    def order(values: dict[Any, Any], request: gr.Request) -> str:
        given = {fields[control]: value for control, value in values.items()}
        return submit(jobs, owner_behind(request), given)

    generate.click(
        order,
        set(controls.values()),
        ticket,
        show_progress="hidden",
        trigger_mode="multiple",
        concurrency_limit=None,
        api_visibility="private",
    ).then(None, ticket, js=f"(ticket) => darkroom.submitted('{TAB}', ticket)", api_visibility="private")


def owner_behind(event: gr.Request) -> str:
    """The owner's name, from the request behind a gradio event."""
    assert event.request is not None
    return owner_of(event.request)


def _wire_checkpoint(catalog: Catalog, checkpoint: gr.Dropdown, tab: Txt2Img) -> None:
    def follow(name: str) -> list[Any]:
        model = catalog.get(name)
        if model and model.problem:
            gr.Warning(model.problem)
        return tab.chosen(catalog, model)

    # `select` and not `change`: settings that the page restores are not to be overwritten.
    checkpoint.select(follow, checkpoint, tab.followers, show_progress="hidden", api_visibility="private")

    def use(name: str) -> list[Any]:
        return [gr.Dropdown(choices=checkpoint_choices(catalog), value=name), *follow(name)]

    # The Models tab presses this button; the script says which checkpoint was meant.
    wanted = gr.Textbox(visible="hidden", show_label=False)
    button = gr.Button(visible="hidden", elem_id="use_model")
    button.click(
        use,
        wanted,
        [checkpoint, *tab.followers],
        js="() => darkroom.wanted",
        show_progress="hidden",
        api_visibility="private",
    )
