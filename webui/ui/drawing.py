"""Generate, Interrupt and Skip; "Upscale" under the picture; drawing anew while one paints."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import gradio as gr

from webui.jobs.service import Jobs
from webui.ui.brought import Brought, read_finished
from webui.ui.components.controls import AT_ONCE, HAPPENING
from webui.ui.owner import owner_behind
from webui.ui.picture_tab import PictureTab
from webui.ui.submission import submit, submit_brought, submit_upscale

Order = Callable[..., str]


def wire_drawing(tab: PictureTab, jobs: Jobs) -> None:
    """Wire the buttons, and hidden ones that static/live.js and static/sending.js press."""
    inputs = tab.inputs

    def order(request: gr.Request, told: str, *held: Any) -> str:  # noqa: ANN401
        fields = tab.held(dict(zip(inputs, held, strict=True)))
        queue = submit_brought if tab.kind.starts else submit
        return queue(jobs, owner_behind(request), fields, Brought.read(told))

    _wire(tab, tab.buttons.generate, order, "brought", "submitted", **HAPPENING)
    _wire_stopping(tab)
    if tab.kind.canvas:
        live = gr.Button(visible="hidden", elem_id=f"{tab.name}_live_draw")
        _wire(tab, live, order, "broughtLive", "liveSubmitted", **AT_ONCE)
    if tab.kind.starts:
        return

    def upscale(request: gr.Request, told: str, *held: Any) -> str:  # noqa: ANN401
        fields = tab.held(dict(zip(inputs, held, strict=True)))
        return submit_upscale(jobs, owner_behind(request), fields, read_finished(told))

    button = gr.Button(visible="hidden", elem_id=f"{tab.name}_upscale")
    _wire(tab, button, upscale, "toUpscale", "submitted", **HAPPENING)


def _wire(
    tab: PictureTab,
    button: gr.Button,
    order: Order,
    brought: str,
    submitted: str,
    **options: Any,  # noqa: ANN401
) -> None:
    """The page's `brought(tab)` tells what the form can't; `submitted` is given the answer."""
    told, ticket = (gr.Textbox(visible="hidden", show_label=False) for _ in range(2))
    ordered = button.click(
        order,
        [told, *tab.inputs],
        ticket,
        js=f"async (_, ...held) => [await darkroom.{brought}('{tab.name}'), ...held]",
        trigger_mode="multiple",
        concurrency_limit=None,
        **options,
    )
    ordered.then(None, ticket, js=f"(ticket) => darkroom.{submitted}('{tab.name}', ticket)", **AT_ONCE)


def _wire_stopping(tab: PictureTab) -> None:
    tab.buttons.interrupt.click(None, js=f"() => darkroom.interrupt('{tab.name}')", **AT_ONCE)
    tab.buttons.skip.click(None, js=f"() => darkroom.skip('{tab.name}')", **AT_ONCE)
