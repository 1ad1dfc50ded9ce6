"""The chips under the prompts: what differs from its default in accordions that may be closed.

static/chips.js compares and draws; here its inputs are wired.
"""

from __future__ import annotations

import json

import gradio as gr
from gradio.components import Component

from webui.catalog.entry import ModelFile
from webui.ui.components.controls import AT_ONCE, Controls, Happened
from webui.ui.components.fields import TOLD
from webui.ui.components.ranges import shown_value
from webui.ui.following import can_use
from webui.ui.tabs import TabKind

ALSO_READ = ("sampler_name", "scheduler")
"""The fields in sight on which it depends whether others are heeded."""


def about(kind: TabKind, model: ModelFile | None) -> str:
    """What the chips must know of a checkpoint: its own defaults, and what it can't use. JSON."""
    own = model.defaults if model else {}
    return json.dumps(
        {
            "defaults": {field: shown_value(field, own[field]) for field in kind.tucked_away if field in own},
            "unused": [field for field in (*kind.tucked_away, *TOLD) if not can_use(model, field)],
        }
    )


class Chips:
    """The chips of one tab. `about` is a hidden box that holds what `about` tells of the checkpoint."""

    def __init__(self, kind: TabKind, controls: Controls, model: ModelFile | None) -> None:
        self._tab = kind.name
        # In the order in which the script gets them.
        self._read: list[Component] = [controls[field] for field in (*kind.tucked_away, *ALSO_READ)]
        self.about = gr.Textbox(about(kind, model), visible="hidden", show_label=False)
        # Pressed by the script: it is quicker to hear of a change by hand than to ask each control.
        draw, back = (
            gr.Button(visible="hidden", elem_id=f"{kind.name}_{name}") for name in ("draw_chips", "set_back")
        )
        draw.click(None, self._inputs, js=self._js("draw"), **AT_ONCE)
        self.after(back.click(None, self._inputs, self._read, js=self._js("setBack"), **AT_ONCE))

    @property
    def _inputs(self) -> list[Component]:
        return [self.about, *self._read]

    def _js(self, method: str) -> str:
        return f"(about, ...values) => darkroom.chips.{method}('{self._tab}', about, values)"

    def after(self, happened: Happened) -> Happened:
        """Draw them once that has happened: a control in a closed accordion tells nobody that it was set."""
        return happened.then(None, self._inputs, js=self._js("draw"), **AT_ONCE)
