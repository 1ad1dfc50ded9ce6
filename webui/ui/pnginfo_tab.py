"""The PNG Info tab: what a picture tells of how it was made. static/pnginfo.js fills it."""

from __future__ import annotations

import html
from typing import Any

import gradio as gr

from webui.params import GenerationParams
from webui.ui.tabs import TARGETS, TXT2IMG

FRAME = """
<section class="dr-pnginfo" aria-label="PNG Info">
  <div class="dr-drop">
    <label class="dr-drop-area" title="PNG, JPEG, WebP, AVIF or GIF, of Darkroom and of other programs">
      <input type="file" accept="image/*" class="dr-drop-input">
      <span class="dr-drop-hint">Drop a picture here, choose one, or paste it.</span>
      <img alt="" class="dr-drop-picture" hidden>
    </label>
    <p class="dr-facts"></p>
  </div>
  <div class="dr-told" role="status" aria-live="polite">
    <p class="dr-told-empty">What a picture tells of its making is shown here: prompts, settings, checkpoint.
      The picture is read and not kept.</p>
  </div>
  <div class="dr-links dr-targets" hidden>{targets}</div>
</section>
"""
TARGET = '<button type="button" class="dr-button" data-target="{tab}"{canvas}>Send to {title}</button>'


ALWAYS_TOLD = ("steps", "sampler_name", "scheduler", "cfg_scale", "seed", "width", "height")
"""The settings that are listed first, and even where they are as they usually are."""
OTHERWISE_TOLD = ("prompt", "negative_prompt", "checkpoint", "vae", "refiner_checkpoint")


def settings_fields() -> list[dict[str, Any]]:
    """What static/pnginfo.js lists of a picture's settings: those that aren't `usual`."""
    fields = GenerationParams.model_fields
    names = [name for name in dict.fromkeys((*ALWAYS_TOLD, *fields)) if name not in OTHERWISE_TOLD]
    return [
        {
            "name": name,
            "title": fields[name].title,
            "usual": None if name in ALWAYS_TOLD else fields[name].default,
        }
        for name in names
    ]


def build_pnginfo_tab() -> None:
    """Lay the tab out."""
    tabs = {TXT2IMG.name: TXT2IMG.title, **TARGETS}
    targets = "".join(
        TARGET.format(tab=tab, title=html.escape(title), canvas=" data-canvas" if tab in TARGETS else "")
        for tab, title in tabs.items()
    )
    gr.HTML(FRAME.format(targets=targets), elem_id="pnginfo", js_on_load=None, apply_default_css=False)
