"""What is changed seldom: accordions of controls, closed at first, and the chips that tell what is odd.

One table says which field stands where; the page, its errors and its chips are made from it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import gradio as gr
from gradio.components import Component

from webui.params import GenerationParams
from webui.ui.components.controls import Controls, Maker, unchecked

NO_REFINER = "None"
"""What the refiner's picker shows for no refiner."""


@dataclass(frozen=True)
class Section:
    """An accordion: its fields in rows."""

    name: str
    title: str
    rows: tuple[tuple[str, ...], ...]

    @property
    def fields(self) -> tuple[str, ...]:
        """All of its fields."""
        return tuple(field for row in self.rows for field in row)


SECTIONS = (
    Section("refiner", "Refiner", (("refiner_checkpoint", "refiner_switch_at"),)),
    Section("guidance", "Guidance", (("cfg_rescale", "s_min_uncond"), ("cfg_start", "cfg_end"))),
    Section(
        "sampler_params",
        "Sampler parameters",
        (
            ("rng", "noise_schedule"),
            ("eta", "ensd"),
            ("sigma_min", "sigma_max", "rho"),
            ("s_noise", "s_churn"),
            ("s_tmin", "s_tmax"),
            ("beta_alpha", "beta_beta"),
            ("uni_pc_order", "uni_pc_variant"),
            ("discard_next_to_last_sigma", "sgm_noise_multiplier"),
        ),
    ),
    Section(
        "prompt_reading",
        "Prompt reading",
        (("clip_skip", "emphasis"), ("comma_padding_backtrack", "dynamic_prompts")),
    ),
    Section(
        "look",
        "Look and speed",
        (
            ("token_merging_ratio", "step_cache"),
            ("tiling", "freeu"),
            ("freeu_b1", "freeu_b2"),
            ("freeu_s1", "freeu_s2"),
        ),
    ),
)
EXTRA = ("subseed", "subseed_strength", "seed_resize_from_w", "seed_resize_from_h")
"""The fields behind "Extra" at the seed: without the tick they are not used, as in A1111."""
TUCKED_AWAY = tuple(field for section in SECTIONS for field in section.fields)
"""Every field that a closed accordion may hide."""

NEEDS: dict[str, tuple[str, str | None]] = {
    "refiner_switch_at": ("refiner_checkpoint", None),
    "beta_alpha": ("scheduler", "Beta"),
    "beta_beta": ("scheduler", "Beta"),
    "uni_pc_order": ("sampler_name", "UniPC"),
    "uni_pc_variant": ("sampler_name", "UniPC"),
    "s_tmin": ("s_churn", None),
    "s_tmax": ("s_churn", None),
    **dict.fromkeys(("freeu_b1", "freeu_b2", "freeu_s1", "freeu_s2"), ("freeu", None)),
}
"""Fields that mean something only with another: it has this value; None: any but its default."""
FOLLOWING_SAMPLER = tuple(
    field for field, (other, _) in NEEDS.items() if other in ("scheduler", "sampler_name")
)
"""The fields that are shown for some samplers and schedule types only."""
CHIP_NAMES = {
    "rng": "RNG",
    "ensd": "ENSD",
    "s_min_uncond": "NGMS",
    "discard_next_to_last_sigma": "Discard sigma",
}
"""Names for chips, where the title is long: as infotexts have them."""


def applies(field: str, sampler: str, schedule: str) -> bool:
    """Whether `field` means anything to the sampler and the schedule type."""
    other, value = NEEDS.get(field, ("", None))
    return {"sampler_name": sampler, "scheduler": schedule}.get(other, value) == value


def accordion_id(tab: str, name: str) -> str:
    """The id of a section's accordion in the page."""
    return f"{tab}_{name}"


def accordions(tab: str) -> dict[str, str]:
    """Field -> the id of the accordion that it is in."""
    return {field: accordion_id(tab, section.name) for section in SECTIONS for field in section.fields}


def chips() -> list[dict[str, Any]]:
    """What static/chips.js must know of the fields that can have a chip."""
    fields = GenerationParams.model_fields
    return [
        {
            "field": field,
            "name": CHIP_NAMES.get(field, fields[field].title),
            "default": shown_value(field, fields[field].default),
            "needs": NEEDS.get(field),
        }
        for field in TUCKED_AWAY
    ]


def shown_value(field: str, value: Any) -> Any:  # noqa: ANN401
    """What a control holds for a field's value."""
    return value or NO_REFINER if field == "refiner_checkpoint" else value


def build_sections(make: Maker, refiners: list[str]) -> tuple[Controls, list[gr.Accordion]]:
    """Lay the accordions out, in the order of the table; `refiners` is what the refiner's picker offers."""
    controls: Controls = {}
    laid: list[gr.Accordion] = []
    for section in SECTIONS:
        name = accordion_id(make.tab, section.name)
        with gr.Accordion(section.title, open=False, elem_id=name, elem_classes="dr-group dr-section") as one:
            for row in section.rows:
                with gr.Row(elem_classes="dr-fields"):
                    controls |= {field: _control(make, field, refiners) for field in row}
        laid.append(one)
    return controls, laid


def _control(make: Maker, field: str, refiners: list[str]) -> Component:
    if field == "refiner_checkpoint":
        options = make.options(field)
        chosen = shown_value(field, options["value"])
        return unchecked(gr.Dropdown(refiners, **{**options, "value": chosen}))
    wanted = applies(field, make.defaults.sampler_name, make.defaults.scheduler)
    return make.control(field, visible=wanted)
