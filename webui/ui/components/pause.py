"""Waiting for a pause, so that the server isn't asked with every key. static/pause.js holds the clock."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import gradio as gr
from gradio.components import Component

from webui.ui.components.controls import AT_ONCE


def after_pause(controls: Iterable[Component], element_id: str) -> Any:  # noqa: ANN401
    """The event that happens once none of `controls` has changed for a moment.

    It is for what the element of `element_id` shows: while that is not on the page, the event doesn't happen.
    """
    name = f"{element_id}_pause"
    button = gr.Button(visible="hidden", elem_id=name)
    changed = [control.change for control in controls]  # pyright: ignore[reportAttributeAccessIssue]
    gr.on(changed, None, js=f"() => darkroom.later('{name}', '{element_id}')", **AT_ONCE)
    return button.click
