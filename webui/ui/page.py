"""The page: quicksettings on top, tabs below; scripts and styles beside it."""

from __future__ import annotations

import html
import json
from pathlib import Path
from typing import Any

import gradio as gr

from webui.catalog.catalog import Catalog
from webui.catalog.entry import CLASSIC, COMPLETED
from webui.config import Config
from webui.jobs.service import Jobs
from webui.params import GenerationParams
from webui.prompting.styles_store import StyleStore
from webui.ui.building import build_picture_tab
from webui.ui.components.axes import axis_hints
from webui.ui.components.controls import AT_ONCE, LATEST
from webui.ui.components.fields import (
    BROUGHT,
    ELEMENT_IDS,
    ELSEWHERE,
    FIRST_TAB,
    TOLD,
    VAE_ID,
    element_id,
    own_id,
)
from webui.ui.components.hints import hints
from webui.ui.components.script_fields import script_hints
from webui.ui.components.steering import mask_dialog, steering_fields
from webui.ui.components.token_count import TokenCounts
from webui.ui.components.toolbar import PASTE_NAME, tool_hints
from webui.ui.extras_tab import build_extras_tab, extras_hints, known_to_scripts
from webui.ui.following import OWN_LOOP_ONLY, TRAINED_FOR, starting_params
from webui.ui.history_tab import build_history_tab
from webui.ui.models_tab import build_models_tab
from webui.ui.owner import owner_behind
from webui.ui.page_files import STATIC
from webui.ui.picture_events import wire
from webui.ui.picture_tab import PictureTab
from webui.ui.pnginfo_tab import build_pnginfo_tab, settings_fields
from webui.ui.queue_tab import build_queue_tab
from webui.ui.quicksettings import REFRESH_ID, build_quicksettings, wire_choice
from webui.ui.sections import HIRES
from webui.ui.settings_tab import build_settings_tab
from webui.ui.tabs import EXTRAS, TABS, TabKind
from webui.ui.theme import build_theme
from webui.ui.train_tab import TRAIN, build_train_tab

STYLES = (
    "darkroom",
    "models",
    "prompt",
    "form",
    "picture_tab",
    "canvas",
    "extras",
    "history",
    "control",
    "networks",
    "train",
)
LOOKED_THROUGH = 50
"""So many of one's newest jobs are looked through for the last of a kind."""

BRAND = """
<div class="dr-brand"><span class="dr-lamp" aria-hidden="true"></span><h1>Darkroom</h1></div>
"""
STATUS = """
<div class="dr-engine" role="status" aria-live="polite" hidden></div>
<button type="button" class="dr-theme" aria-label="Light or dark" title="Light or dark"></button>
"""


def build_page(catalog: Catalog, jobs: Jobs, styles: StyleStore, models: Path) -> gr.Blocks:
    """Every tab, wired. `models` is the folder of all models."""
    with gr.Blocks(
        title="Darkroom", analytics_enabled=False, fill_width=True, delete_cache=(3600, 86400)
    ) as page:
        with gr.Row(elem_id="quicksettings", elem_classes="dr-top"):
            gr.HTML(BRAND, js_on_load=None, apply_default_css=False, elem_classes="dr-top-start")
            quick = build_quicksettings(catalog)
            gr.HTML(STATUS, js_on_load=None, apply_default_css=False, elem_classes="dr-top-end")
        counts, drawing = TokenCounts(catalog, styles), list[PictureTab]()
        with gr.Tabs(elem_id="tabs"):
            for kind in TABS:
                with gr.Tab(kind.title, id=kind.name, elem_id=f"tab_{kind.name}"):
                    drawing.append(tab := build_picture_tab(kind, catalog, styles, counts, quick))
                    wire(tab, catalog, jobs, styles, quick)
            with gr.Tab(EXTRAS.title, id=EXTRAS.name, elem_id=f"tab_{EXTRAS.name}"):
                build_extras_tab(catalog, jobs, models, quick)
            with gr.Tab("PNG Info", id="pnginfo", elem_id="tab_pnginfo"):
                build_pnginfo_tab()
            with gr.Tab("History", id="history", elem_id="tab_history"):
                build_history_tab()
            with gr.Tab("Queue", id="queue", elem_id="tab_queue"):
                build_queue_tab()
            with gr.Tab("Models", id="models", elem_id="tab_models"):
                build_models_tab()
            with gr.Tab("Train", id=TRAIN, elem_id=f"tab_{TRAIN}"):
                build_train_tab()
            with gr.Tab("Settings", id="settings", elem_id="tab_settings"):
                build_settings_tab()
        mask_dialog()
        wire_choice(catalog, quick)
        for tab in drawing:
            _wire_restore(catalog, jobs, tab, page)
    return page


def _wire_restore(catalog: Catalog, jobs: Jobs, tab: PictureTab, page: gr.Blocks) -> None:
    """A page that is opened again shows the settings of its owner's last job of the tab's kind.

    The first tab does so at once, the others when they are shown first: then the script presses a button.
    """

    def restore(request: gr.Request) -> list[Any]:
        catalog.refresh(older_than=2)
        params = _last(jobs, owner_behind(request), tab.kind)
        params = params or starting_params(catalog.default(), tab.kind.opens)
        model = catalog.get(params.checkpoint) or catalog.default()
        told, updates = tab.opening(catalog, params.changed(checkpoint=model.name if model else ""), model)
        return [told, *updates]

    told, controls = gr.Textbox(visible="hidden", show_label=False), tab.restorable
    opened = gr.Button(visible="hidden", elem_id=f"{tab.name}_opened")
    when = page.load if tab.name == FIRST_TAB else opened.click
    loaded = when(restore, None, [told, *tab.outputs], **LATEST)
    set_by_hand_stays = f"(told, ...held) => darkroom.restored('{tab.name}', told, held)"
    tab.chips.after(loaded.then(None, [told, *controls], controls, js=set_by_hand_stays, **AT_ONCE))


def _last(jobs: Jobs, owner: str, kind: TabKind) -> GenerationParams | None:
    """What was asked for last of that kind, as far as it isn't long ago."""
    recent = (job.params for job in jobs.listed(owner, limit=LOOKED_THROUGH) if not job.live)
    return next((params for params in recent if params.kind == kind.name), None)


def head(config: Config, edition: str) -> str:
    """What goes into the page's <head>: style sheets, scripts (of that edition), and what these must know."""
    files = f"darkroom/{edition}"
    known = {
        "theme": config.theme,
        "hints": hints(),
        "own_hints": _own_hints(),
        "names": ELEMENT_IDS,
        "tabs": {**{kind.name: _tab(kind) for kind in TABS}, EXTRAS.name: known_to_scripts()},
        "fields": settings_fields(),
        "own_loop": {"fields": (*OWN_LOOP_ONLY, *TRAINED_FOR), "families": ("", *CLASSIC)},
        "vae_in_single_files": COMPLETED,
        "steering": steering_fields(),
    }
    return (
        '<meta name="color-scheme" content="dark light">'
        f'<meta name="darkroom" content="{html.escape(json.dumps(known))}">'
        f"{_style_sheets(files)}"
        f'<script type="module" src="{files}/theme.js"></script>'
        f'<script type="module" src="{files}/main.js"></script>'
        f"{_preloads(files)}"
    )


def _tab(kind: TabKind) -> dict[str, Any]:
    """What the page's scripts must know of a tab that draws."""
    elsewhere = {field: element_id(kind.name, field) for field in (*ELSEWHERE, *BROUGHT, *TOLD, "script")}
    return {
        "canvas": kind.canvas,
        "starts": kind.starts,
        "steered": kind.steered,
        "hires": HIRES in kind.sections,
        "elsewhere": elsewhere,
        "paste": own_id(kind.name, PASTE_NAME),
        "accordions": kind.accordions,
        "chips": kind.chips,
    }


def _own_hints() -> dict[str, str]:
    """Element id -> the line shown on hover, where the ids of the tabs don't follow one pattern."""
    known = GenerationParams.model_fields
    found = {REFRESH_ID: "Look for new models", VAE_ID: known["vae"].description or "", **extras_hints()}
    for kind in TABS:
        found |= {
            **tool_hints(kind.name),
            **axis_hints(kind.name),
            **script_hints(kind.name, kind.scripts),
            element_id(kind.name, "script"): known["script"].description or "",
        }
    return found


def _style_sheets(files: str) -> str:
    return "".join(f'<link rel="stylesheet" href="{files}/{name}.css">' for name in STYLES)


def _preloads(files: str) -> str:
    """All modules at once: else the browser learns of each only from the one that imports it."""
    modules = sorted(path.name for path in STATIC.glob("*.js") if path.name != "main.js")
    return "".join(f'<link rel="modulepreload" href="{files}/{name}">' for name in modules)


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
