"""The Extras tab: pictures are enlarged, and faces mended, without being drawn."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path
from typing import Any

import gradio as gr
from gradio.components import Component

from webui.catalog.catalog import Catalog
from webui.catalog.face_restorers import face_restorers_available
from webui.catalog.upscalers import upscaler_names
from webui.jobs.service import Jobs
from webui.params.extras import ExtrasParams
from webui.ui.brought import Brought
from webui.ui.components.canvas import canvas
from webui.ui.components.controls import AT_ONCE, HAPPENING, Controls, unchecked
from webui.ui.components.stage import stage
from webui.ui.owner import owner_behind
from webui.ui.quicksettings import Quicksettings
from webui.ui.submission import submit_extras
from webui.ui.tabs import EXTRAS

TAB = EXTRAS.name
BY, TO = "Scale by", "Scale to"
UPSCALERS = ("upscaler_1", "upscaler_2")
FIELDS = {name: f"{TAB}_{name.removeprefix('extras_')}" for name in ExtrasParams.model_fields}
"""Field -> its control's id in the page."""
NO_FILES = """
<p class="dr-extras-none">Upscalers that are trained draw finer detail. Their files go into
<code>models/ESRGAN</code>; the Models tab can fetch some.</p>
"""
NO_FACES = """
<p class="dr-extras-none">To mend faces with GFPGAN or CodeFormer, install what docs/upscaling.md names.</p>
"""


def build_extras_tab(catalog: Catalog, jobs: Jobs, models: Path, quick: Quicksettings) -> None:
    """Lay the tab out and wire it; `models` is the folder of all models."""
    faces = face_restorers_available(models)
    with gr.Row(elem_classes=["dr-body", "dr-with-canvas", "dr-extras"]):
        with gr.Column(elem_classes="dr-canvas-column", min_width=320):
            canvas(TAB)
        with gr.Column(elem_classes="dr-controls", min_width=320):
            controls, hint = _controls(catalog, faces)
        with gr.Column(elem_classes="dr-picture", min_width=320):
            with gr.Row(elem_classes="dr-extras-actions"):
                generate = gr.Button("Generate", variant="primary", elem_id=f"{TAB}_generate", scale=3)
                interrupt = gr.Button("Interrupt", elem_id=f"{TAB}_interrupt", scale=1)
                skip = gr.Button("Skip", elem_id=f"{TAB}_skip", scale=1)
            stage(EXTRAS)
    _wire(jobs, controls, generate)
    interrupt.click(None, js=f"() => darkroom.interrupt('{TAB}')", **AT_ONCE)
    skip.click(None, js=f"() => darkroom.skip('{TAB}')", **AT_ONCE)

    def offered() -> list[Any]:
        names = upscaler_names(catalog)
        return [*(gr.update(choices=names) for _ in UPSCALERS), gr.update(visible=not _files(catalog))]

    pickers: list[Any] = [controls[field] for field in UPSCALERS]
    quick.refreshed.then(offered, None, [*pickers, hint], **HAPPENING)


def _files(catalog: Catalog) -> bool:
    return any(file.problem is None for file in catalog.files("upscaler"))


def _controls(catalog: Catalog, faces: Collection[str]) -> tuple[Controls, gr.HTML]:
    """The controls by field, and what is said where there are no files."""
    controls: Controls = {}
    names = upscaler_names(catalog)
    with gr.Group(elem_classes="dr-group"):
        for field in UPSCALERS:
            controls[field] = unchecked(gr.Dropdown(names, **_options(field)))
        controls["extras_upscaler_2_visibility"] = _share("extras_upscaler_2_visibility")
        hint = _html(NO_FILES, visible=not _files(catalog))
    with gr.Group(elem_classes="dr-group dr-extras-size"):
        controls |= _sizes()
    with gr.Group(elem_classes="dr-group"):
        controls |= _faces(faces)
    return controls, hint


def _sizes() -> Controls:
    options = _options("resize_mode")
    mode = gr.Radio([(BY, 0), (TO, 1)], **options, elem_classes="dr-choices", show_label=False)
    # The style sheet shows one of the two rows.
    with gr.Row(elem_classes="dr-fields dr-scale-by"):
        factor = gr.Slider(1, 8, step=0.05, buttons=[], **_options("upscaling_resize"))
        longest = gr.Number(**_options("max_side_length"), precision=0)
    with gr.Row(elem_classes="dr-fields dr-scale-to"):
        width, height = (
            gr.Number(**_options(field), precision=0)
            for field in ("upscaling_resize_w", "upscaling_resize_h")
        )
        crop = gr.Checkbox(**_options("upscaling_crop"))
    return {
        "resize_mode": mode,
        "upscaling_resize": factor,
        "max_side_length": longest,
        "upscaling_resize_w": width,
        "upscaling_resize_h": height,
        "upscaling_crop": crop,
    }


def _faces(faces: Collection[str]) -> Controls:
    controls: Controls = {"gfpgan_visibility": _share("gfpgan_visibility", visible="GFPGAN" in faces)}
    with gr.Row(elem_classes="dr-fields"):
        for field in ("codeformer_visibility", "codeformer_weight"):
            controls[field] = _share(field, visible="CodeFormer" in faces)
    controls["upscale_first"] = gr.Checkbox(**_options("upscale_first"), visible=bool(faces))
    _html(NO_FACES, visible=not faces)
    return controls


def _share(field: str, *, visible: bool = True) -> Component:
    return gr.Slider(0, 1, step=0.001, buttons=[], **_options(field), visible=visible)


def _options(field: str) -> dict[str, Any]:
    known = ExtrasParams.model_fields[field]
    return {"label": known.title, "value": known.default, "elem_id": FIELDS[field]}


def _html(text: str, *, visible: bool) -> gr.HTML:
    return gr.HTML(text, visible=visible, js_on_load=None, apply_default_css=False)


def _wire(jobs: Jobs, controls: Controls, generate: gr.Button) -> None:
    fields = list(controls)

    def order(request: gr.Request, told: str, *held: Any) -> str:  # noqa: ANN401
        wish = dict(zip(fields, held, strict=True))
        return submit_extras(jobs, owner_behind(request), wish, Brought.read(told))

    told, ticket = (gr.Textbox(visible="hidden", show_label=False) for _ in range(2))
    ordered = generate.click(
        order,
        [told, *controls.values()],
        ticket,
        js=f"async (_, ...held) => [await darkroom.brought('{TAB}'), ...held]",
        trigger_mode="multiple",
        concurrency_limit=None,
        **HAPPENING,
    )
    ordered.then(None, ticket, js=f"(ticket) => darkroom.submitted('{TAB}', ticket)", **AT_ONCE)


def known_to_scripts() -> dict[str, Any]:
    """What the page's scripts must know of the tab, as of those that draw."""
    elsewhere = {**FIELDS, "init_images": f"{TAB}_canvas", "init_folder": f"{TAB}_canvas"}
    return {
        "canvas": True,
        "starts": True,
        "elsewhere": elsewhere,
        "paste": "",
        "accordions": {},
        "chips": [],
    }


def extras_hints() -> dict[str, str]:
    """Element id -> the line shown on hover."""
    described = {FIELDS[name]: field.description or "" for name, field in ExtrasParams.model_fields.items()}
    return {
        **described,
        f"{TAB}_generate": "Begin (Ctrl+Enter)",
        f"{TAB}_interrupt": "Stop this job; finished pictures stay (Esc)",
        f"{TAB}_skip": "Leave this picture, go on with the next (Alt+Enter)",
    }
