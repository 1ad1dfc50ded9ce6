"""The page: quicksettings on top, tabs below; scripts and styles beside it."""

from __future__ import annotations

import html
import json
from pathlib import Path
from typing import Any

import gradio as gr
from gradio.components import Component

from webui import __version__
from webui.catalog.checkpoints import Catalog
from webui.config import Config
from webui.jobs.service import Jobs
from webui.params import GenerationParams
from webui.ui import txt2img
from webui.ui.components.controls import CHECKPOINT_ID, element_ids, hints, tool
from webui.ui.components.token_count import TokenCounts
from webui.ui.queue_tab import build_queue_tab
from webui.ui.theme import build_theme
from webui.ui.txt2img import Txt2Img

STATIC = Path(__file__).parent / "static"

BRAND = """
<div class="dr-brand"><span class="dr-lamp" aria-hidden="true"></span><h1>Darkroom</h1></div>
"""
STATUS = """
<div class="dr-engine" role="status" aria-live="polite" hidden></div>
<button type="button" class="dr-theme" aria-label="Light or dark" title="Light or dark"></button>
"""


def build_page(catalog: Catalog, jobs: Jobs) -> gr.Blocks:
    """Every tab, wired."""
    with gr.Blocks(
        title="Darkroom", analytics_enabled=False, fill_width=True, delete_cache=(3600, 86400)
    ) as page:
        with gr.Row(elem_id="quicksettings", elem_classes="dr-top"):
            gr.HTML(BRAND, js_on_load=None, apply_default_css=False, elem_classes="dr-top-start")
            checkpoint, refresh = _checkpoint_picker(catalog)
            gr.HTML(STATUS, js_on_load=None, apply_default_css=False, elem_classes="dr-top-end")
        with gr.Tabs(elem_id="tabs"):
            with gr.Tab("txt2img", id="txt2img", elem_id="tab_txt2img"):
                tab = txt2img.build_txt2img(catalog, jobs, TokenCounts(catalog), checkpoint)
            with gr.Tab("Queue", id="queue", elem_id="tab_queue"):
                build_queue_tab()
        _wire_refresh(catalog, checkpoint, refresh)
        _wire_restore(catalog, jobs, tab, page)
    return page


def _checkpoint_picker(catalog: Catalog) -> tuple[gr.Dropdown, gr.Button]:
    default = catalog.default()
    with gr.Row(elem_classes="dr-checkpoint", equal_height=True):
        picker = gr.Dropdown(
            _names(catalog),
            value=default.name if default else None,
            label="Stable Diffusion checkpoint",
            elem_id=CHECKPOINT_ID,
            scale=1,
        )
        return picker, tool("refresh", "refresh_sd_model_checkpoint")


def _names(catalog: Catalog) -> list[tuple[str, str]]:
    return [
        (f"{known.name} (unusable)" if known.problem else known.name, known.name)
        for known in catalog.checkpoints()
    ]


def _wire_refresh(catalog: Catalog, picker: gr.Dropdown, refresh: gr.Button) -> None:
    def read_again() -> gr.Dropdown:
        catalog.refresh()
        return gr.Dropdown(choices=_names(catalog))

    refresh.click(read_again, None, picker, show_progress="hidden", api_visibility="private")


def _wire_restore(catalog: Catalog, jobs: Jobs, tab: Txt2Img, page: gr.Blocks) -> None:
    """A page that is opened again shows the settings of its owner's last job."""

    def restore(request: gr.Request) -> list[Any]:
        catalog.refresh()
        last = jobs.listed(txt2img.owner_behind(request), limit=1)
        params = last[0].params if last else txt2img.starting_params(catalog.default())
        model = catalog.get(params.checkpoint) or catalog.default()
        params = params.changed(checkpoint=model.name if model else "")
        values = [_restored(catalog, field, control, params) for field, control in tab.controls.items()]
        return [*values, gr.Dataset(**txt2img.samples(model))]

    outputs = [*tab.controls.values(), tab.examples]
    page.load(restore, None, outputs, show_progress="hidden", api_visibility="private")


def _restored(catalog: Catalog, field: str, control: Component, params: GenerationParams) -> object:
    value = getattr(params, field)
    if field == "checkpoint":
        return gr.Dropdown(choices=_names(catalog), value=value)
    if isinstance(control, gr.Slider):
        # A job from the API may lie outside what the slider offers.
        value = max(control.minimum, min(control.maximum, value))
    return value


def head(config: Config) -> str:
    """What goes into the page's <head>: the style sheet, the script, and what the script must know."""
    known = {
        "theme": config.theme,
        "hints": {**hints("txt2img"), "refresh_sd_model_checkpoint": "Look for new checkpoints"},
        "elements": {"txt2img": element_ids("txt2img")},
    }
    return (
        '<meta name="color-scheme" content="dark light">'
        f'<meta name="darkroom" content="{html.escape(json.dumps(known))}">'
        f'<link rel="stylesheet" href="darkroom/darkroom.css?v={__version__}">'
        f'<script type="module" src="darkroom/main.js?v={__version__}"></script>'
    )


def page_options() -> dict[str, Any]:
    """How gradio is to serve the page: nothing sent home, no pages of its own, our colours."""
    return {
        "theme": build_theme(),
        "run_history": False,
        "enable_monitoring": False,
        "footer_links": [],
        "show_error": True,
        "ssr_mode": False,
        "favicon_path": str(STATIC / "favicon.svg"),
    }
