"""What is changed seldom: accordions of controls, closed at first, and the chips that tell what is odd.

One table says which field stands where; the page, its errors and its chips are made from it.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

from webui.params import GenerationParams


@dataclass(frozen=True)
class Section:
    """An accordion: its fields, two in a row but for `wide` ones.

    Where a `tick` switches it on, it is open while that is set.
    """

    name: str
    title: str
    inside: tuple[str, ...]
    tick: str = ""
    wide: tuple[str, ...] = ()

    @property
    def fields(self) -> tuple[str, ...]:
        """All of its fields."""
        return (self.tick, *self.inside) if self.tick else self.inside

    @property
    def crucial(self) -> tuple[str, ...]:
        """Its fields of which a checkpoint must be able to use one."""
        return (self.tick,) if self.tick else self.inside


HIRES = Section(
    "hr",
    "Hires. fix",
    (
        *("hr_upscaler", "hr_second_pass_steps", "denoising_strength", "hr_scale"),
        *("hr_resize_x", "hr_resize_y", "hr_checkpoint_name", "hr_sampler_name", "hr_scheduler"),
        *("hr_cfg", "token_merging_ratio_hr", "hr_prompt", "hr_negative_prompt"),
    ),
    tick="enable_hr",
    wide=("hr_checkpoint_name", "hr_prompt", "hr_negative_prompt"),
)
SOFT_INPAINTING = Section(
    "soft",
    "Soft inpainting",
    (
        *("mask_blend_power", "mask_blend_scale"),
        *("inpaint_detail_preservation", "composite_mask_influence"),
        *("composite_difference_threshold", "composite_difference_contrast"),
    ),
    tick="soft_inpainting",
)
START = Section(
    "start",
    "Start from the picture",
    (
        *("initial_noise_multiplier", "img2img_extra_noise"),
        *("img2img_fix_steps", "img2img_color_correction"),
    ),
)
START_INPAINT = Section(
    START.name, START.title, ("inpainting_mask_weight", *START.inside), wide=("inpainting_mask_weight",)
)
REFINER = Section("refiner", "Refiner", ("refiner_checkpoint", "refiner_switch_at"))
DETAILER = Section(
    "detailer_section",
    "Detailer",
    (
        *("detailer", "detailer_color", "detailer_mask", "detailer_threshold"),
        *("detailer_denoising_strength", "detailer_max_regions", "detailer_min_area"),
        *("detailer_dilation", "detailer_mask_blur", "detailer_padding", "detailer_steps"),
        *("detailer_prompt", "detailer_negative_prompt"),
    ),
    wide=("detailer", "detailer_prompt", "detailer_negative_prompt"),
)
GUIDANCE = Section("guidance", "Guidance", ("cfg_rescale", "s_min_uncond", "cfg_start", "cfg_end"))
SAMPLER_PARAMS = Section(
    "sampler_params",
    "Sampler parameters",
    (
        *("rng", "noise_schedule", "eta", "ensd", "sigma_min", "sigma_max", "rho", "s_noise"),
        *("s_churn", "s_tmin", "s_tmax", "beta_alpha", "beta_beta", "uni_pc_order", "uni_pc_variant"),
        *("discard_next_to_last_sigma", "sgm_noise_multiplier"),
    ),
)
PROMPT_READING = Section(
    "prompt_reading",
    "Prompt reading",
    ("clip_skip", "emphasis", "comma_padding_backtrack", "dynamic_prompts"),
)
LOOK = Section(
    "look",
    "Look and speed",
    (
        *("token_merging_ratio", "step_cache", "tiling", "freeu"),
        *("freeu_b1", "freeu_b2", "freeu_s1", "freeu_s2"),
    ),
)
OF_SAMPLING = (GUIDANCE, SAMPLER_PARAMS, PROMPT_READING, LOOK)

EXTRA = ("subseed", "subseed_strength", "seed_resize_from_w", "seed_resize_from_h")
"""The fields behind "Extra" at the seed: without the tick they are not used, as in A1111."""

ANY: tuple[Any, ...] = ()
NEEDS: dict[str, tuple[str, tuple[Any, ...]]] = {
    "refiner_switch_at": ("refiner_checkpoint", ANY),
    "beta_alpha": ("scheduler", ("Beta",)),
    "beta_beta": ("scheduler", ("Beta",)),
    "uni_pc_order": ("sampler_name", ("UniPC",)),
    "uni_pc_variant": ("sampler_name", ("UniPC",)),
    "s_tmin": ("s_churn", ANY),
    "s_tmax": ("s_churn", ANY),
    **dict.fromkeys(("freeu_b1", "freeu_b2", "freeu_s1", "freeu_s2"), ("freeu", ANY)),
    **dict.fromkeys(HIRES.inside, (HIRES.tick, ANY)),
    **dict.fromkeys(SOFT_INPAINTING.inside, (SOFT_INPAINTING.tick, ANY)),
    **{field: ("detailer", ANY) for field in DETAILER.inside if field != "detailer"},
    "detailer_color": ("detailer", ("Color",)),
    "detailer_mask": ("detailer", ("Mask",)),
    "detailer_threshold": ("detailer", ("Saliency", "Color")),
}
"""Fields that mean something only with another: it has one of these values; ANY: any but its default."""
LEADING = ("sampler_name", "scheduler", "detailer")
"""The fields on whose value it depends whether others are shown at all."""
FOLLOWING = tuple(field for field, (other, _) in NEEDS.items() if other in LEADING)
"""Those others."""
CHIP_NAMES = {
    "rng": "RNG",
    "ensd": "ENSD",
    "s_min_uncond": "NGMS",
    "discard_next_to_last_sigma": "Discard sigma",
    "hr_upscaler": "Hires upscaler",
    "hr_scale": "Hires upscale",
    "token_merging_ratio_hr": "Token merging hires",
    "inpainting_mask_weight": "Conditional mask weight",
}
"""Names for chips, where the title is long or says too little alone: as infotexts have them."""


def applies(field: str, held: Mapping[str, Any]) -> bool:
    """Whether `field` is to be shown while the fields of LEADING have these values."""
    other, values = NEEDS.get(field, ("", ANY))
    if other not in LEADING:
        return True
    return held[other] in values if values else held[other] != GenerationParams.model_fields[other].default


def leading(params: GenerationParams) -> dict[str, Any]:
    """The values of the fields of LEADING."""
    return {field: getattr(params, field) for field in LEADING}


def accordion_id(tab: str, name: str) -> str:
    """The id of a section's accordion in the page."""
    return f"{tab}_{name}"


def fields_of(sections: Collection[Section]) -> tuple[str, ...]:
    """Every field that a closed one of these accordions may hide."""
    return tuple(field for section in sections for field in section.fields)
