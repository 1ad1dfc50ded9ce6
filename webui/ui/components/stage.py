"""The stage: where a picture develops. Preview, progress and result take the same place.

Only its frame is made here; static/stage.js fills it from the job's events.
"""

from __future__ import annotations

import html

import gradio as gr

from webui.ui.tabs import TARGETS, TabKind

FRAME = """
<section class="dr-stage" data-tab="{tab}" aria-label="The picture">
  <div class="dr-view" tabindex="0" role="group" aria-label="Picture; Enter shows it large">
    <div class="dr-empty">{empty}
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
    <div class="dr-links dr-sends">{upscale}
      <span class="dr-sends-name" id="{tab}_sends">Send to</span>{targets}
    </div>
  </div>
  <dialog class="dr-large" aria-label="The picture, large">
    <img alt="The finished picture">
    <button type="button" class="dr-close" aria-label="Close">×</button>
  </dialog>
</section>
"""


EMPTY = """
      <p>Your picture develops here.</p>
      <p>{first} and press <kbd>Generate</kbd>.</p>"""
UPSCALE = """
      <button type="button" class="dr-upscale"
        title="Enlarge this picture by the settings of Hires. fix">Upscale</button>"""
TARGET = """
      <button type="button" data-target="{tab}" aria-describedby="{own}_sends">{title}</button>"""


def stage(kind: TabKind) -> gr.HTML:
    """The stage of the tab."""
    steps = ["put a picture on the canvas"] * kind.canvas + ["write a prompt"] * bool(kind.sections)
    empty = EMPTY.format(first=", ".join(steps).capitalize())
    frame = stage_frame(kind.name, empty, "" if kind.starts else UPSCALE)
    return gr.HTML(frame, elem_id=f"{kind.name}_gallery", js_on_load=None, apply_default_css=False)


def stage_frame(tab: str, empty: str, upscale: str = "") -> str:
    """The frame of `tab`'s stage as HTML. `empty` stands there until there is a picture."""
    targets = "".join(
        TARGET.format(tab=target, title=html.escape(title), own=tab) for target, title in TARGETS.items()
    )
    return FRAME.format(tab=tab, empty=empty, targets=targets, upscale=upscale)
