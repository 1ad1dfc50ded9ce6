"""What steers a picture beside the prompts: ControlNet units, and regions with prompts of their own.

Only frames are made here, and what the page's scripts must know of the fields: static/control_panel.js and
static/regions_panel.js fill them.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, get_args

import gradio as gr
from pydantic import BaseModel
from pydantic.fields import FieldInfo

from webui.params.control import ControlUnit
from webui.params.regions import MAX_REGIONS, Region, RegionParams
from webui.ui.components.canvas import canvas_frame
from webui.ui.components.fields import element_id
from webui.ui.tabs import TabKind

UNION_KINDS = ("OpenPose", "Depth", "Soft Edge", "Hard Edge", "Normal Map", "Segmentation", "Tile", "Inpaint")
"""What a ControlNet Union can be told that its map is; engine/control/kinds.py knows them by these names."""
UNITS = """
<details class="dr-steer dr-control" id="{element}" data-tab="{tab}"{steered}>
  <summary>ControlNet<span class="dr-steer-facts"></span></summary>
  <div class="dr-steer-inside"></div>
</details>
"""
REGIONS = """
<details class="dr-steer dr-regions" id="{element}" data-tab="{tab}">
  <summary>Regional prompts<span class="dr-steer-facts"></span></summary>
  <div class="dr-steer-inside"></div>
</details>
"""
MASK_DIALOG = """
<dialog class="dr-mask" aria-label="Paint a mask">
  <header>
    <h2>Paint a mask</h2>
    <button type="button" class="dr-close" aria-label="Close">×</button>
  </header>
  {canvas}
  <div class="dr-links">
    <button type="button" class="dr-button dr-primary dr-mask-take">Use this mask</button>
    <button type="button" class="dr-button dr-mask-leave">Cancel</button>
    <p class="dr-mask-said" role="status" aria-live="polite"></p>
  </div>
</dialog>
"""


def control_units(kind: TabKind) -> None:
    """The accordion of ControlNet units; where the canvas's picture steers it is open."""
    steered = " data-steered open" if kind.steered else ""
    frame = UNITS.format(tab=kind.name, element=element_id(kind.name, "control"), steered=steered)
    _html(frame, "dr-steer-box")


def regions(kind: TabKind) -> None:
    """The accordion of regional prompts."""
    _html(REGIONS.format(tab=kind.name, element=element_id(kind.name, "regions")), "dr-steer-box")


def mask_dialog() -> None:
    """The dialog in which masks of units and regions are painted; there is one for the page."""
    _html(MASK_DIALOG.format(canvas=canvas_frame("mask")), "dr-dialogs")


def _html(frame: str, classes: str) -> None:
    gr.HTML(frame, elem_classes=classes, js_on_load=None, apply_default_css=False)


def steering_fields() -> dict[str, Any]:
    """Titles, hints, limits and first values of the fields, as the scripts show them."""
    whole = RegionParams.model_fields
    unit = _told(ControlUnit, ControlUnit.model_fields)
    unit["union_control_type"]["choices"] = list(UNION_KINDS)
    return {
        "unit": unit,
        "region": _told(Region, Region.model_fields),
        "regions": _told(RegionParams, (name for name in whole if name != "regions")),
        "most_regions": MAX_REGIONS,
    }


def _told(model: type[BaseModel], names: Iterable[str]) -> dict[str, dict[str, Any]]:
    return {name: _field(model.model_fields[name]) for name in names}


def _field(field: FieldInfo) -> dict[str, Any]:
    limits = [(getattr(limit, "ge", None), getattr(limit, "le", None)) for limit in field.metadata]
    return {
        "title": field.title,
        "description": field.description,
        "default": field.default,
        "choices": [choice for choice in get_args(field.annotation) if isinstance(choice, str)],
        "least": next((least for least, _ in limits if least is not None), None),
        "most": next((most for _, most in limits if most is not None), None),
    }
