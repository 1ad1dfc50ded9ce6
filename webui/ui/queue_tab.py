"""The Queue tab: one's own jobs, waiting, running and past. static/queue.js fills it."""

from __future__ import annotations

import gradio as gr

FRAME = """
<section class="dr-queue" aria-label="Your jobs">
  <p class="dr-queue-empty">Nothing yet. What you generate is listed here and stays when you leave.</p>
  <ul></ul>
</section>
"""


def build_queue_tab() -> None:
    """Lay the tab out."""
    gr.HTML(FRAME, elem_id="queue_jobs", js_on_load=None, apply_default_css=False)
