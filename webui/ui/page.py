"""The page: quicksettings on top, tabs below; scripts and styles beside it."""

from __future__ import annotations

import html
import json
from pathlib import Path
from typing import Any

import gradio as gr

from webui import __version__
from webui.catalog.catalog import Catalog
from webui.catalog.entry import CLASSIC, COMPLETED
from webui.config import Config
from webui.jobs.service import Jobs
from webui.prompting.styles_store import StyleStore
from webui.ui.components.axes import axis_hints
from webui.ui.components.controls import AT_ONCE, HAPPENING, SCRIPT_ID, element_ids, hints
from webui.ui.components.script_fields import script_hints
from webui.ui.components.token_count import TokenCounts
from webui.ui.components.toolbar import tool_hints
from webui.ui.following import OWN_LOOP_ONLY, TRAINED_FOR, starting_params
from webui.ui.models_tab import build_models_tab
from webui.ui.pnginfo_tab import build_pnginfo_tab, settings_fields
from webui.ui.queue_tab import build_queue_tab
from webui.ui.quicksettings import REFRESH_ID, build_quicksettings
from webui.ui.sections import accordions, chips
from webui.ui.settings_tab import build_settings_tab
from webui.ui.theme import build_theme
from webui.ui.txt2img import Txt2Img, build_txt2img
from webui.ui.txt2img_events import owner_behind, wire

STATIC = Path(__file__).parent / "static"

BRAND = """
<div class="dr-brand"><span class="dr-lamp" aria-hidden="true"></span><h1>Darkroom</h1></div>
"""
STATUS = """
<div class="dr-engine" role="status" aria-live="polite" hidden></div>
<button type="button" class="dr-theme" aria-label="Light or dark" title="Light or dark"></button>
"""


def build_page(catalog: Catalog, jobs: Jobs, styles: StyleStore) -> gr.Blocks:
    """Every tab, wired."""
    with gr.Blocks(
        title="Darkroom", analytics_enabled=False, fill_width=True, delete_cache=(3600, 86400)
    ) as page:
        with gr.Row(elem_id="quicksettings", elem_classes="dr-top"):
            gr.HTML(BRAND, js_on_load=None, apply_default_css=False, elem_classes="dr-top-start")
            quick = build_quicksettings(catalog)
            gr.HTML(STATUS, js_on_load=None, apply_default_css=False, elem_classes="dr-top-end")
        with gr.Tabs(elem_id="tabs"):
            with gr.Tab("txt2img", id="txt2img", elem_id="tab_txt2img"):
                tab = build_txt2img(catalog, styles, TokenCounts(catalog, styles), quick)
                wire(tab, catalog, jobs, styles, quick)
            with gr.Tab("PNG Info", id="pnginfo", elem_id="tab_pnginfo"):
                build_pnginfo_tab()
            with gr.Tab("Queue", id="queue", elem_id="tab_queue"):
                build_queue_tab()
            with gr.Tab("Models", id="models", elem_id="tab_models"):
                build_models_tab()
            with gr.Tab("Settings", id="settings", elem_id="tab_settings"):
                build_settings_tab()
        _wire_restore(catalog, jobs, tab, page)
    return page


def _wire_restore(catalog: Catalog, jobs: Jobs, tab: Txt2Img, page: gr.Blocks) -> None:
    """A page that is opened again shows the settings of its owner's last job."""

    def restore(request: gr.Request) -> list[Any]:
        catalog.refresh(older_than=2)
        last = jobs.listed(owner_behind(request), limit=1)
        params = last[0].params if last else starting_params(catalog.default())
        model = catalog.get(params.checkpoint) or catalog.default()
        told, updates = tab.opening(catalog, params.changed(checkpoint=model.name if model else ""), model)
        return [told, *updates]

    told, controls = gr.Textbox(visible="hidden", show_label=False), tab.restorable
    loaded = page.load(restore, None, [told, *tab.outputs], **HAPPENING)
    set_by_hand_stays = "(told, ...held) => darkroom.restored(told, held)"
    tab.chips.after(loaded.then(None, [told, *controls], controls, js=set_by_hand_stays, **AT_ONCE))


def head(config: Config) -> str:
    """What goes into the page's <head>: the style sheet, the script, and what the script must know."""
    known = {
        "theme": config.theme,
        "hints": _hints("txt2img"),
        "elements": {"txt2img": element_ids("txt2img")},
        "accordions": {"txt2img": accordions("txt2img")},
        "chips": chips(),
        "fields": settings_fields(),
        "own_loop": {"fields": (*OWN_LOOP_ONLY, *TRAINED_FOR), "families": ("", *CLASSIC)},
        "vae_in_single_files": COMPLETED,
    }
    return (
        '<meta name="color-scheme" content="dark light">'
        f'<meta name="darkroom" content="{html.escape(json.dumps(known))}">'
        f'<link rel="stylesheet" href="darkroom/darkroom.css?v={__version__}">'
        f'<link rel="stylesheet" href="darkroom/models.css?v={__version__}">'
        f'<link rel="stylesheet" href="darkroom/prompt.css?v={__version__}">'
        f'<link rel="stylesheet" href="darkroom/form.css?v={__version__}">'
        '<script type="module" src="darkroom/theme.js"></script>'
        f'<script type="module" src="darkroom/main.js?v={__version__}"></script>'
        f"{_preloads()}"
    )


def _hints(tab: str) -> dict[str, str]:
    """Element id -> the line shown on hover."""
    own = {REFRESH_ID: "Look for new models", SCRIPT_ID: "Makes a series of pictures of this one wish"}
    return {**hints(tab), **tool_hints(tab), **axis_hints(), **script_hints(tab), **own}


def _preloads() -> str:
    """All modules at once: else the browser learns of each only from the one that imports it."""
    modules = sorted(path.name for path in STATIC.glob("*.js") if path.name != "main.js")
    return "".join(f'<link rel="modulepreload" href="darkroom/{name}">' for name in modules)


def page_options() -> dict[str, Any]:
    """How gradio is to serve the page: nothing sent home, no pages of its own, our colours."""
    return {
        "theme": build_theme(),
        "run_history": False,
        "enable_monitoring": False,
        "footer_links": [],
        # What goes wrong unexpectedly is in the log: gradio would show it as markup, with strangers' names.
        "show_error": False,
        "ssr_mode": False,
        "favicon_path": str(STATIC / "favicon.svg"),
    }
