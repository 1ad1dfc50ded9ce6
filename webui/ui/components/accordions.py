"""The accordions of a tab, made from its table of sections."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import gradio as gr
from gradio.blocks import Block
from gradio.components import Component

from webui.ui.components.controls import AT_ONCE, Controls, Maker, tool
from webui.ui.sections import Section, accordion_id, applies, leading

OPENED = "(on) => ({ __type__: 'update', open: on })"
Pickers = dict[str, list[str]]
"""Field -> what its picker offers."""


@dataclass(frozen=True)
class Laid:
    """One section on the page: the whole, and of one with a tick what opens and closes."""

    section: Section
    whole: Block
    inside: gr.Accordion | None = None


def build_accordions(
    make: Maker, sections: tuple[Section, ...], pickers: Pickers, beside: Callable[[Section], object]
) -> tuple[Controls, list[Laid]]:
    """Lay `sections` out, in their order; `beside` puts something next to a tick."""
    controls: Controls = {}
    laid: list[Laid] = []
    for section in sections:
        build = _ticked if section.tick else _plain
        fields, one = build(make, section, pickers, beside)
        controls |= fields
        laid.append(one)
    return controls, laid


def _plain(
    make: Maker, section: Section, pickers: Pickers, _: Callable[[Section], object]
) -> tuple[Controls, Laid]:
    name = accordion_id(make.tab, section.name)
    with gr.Accordion(section.title, open=False, elem_id=name, elem_classes="dr-group dr-section") as whole:
        controls = _inside(make, section, pickers)
    return controls, Laid(section, whole)


def _ticked(
    make: Maker, section: Section, pickers: Pickers, beside: Callable[[Section], object]
) -> tuple[Controls, Laid]:
    """The tick is the accordion's head: what is inside is there while it is ticked."""
    name = accordion_id(make.tab, section.name)
    with gr.Column(elem_id=name, elem_classes="dr-group dr-section dr-ticked") as whole:
        with gr.Row(elem_classes="dr-tick"):
            tick = make.control(section.tick, label=section.title, container=False)
            beside(section)
        opened = bool(getattr(make.defaults, section.tick))
        with gr.Accordion(section.title, open=opened, elem_classes="dr-ticked-inside") as inside:
            controls = _inside(make, section, pickers)
    tick.change(None, tick, inside, js=OPENED, **AT_ONCE)  # pyright: ignore[reportAttributeAccessIssue]
    return {section.tick: tick, **controls}, Laid(section, whole, inside)


def _inside(make: Maker, section: Section, pickers: Pickers) -> Controls:
    return {field: _control(make, field, pickers, field in section.wide) for field in section.inside}


def _control(make: Maker, field: str, pickers: Pickers, wide: bool) -> Component:
    more: dict[str, Any] = {"visible": applies(field, leading(make.defaults))}
    if wide:
        more["elem_classes"] = "dr-wide"
    if field in pickers:
        return make.picker(field, pickers[field], **more)
    made = make.control(field, **more)
    if field == "detailer_mask":
        _file_button(make, made)
    return made


def _file_button(make: Maker, box: Component) -> None:
    """Beside the box for a picture's name: brings a file and names it."""
    pick = tool("folder", f"{make.tab}_detailer_mask_file")
    pick.click(None, box, box, js=f"(name) => darkroom.pickPicture('{make.tab}', name)", **AT_ONCE)
