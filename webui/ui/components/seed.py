"""The seed, and behind "Extra" its variations, as in A1111."""

from __future__ import annotations

import gradio as gr

from webui.ui.components.controls import AT_ONCE, Controls, Maker, tool
from webui.ui.components.switches import Switch
from webui.ui.sections import EXTRA


def build_seed(make: Maker) -> tuple[Controls, Switch]:
    """Lay the group out; the switch tells whether what is behind "Extra" is shown and used."""
    controls: Controls = {}
    tab = make.tab
    with gr.Group(elem_classes="dr-group dr-seed-group"):
        with gr.Row(equal_height=True, elem_classes="dr-seed"):
            _box(make, controls, "seed")
            show = gr.Checkbox(
                False,
                label="Extra",
                elem_id=f"{tab}_subseed_show",
                elem_classes="dr-seed-show",
                container=False,
                scale=0,
            )
        # The style sheet shows these while "Extra" is ticked.
        with gr.Row(equal_height=True, elem_classes="dr-seed dr-seed-extra"):
            _box(make, controls, "subseed")
            controls["subseed_strength"] = make.control("subseed_strength", scale=2)
        with gr.Row(elem_classes="dr-seed-extra dr-fields"):
            for field in ("seed_resize_from_w", "seed_resize_from_h"):
                controls[field] = make.control(field)
    return controls, Switch(show, EXTRA, on=True, off=False)


def _box(make: Maker, controls: Controls, field: str) -> None:
    """A seed's box with the buttons that make it random and take the shown picture's."""
    controls[field] = box = make.control(field, min_width=120)
    random = tool("dice", f"{make.tab}_random_{field}")
    reuse = tool("recycle", f"{make.tab}_reuse_{field}")
    random.click(None, None, box, js="() => -1", **AT_ONCE)
    shown = f"(seed) => darkroom.shownSeed('{make.tab}', '{field}') ?? seed"
    reuse.click(None, box, box, js=shown, **AT_ONCE)
