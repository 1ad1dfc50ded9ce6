"""The txt2img tab."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import gradio as gr
from gradio.components import Component

from webui.catalog.checkpoints import Catalog, Checkpoint
from webui.guard import owner_of
from webui.jobs.service import Jobs
from webui.params import GenerationParams
from webui.ui.components.controls import Controls, Maker, tool
from webui.ui.components.stage import stage
from webui.ui.components.token_count import TokenCounts, token_counter
from webui.ui.submission import submit

TAB = "txt2img"
FOLLOWS_CHECKPOINT = ("width", "height", "steps", "cfg_scale", "sampler_name", "scheduler")


@dataclass(frozen=True)
class Txt2Img:
    """The tab's parts that others fill: its controls by field, the checkpoint picker among them."""

    controls: Controls
    examples: gr.Dataset


def build_txt2img(catalog: Catalog, jobs: Jobs, counts: TokenCounts, checkpoint: gr.Dropdown) -> Txt2Img:
    """Lay the tab out and wire it."""
    model = catalog.default()
    make = Maker(TAB, starting_params(model))
    with gr.Row(elem_classes="dr-head"):
        with gr.Column(elem_classes="dr-prompts"):
            prompts = _prompts(make, counts, checkpoint)
        with gr.Column(elem_classes="dr-actions"):
            generate = gr.Button("Generate", variant="primary", size="lg", elem_id=f"{TAB}_generate")
            with gr.Row(elem_classes="dr-stop"):
                interrupt = gr.Button("Interrupt", elem_id=f"{TAB}_interrupt")
                skip = gr.Button("Skip", elem_id=f"{TAB}_skip")
    examples = _examples(prompts["prompt"], model)
    with gr.Row(elem_classes="dr-body"):
        with gr.Column(elem_classes="dr-controls", min_width=320):
            controls: Controls = {**prompts, **_settings(make), "checkpoint": checkpoint}
        with gr.Column(elem_classes="dr-picture", min_width=320):
            stage(TAB)
    ticket = gr.Textbox(visible="hidden", elem_id=f"{TAB}_ticket", show_label=False)
    _wire_generate(jobs, generate, controls, ticket)
    interrupt.click(None, js=f"() => darkroom.interrupt('{TAB}')", api_visibility="private")
    skip.click(None, js=f"() => darkroom.skip('{TAB}')", api_visibility="private")
    examples.click(_first, examples, prompts["prompt"], api_visibility="private", queue=False)
    _wire_checkpoint(catalog, checkpoint, controls, examples)
    return Txt2Img(controls, examples)


def samples(model: Checkpoint | None) -> dict[str, Any]:
    """What the row of examples shows for a checkpoint."""
    texts = model.examples if model else ()
    return {"samples": [[text] for text in texts], "visible": bool(texts)}


def _examples(prompt: Component, model: Checkpoint | None) -> gr.Dataset:
    return gr.Dataset(components=[prompt], type="values", elem_id=f"{TAB}_examples", **samples(model))


def starting_params(model: Checkpoint | None) -> GenerationParams:
    """What the page opens with: the checkpoint's own settings and the first of its examples."""
    if model is None:
        return GenerationParams()
    prompt = model.examples[0] if model.examples else ""
    return GenerationParams(prompt=prompt, checkpoint=model.name).completed(model.defaults)


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


def _settings(make: Maker) -> Controls:
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
    with gr.Group(elem_classes="dr-group"), gr.Row(equal_height=True, elem_classes="dr-seed"):
        controls["seed"] = make.seed()
        random = tool("dice", f"{TAB}_random_seed")
        reuse = tool("recycle", f"{TAB}_reuse_seed")
    sides = [controls["width"], controls["height"]]
    swap.click(None, sides, sides, js="(width, height) => [height, width]", api_visibility="private")
    random.click(None, None, controls["seed"], js="() => -1", api_visibility="private")
    keep_or_take = f"(seed) => darkroom.shownSeed('{TAB}') ?? seed"
    reuse.click(None, controls["seed"], controls["seed"], js=keep_or_take, api_visibility="private")
    return controls


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


def _wire_checkpoint(
    catalog: Catalog, checkpoint: gr.Dropdown, controls: Controls, examples: gr.Dataset
) -> None:
    followers = [controls[field] for field in FOLLOWS_CHECKPOINT]

    def follow(name: str) -> list[Any]:
        model = catalog.get(name)
        if model and model.problem:
            gr.Warning(model.problem)
        defaults = starting_params(model)
        values = [getattr(defaults, field) for field in FOLLOWS_CHECKPOINT]
        return [*values, gr.Dataset(**samples(model))]

    # `select` and not `change`: settings that the page restores are not to be overwritten.
    checkpoint.select(
        follow, checkpoint, [*followers, examples], show_progress="hidden", api_visibility="private"
    )
