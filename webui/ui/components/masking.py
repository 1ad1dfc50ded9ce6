"""What becomes of the masked part, and how far the picture is to reach beyond its edges."""

from __future__ import annotations

import gradio as gr

from webui.ui.components.controls import AT_ONCE, Controls, Maker

SIDES = ("outpaint_left", "outpaint_up", "outpaint_right", "outpaint_down")


def build_masking(make: Maker) -> Controls:
    """Lay the group out, under A1111's names."""
    controls: Controls = {}
    with gr.Group(elem_classes="dr-group dr-masking"):
        controls["mask_blur"] = make.control("mask_blur")
        for field in ("inpainting_mask_invert", "inpainting_fill", "inpaint_full_res"):
            controls[field] = make.control(field, elem_classes="dr-choices")
        # The style sheet shows it for "Only masked" alone.
        controls["inpaint_full_res_padding"] = make.control(
            "inpaint_full_res_padding", elem_classes="dr-only-masked"
        )
    return controls


def build_outpainting(make: Maker) -> Controls:
    """The pixels on each side; the canvas's frame tells and shows the same."""
    controls: Controls = {}
    # Shown while the canvas is in its mode for outpainting.
    with gr.Group(elem_classes="dr-group dr-outpaint"):
        with gr.Row(elem_classes="dr-fields"):
            controls |= {field: make.control(field, minimum=0, maximum=2048, step=8) for field in SIDES}
        framed = gr.Button(visible="hidden", elem_id=f"{make.tab}_framed")
    boxes = list(controls.values())
    framed.click(None, boxes, boxes, js=f"(...sides) => darkroom.framed('{make.tab}', sides)", **AT_ONCE)
    changed = [box.change for box in boxes]  # pyright: ignore[reportAttributeAccessIssue]
    gr.on(changed, None, boxes, js=f"(...sides) => darkroom.frame('{make.tab}', sides)", **AT_ONCE)
    return controls
