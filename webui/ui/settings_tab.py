"""The Settings tab: the fields of `webui.settings.Settings` as a form. static/settings.js fills it."""

from __future__ import annotations

import gradio as gr

FRAME = """
<section class="dr-settings" aria-label="Settings">
  <div class="dr-settings-bar">
    <button type="submit" form="settings_form" class="dr-button dr-primary dr-apply" disabled
      title="In force from the next job on">Apply settings</button>
    <p class="dr-settings-said" role="status" aria-live="polite"></p>
  </div>
  <form id="settings_form" novalidate></form>
</section>
"""


def build_settings_tab() -> None:
    """Lay the tab out."""
    gr.HTML(FRAME, elem_id="settings", js_on_load=None, apply_default_css=False)
