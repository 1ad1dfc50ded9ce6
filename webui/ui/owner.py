"""Whose page it is."""

from __future__ import annotations

import gradio as gr

from webui.guard import owner_of


def owner_behind(event: gr.Request) -> str:
    """The owner's name, from the request behind a gradio event."""
    assert event.request is not None
    return owner_of(event.request)
