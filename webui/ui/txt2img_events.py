"""What happens on the txt2img tab: Generate, another checkpoint, parameters that fill the form."""

from __future__ import annotations

import html
import json
from typing import Any

import gradio as gr
from gradio.components import Component

from webui.catalog.catalog import Catalog
from webui.catalog.entry import ModelFile
from webui.guard import owner_of
from webui.jobs.service import Jobs
from webui.params import InvalidParamsError
from webui.prompting.styles_store import StyleStore
from webui.ui.components.controls import AT_ONCE, HAPPENING, LATEST
from webui.ui.components.toolbar import style_names
from webui.ui.filling import Filler
from webui.ui.following import brought_inside, is_shown
from webui.ui.quicksettings import Quicksettings, checkpoint_choices
from webui.ui.sections import FOLLOWING_SAMPLER
from webui.ui.submission import submit
from webui.ui.txt2img import TAB, Txt2Img

STANDING = ("checkpoint", "sampler_name", "scheduler")
"""Fields on which it depends what else is shown."""


def wire(tab: Txt2Img, catalog: Catalog, jobs: Jobs, styles: StyleStore, quick: Quicksettings) -> None:
    """Wire everything."""
    _wire_generate(tab, jobs)
    _wire_checkpoint(tab, catalog, quick.checkpoint)
    _wire_samplers(tab, catalog)
    _wire_paste(tab, catalog, Filler(catalog, jobs, styles))
    _wire_prompts(tab, styles)
    tab.script.wire(tab.controls)


def owner_behind(event: gr.Request) -> str:
    """The owner's name, from the request behind a gradio event."""
    assert event.request is not None
    return owner_of(event.request)


def problem_of(model: ModelFile) -> str:
    """Why a checkpoint can't be used, as markup; not where it lies, which is the server's affair."""
    return html.escape((model.problem or "").replace(f" in {model.path}", ""))


def _wire_generate(tab: Txt2Img, jobs: Jobs) -> None:
    fields = {control: field for field, control in tab.controls.items()}

    def order(values: dict[Any, Any], request: gr.Request) -> str:
        held = {field: values[control] for control, field in fields.items()}
        wish = {**held, "script": tab.script.wish(values)}
        return submit(jobs, owner_behind(request), wish, extra=values[tab.extra])

    ticket = gr.Textbox(visible="hidden", elem_id=f"{TAB}_ticket", show_label=False)
    tab.buttons.generate.click(
        order,
        {*fields, tab.extra, *tab.script.inputs},
        ticket,
        trigger_mode="multiple",
        concurrency_limit=None,
        **HAPPENING,
    ).then(None, ticket, js=f"(ticket) => darkroom.submitted('{TAB}', ticket)", **AT_ONCE)
    tab.buttons.interrupt.click(None, js=f"() => darkroom.interrupt('{TAB}')", **AT_ONCE)
    tab.buttons.skip.click(None, js=f"() => darkroom.skip('{TAB}')", **AT_ONCE)


def _wire_checkpoint(tab: Txt2Img, catalog: Catalog, checkpoint: gr.Dropdown) -> None:
    def follow(name: str, refiner: str | None) -> list[Any]:
        model = catalog.get(name)
        if model and model.problem:
            gr.Warning(problem_of(model))
        return tab.chosen(catalog, model, refiner)

    refiner = tab.controls["refiner_checkpoint"]
    # `select` and not `change`: settings that the page restores are not to be overwritten.
    tab.chips.after(checkpoint.select(follow, [checkpoint, refiner], tab.followers, **LATEST))

    def use(name: str, refiner: str | None) -> list[Any]:
        return [gr.Dropdown(choices=checkpoint_choices(catalog), value=name), *follow(name, refiner)]

    # The Models tab presses this button; the script says which checkpoint was meant.
    wanted = gr.Textbox(visible="hidden", show_label=False)
    button = gr.Button(visible="hidden", elem_id="use_model")
    used = button.click(
        use,
        [wanted, refiner],
        [checkpoint, *tab.followers],
        js="(_, refiner) => [darkroom.wanted, refiner]",
        **LATEST,
    )
    tab.chips.after(used)


def _wire_samplers(tab: Txt2Img, catalog: Catalog) -> None:
    """Beta's and UniPC's numbers are shown for these alone."""
    controls = [tab.controls[field] for field in FOLLOWING_SAMPLER]

    def show(checkpoint: str, sampler: str, schedule: str) -> list[Any]:
        model = catalog.get(checkpoint)
        return [gr.update(visible=is_shown(field, model, sampler, schedule)) for field in FOLLOWING_SAMPLER]

    changed = [tab.controls[field].change for field in ("sampler_name", "scheduler")]  # pyright: ignore[reportAttributeAccessIssue]
    gr.on(changed, show, [tab.controls[field] for field in STANDING], controls, **AT_ONCE)


def _wire_paste(tab: Txt2Img, catalog: Catalog, filler: Filler) -> None:
    wish = gr.Textbox(visible="hidden", show_label=False)
    said = gr.Textbox(visible="hidden", show_label=False)
    standing = [tab.controls[field] for field in STANDING]

    def fill(
        wish: str, _: str, checkpoint: str, sampler: str, schedule: str, request: gr.Request
    ) -> list[Any]:
        now: dict[str, Any] = dict(zip(STANDING, (checkpoint or "", sampler, schedule), strict=True))
        filling = filler.filling(wish, owner_behind(request), now)
        model = catalog.get(filling.params.checkpoint)
        beyond = brought_inside(tab.controls, filling.params, filling.only)
        return [filling.told(beyond), *tab.shown(catalog, filling.params, model, filling.only)]

    filled = tab.toolbar.paste.click(
        fill,
        [wish, tab.controls["prompt"], *standing],
        [said, *tab.outputs],
        js=f"(_, prompt, ...held) => [darkroom.wish('{TAB}', prompt), prompt, ...held]",
        trigger_mode="multiple",
        **HAPPENING,
    )
    tab.chips.after(filled).then(None, said, js=f"(said) => darkroom.filled('{TAB}', said)", **AT_ONCE)


def _wire_prompts(tab: Txt2Img, styles: StyleStore) -> None:
    def first(sample: list[str]) -> str:
        return sample[0]

    tab.examples.click(first, tab.examples, tab.controls["prompt"], **{**AT_ONCE, **LATEST})
    toolbar, prompts = tab.toolbar, [tab.controls["prompt"], tab.controls["negative_prompt"]]
    toolbar.clear.click(
        None, prompts, prompts, js=f"(...prompts) => darkroom.cleared('{TAB}', prompts)", **AT_ONCE
    )

    _wire_styles(tab, styles, prompts)
    toolbar.edit.click(None, prompts, js=f"(...prompts) => darkroom.editStyles('{TAB}', prompts)", **AT_ONCE)


def with_styles(styles: StyleStore, prompt: str, negative: str, names: list[str] | None) -> str:
    """For static/opening.js: both prompts `before` and `after` the styles are put in, or why not."""
    if not names:
        return "{}"
    try:
        return json.dumps({"before": [prompt, negative], "after": styles.apply(names, prompt, negative)})
    except InvalidParamsError as error:
        return json.dumps({"said": str(error)})


def _wire_styles(tab: Txt2Img, styles: StyleStore, prompts: list[Component]) -> None:
    def put_in(prompt: str, negative: str, names: list[str] | None) -> str:
        return with_styles(styles, prompt, negative, names)

    def listed(chosen: list[str] | None) -> gr.Dropdown:
        names = style_names(styles)
        return gr.Dropdown(choices=names, value=[name for name in chosen or [] if name in names])

    told, changed = gr.Textbox(visible="hidden", show_label=False), [*prompts, tab.toolbar.styles]
    applied = tab.toolbar.apply.click(put_in, changed, told, **LATEST)
    js = f"(told, ...held) => darkroom.styled('{TAB}', told, held)"
    applied.then(None, [told, *changed], changed, js=js, **AT_ONCE)
    tab.toolbar.refresh.click(listed, tab.toolbar.styles, tab.toolbar.styles, **LATEST)
