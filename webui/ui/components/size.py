"""How large: width and height, or a multiple of the picture's own size; and how many."""

from __future__ import annotations

import gradio as gr

from webui.ui.components.controls import AT_ONCE, Controls, Maker, tool
from webui.ui.components.switches import Switch

RESIZE_TO, RESIZE_BY = "Resize to", "Resize by"


def build_size(make: Maker) -> Controls:
    """Lay the group out for pictures that are drawn from nothing."""
    controls: Controls = {}
    with gr.Group(elem_classes="dr-group"), gr.Row(equal_height=True):
        with gr.Column(min_width=200, scale=4):
            controls |= _sides(make)
        _swap(make, controls)
        _fit(make, controls)
        with gr.Column(min_width=160, scale=3):
            controls |= _counts(make)
    return controls


def build_resizing(make: Maker) -> tuple[Controls, Switch]:
    """The same for pictures that start from another; the switch tells which of two ways its size is told."""
    controls: Controls = {}
    with gr.Group(elem_classes="dr-group dr-size"):
        controls["resize_mode"] = make.control("resize_mode", elem_classes="dr-choices")
        ways = gr.Radio(
            [RESIZE_TO, RESIZE_BY],
            value=RESIZE_TO,
            label="Size",
            elem_id=f"{make.tab}_resize",
            elem_classes="dr-choices dr-resize-ways",
        )
        # The style sheet shows one of the two.
        with gr.Row(equal_height=True, elem_classes="dr-resize-to"):
            with gr.Column(min_width=200, scale=4):
                controls |= _sides(make)
            with gr.Column(min_width=44, scale=0, elem_classes="dr-size-tools"):
                _swap(make, controls)
                _own_size(make, controls)
        controls["scale_by"] = make.control("scale_by", elem_classes="dr-resize-by")
        with gr.Row():
            controls |= _counts(make)
    return controls, Switch(ways, ("scale_by",), on=RESIZE_BY, off=RESIZE_TO)


def _sides(make: Maker) -> Controls:
    return {field: make.control(field) for field in ("width", "height")}


def _counts(make: Maker) -> Controls:
    return {field: make.control(field) for field in ("n_iter", "batch_size")}


def _swap(make: Maker, controls: Controls) -> None:
    swap = tool("swap", f"{make.tab}_res_switch_btn")
    sides = [controls["width"], controls["height"]]
    swap.click(None, sides, sides, js="(width, height) => [height, width]", **AT_ONCE)


def _own_size(make: Maker, controls: Controls) -> None:
    """A button that takes the picture's size; and one that takes its proportions."""
    tab = make.tab
    own = tool("measure", f"{tab}_detect_image_size_btn")
    sides = [controls["width"], controls["height"]]
    own.click(None, sides, sides, js=f"(...sides) => darkroom.ownSize('{tab}', sides)", **AT_ONCE)
    _fit(make, controls)


def _fit(make: Maker, controls: Controls) -> None:
    """A hidden button that static/sizes.js presses: it takes a picture's size or proportions."""
    tab = make.tab
    fit = gr.Button(visible="hidden", elem_id=f"{tab}_fit_size")
    sides = [controls["width"], controls["height"]]
    read = [controls[field] for field in ("width", "height", "resize_mode") if field in controls]
    fit.click(None, read, sides, js=f"(...held) => darkroom.fitted('{tab}', held)", **AT_ONCE)
