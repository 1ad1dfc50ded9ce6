"""The stage: where a picture develops. Preview, progress and result take the same place.

Only its frame is made here; static/stage.js fills it from the job's events.
"""

from __future__ import annotations

import gradio as gr

FRAME = """
<section class="dr-stage" data-tab="{tab}" aria-label="The picture">
  <div class="dr-view" tabindex="0" role="group" aria-label="Picture; Enter shows it large">
    <div class="dr-empty">
      <p>Your picture develops here.</p>
      <p>Write a prompt and press <kbd>Generate</kbd>.</p>
    </div>
  </div>
  <div class="dr-progress" role="progressbar" aria-valuemin="0" aria-valuemax="100" hidden><div></div></div>
  <p class="dr-status"></p>
  <ul class="dr-notices" role="status" aria-live="polite" aria-label="Notices"></ul>
  <p class="dr-announce" role="status" aria-live="polite"></p>
  <div class="dr-row">
    <div class="dr-thumbs" role="group" aria-label="Pictures of this job"></div>
    <button type="button" class="dr-live-thumb" hidden>Developing…</button>
  </div>
  <div class="dr-below" hidden>
    <pre class="dr-infotext" aria-label="Infotext" tabindex="0"></pre>
    <div class="dr-links">
      <a class="dr-save" download>Save</a>
      <button type="button" class="dr-copy">Copy infotext</button>
      <button type="button" class="dr-use"
        title="Fill the form with this picture's settings">Use these settings</button>
    </div>
  </div>
  <dialog class="dr-large" aria-label="The picture, large">
    <img alt="The finished picture">
    <button type="button" class="dr-close" aria-label="Close">×</button>
  </dialog>
</section>
"""


def stage(tab: str) -> gr.HTML:
    """The stage of `tab`."""
    return gr.HTML(FRAME.format(tab=tab), elem_id=f"{tab}_gallery", js_on_load=None, apply_default_css=False)
