"""What stands under the prompts: their LoRAs, what was read or may be read, the chips, and cards.

Only the frame is made here; static/networks_used.js, filling.js, chips.js and network_panel.js fill it.
"""

from __future__ import annotations

import gradio as gr

FRAME = """
<div class="dr-remarks" data-tab="{tab}">
  <section class="dr-used" data-tab="{tab}" aria-label="LoRAs in the prompt" hidden></section>
  <div class="dr-proposal" role="status" aria-live="polite" hidden>
    <span>This looks like generation parameters:</span>
    <button type="button" class="dr-button dr-small dr-primary dr-proposal-apply">Apply</button>
    <button type="button" class="dr-button dr-small dr-proposal-keep">Keep as text</button>
  </div>
  <div class="dr-said" role="status" aria-live="polite"></div>
  <ul id="{tab}_override_settings" class="dr-overrides" aria-label="Override settings" hidden></ul>
  <section id="{tab}_extra" class="dr-extra dr-browser" data-tab="{tab}" aria-label="LoRAs and embeddings"
    hidden></section>
</div>
"""


def remarks(tab: str) -> gr.HTML:
    """The frame for `tab`."""
    return gr.HTML(
        FRAME.format(tab=tab),
        elem_id=f"{tab}_remarks",
        elem_classes="dr-remarks-box",
        js_on_load=None,
        apply_default_css=False,
    )
