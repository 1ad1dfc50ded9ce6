"""The line that tells what size comes out: of hires fix, of a picture that is drawn from."""

from __future__ import annotations

import html
import json
from collections.abc import Mapping
from typing import Any

import gradio as gr
from pydantic import ValidationError

from webui.imaging.sizes import final_size
from webui.params import GenerationParams
from webui.ui.components.controls import AT_ONCE, LATEST
from webui.ui.components.pause import after_pause
from webui.ui.picture_tab import PictureTab
from webui.ui.submission import cause, given
from webui.ui.tabs import OUTPAINT

HIRES_READ = ("width", "height", "enable_hr", "hr_scale", "hr_resize_x", "hr_resize_y")
CANVAS_READ = ("width", "height", "scale_by")
MASK_READ = ("inpaint_full_res", *OUTPAINT)
MAX_TOLD = 200
"""Letters of what the page tells of the canvas's picture."""
Size = tuple[int, int]


def wire_size_note(tab: PictureTab) -> None:
    """Keep the line true; on a tab that starts from a picture static/sizes.js tells of its picture's size."""
    read = CANVAS_READ if tab.kind.starts else HIRES_READ
    read = (*read, *MASK_READ) if tab.kind.masks else read
    controls = [tab.controls[field] for field in read]
    ways = [switch.control for switch in tab.switches if "scale_by" in switch.fields]
    # Written into the hidden box by the script, which alone knows the canvas.
    size = gr.Textbox(visible="hidden", show_label=False)
    inputs = [size, *controls, *ways]

    def told(*held: Any) -> str:  # noqa: ANN401
        values = dict(zip(inputs, held, strict=True))
        unused = {
            field for switch in tab.switches if switch.control in values for field in switch.unused(values)
        }
        fields = {field: values[tab.controls[field]] for field in read if field not in unused}
        return line(note(fields, picture_size(held[0])) if tab.kind.starts else hires_note(fields))

    happened = after_pause([*controls, *ways], str(tab.note.elem_id))
    js = f"(_, ...held) => [darkroom.pictureSize('{tab.name}'), ...held]"
    happened(told, inputs, tab.note, js=js, **{**AT_ONCE, **LATEST})


def line(text: str) -> str:
    """The line as markup."""
    return f"<p>{html.escape(text)}</p>" if text else ""


def hires_note(fields: Mapping[str, Any]) -> str:
    """What hires fix makes of the size in `fields`, as A1111 tells it; or why it can't."""
    if not fields["enable_hr"]:
        return ""
    try:
        params = GenerationParams.model_validate(given(fields))
    except ValidationError as error:
        return next((str(why) for why in map(cause, error.errors()) if why), "")
    width, height = params.hires_size()
    return f"from {params.width}×{params.height} to {width}×{height}"


def note(fields: Mapping[str, Any], size: Size | None) -> str:
    """What becomes of a picture of `size`; nothing if it isn't known."""
    if size is None:
        return ""
    try:
        params = GenerationParams.model_validate(given(fields))
    except ValidationError:
        return ""
    final = final_size(params, size, masked=True)
    part = f", its masked part drawn at {params.width}×{params.height}" if params.inpaint_full_res else ""
    if final == size:
        return f"{_written(size)}{part}"
    return f"{_written(size)} becomes {_written(final)}{part}"


def _written(size: Size) -> str:
    return f"{size[0]}×{size[1]}"


def picture_size(told: str | None) -> Size | None:
    """The size in the page's JSON, {"width", "height"}."""
    try:
        size = json.loads(told) if told and len(told) <= MAX_TOLD else None
    except ValueError:
        return None
    sides = (size.get("width"), size.get("height")) if isinstance(size, dict) else ()
    whole = tuple(side for side in sides if isinstance(side, int) and 0 < side < 100_000)
    return (whole[0], whole[1]) if len(whole) == 2 else None
