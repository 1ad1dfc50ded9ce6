"""What happens to the prompts of a tab: examples, clearing, styles."""

from __future__ import annotations

import json

import gradio as gr
from gradio.components import Component

from webui.params import InvalidParamsError
from webui.prompting.styles_store import StyleStore
from webui.ui.components.controls import AT_ONCE, LATEST
from webui.ui.components.toolbar import style_names
from webui.ui.picture_tab import PictureTab


def wire_prompts(tab: PictureTab, styles: StyleStore) -> None:
    """Wire everything."""

    def first(sample: list[str]) -> str:
        return sample[0]

    tab.examples.click(first, tab.examples, tab.controls["prompt"], **{**AT_ONCE, **LATEST})
    toolbar, prompts = tab.toolbar, [tab.controls["prompt"], tab.controls["negative_prompt"]]
    clear = f"(...prompts) => darkroom.cleared('{tab.name}', prompts)"
    toolbar.clear.click(None, prompts, prompts, js=clear, **AT_ONCE)
    _wire_styles(tab, styles, prompts)
    edit = f"(...prompts) => darkroom.editStyles('{tab.name}', prompts)"
    toolbar.edit.click(None, prompts, js=edit, **AT_ONCE)


def with_styles(styles: StyleStore, prompt: str, negative: str, names: list[str] | None) -> str:
    """For static/opening.js: both prompts `before` and `after` the styles are put in, or why not."""
    if not names:
        return "{}"
    try:
        return json.dumps({"before": [prompt, negative], "after": styles.apply(names, prompt, negative)})
    except InvalidParamsError as error:
        return json.dumps({"said": str(error)})


def _wire_styles(tab: PictureTab, styles: StyleStore, prompts: list[Component]) -> None:
    def put_in(prompt: str, negative: str, names: list[str] | None) -> str:
        return with_styles(styles, prompt, negative, names)

    def listed(chosen: list[str] | None) -> gr.Dropdown:
        names = style_names(styles)
        return gr.Dropdown(choices=names, value=[name for name in chosen or [] if name in names])

    told, changed = gr.Textbox(visible="hidden", show_label=False), [*prompts, tab.toolbar.styles]
    applied = tab.toolbar.apply.click(put_in, changed, told, **LATEST)
    js = f"(told, ...held) => darkroom.styled('{tab.name}', told, held)"
    applied.then(None, [told, *changed], changed, js=js, **AT_ONCE)
    tab.toolbar.refresh.click(listed, tab.toolbar.styles, tab.toolbar.styles, **LATEST)
