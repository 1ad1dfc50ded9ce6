"""What the controls offer: the ends of sliders, the words of choices, and words that stand for no choice."""

from __future__ import annotations

from typing import Any

from webui.imaging.resizing import RESIZE_MODES

SLIDERS: dict[str, tuple[float, float, float]] = {
    "steps": (1, 150, 1),
    "width": (64, 2048, 8),
    "height": (64, 2048, 8),
    "n_iter": (1, 100, 1),
    "batch_size": (1, 8, 1),
    "cfg_scale": (1, 30, 0.5),
    "cfg_rescale": (0, 1, 0.05),
    "cfg_start": (0, 1, 0.05),
    "cfg_end": (0, 1, 0.05),
    "s_min_uncond": (0, 15, 0.1),
    "comma_padding_backtrack": (0, 74, 1),
    "subseed_strength": (0, 1, 0.01),
    "seed_resize_from_w": (0, 2048, 8),
    "seed_resize_from_h": (0, 2048, 8),
    "s_churn": (0, 100, 0.1),
    "s_noise": (0, 2, 0.005),
    "beta_alpha": (0.05, 4, 0.05),
    "beta_beta": (0.05, 4, 0.05),
    "uni_pc_order": (1, 9, 1),
    "clip_skip": (1, 12, 1),
    "step_cache": (1, 5, 1),
    "token_merging_ratio": (0, 0.9, 0.05),
    "refiner_switch_at": (0.01, 1, 0.01),
    "freeu_b1": (0, 2, 0.01),
    "freeu_b2": (0, 2, 0.01),
    "freeu_s1": (0, 4, 0.01),
    "freeu_s2": (0, 4, 0.01),
    "denoising_strength": (0, 1, 0.01),
    "scale_by": (0.05, 4, 0.05),
    "image_cfg_scale": (0, 3, 0.05),
    "initial_noise_multiplier": (0, 1.5, 0.01),
    "img2img_extra_noise": (0, 1, 0.01),
    "mask_blur": (0, 64, 1),
    "inpaint_full_res_padding": (0, 256, 4),
    "inpainting_mask_weight": (0, 1, 0.01),
    "mask_blend_power": (0, 8, 0.1),
    "mask_blend_scale": (0, 8, 0.05),
    "inpaint_detail_preservation": (1, 32, 0.5),
    "composite_mask_influence": (0, 1, 0.05),
    "composite_difference_threshold": (0, 8, 0.25),
    "composite_difference_contrast": (0, 8, 0.25),
    "hr_second_pass_steps": (0, 150, 1),
    "hr_scale": (1, 4, 0.05),
    "hr_resize_x": (0, 4096, 8),
    "hr_resize_y": (0, 4096, 8),
    "hr_cfg": (0, 30, 0.5),
    "token_merging_ratio_hr": (0, 0.9, 0.05),
    "detailer_threshold": (0, 1, 0.01),
    "detailer_max_regions": (1, 32, 1),
    "detailer_min_area": (0, 1, 0.001),
    "detailer_denoising_strength": (0, 1, 0.01),
    "detailer_dilation": (-128, 128, 4),
    "detailer_mask_blur": (0, 64, 1),
    "detailer_padding": (0, 256, 4),
    "detailer_steps": (0, 150, 1),
}
"""Lowest, highest and step of the fields that are sliders."""
RADIOS: dict[str, tuple[str, tuple[tuple[str, Any], ...]]] = {
    "resize_mode": ("Resize mode", tuple((name, number) for number, name in enumerate(RESIZE_MODES))),
    "inpainting_mask_invert": ("Mask mode", (("Inpaint masked", False), ("Inpaint not masked", True))),
    "inpainting_fill": (
        "Masked content",
        (("fill", 0), ("original", 1), ("latent noise", 2), ("latent nothing", 3)),
    ),
    "inpaint_full_res": ("Inpaint area", (("Whole picture", False), ("Only masked", True))),
}
"""Label and choices of the fields that are a few choices side by side, as A1111 names them."""
EMPTY_IS_DEFAULT = (
    *("seed", "subseed", "eta", "ensd", "s_tmin", "s_tmax", "sigma_min", "sigma_max", "rho"),
    *("outpaint_left", "outpaint_up", "outpaint_right", "outpaint_down"),
)
"""The fields that are boxes for a number, which may be emptied."""
TEXTS = {
    "hr_prompt": "What the second pass draws, if something else",
    "hr_negative_prompt": "What it steers away from, if something else",
    "detailer_prompt": "What the parts show, if something else; [SEP] between one for each",
    "detailer_negative_prompt": "What they steer away from, if something else",
}
"""The fields that are prompts beside the two above, and what stands in their boxes while they are empty."""
FOR_NOTHING = {
    "refiner_checkpoint": "None",
    "hr_checkpoint_name": "Use same checkpoint",
    "hr_sampler_name": "Use same sampler",
    "hr_scheduler": "Use same scheduler",
}
"""What the pickers of names show for no name."""
OWN_SIZE = 1.0
"""Where "Resize by" stands while it isn't used."""


def shown_value(field: str, value: Any) -> Any:  # noqa: ANN401
    """What a control holds for a field's value."""
    if field == "scale_by":
        return value or OWN_SIZE
    return value or FOR_NOTHING[field] if field in FOR_NOTHING else value


def held_value(field: str, shown: Any) -> Any:  # noqa: ANN401
    """The field's value for what its control holds: the other way round."""
    return "" if field in FOR_NOTHING and shown in (FOR_NOTHING[field], None) else shown
