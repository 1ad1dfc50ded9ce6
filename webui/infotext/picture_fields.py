"""The keys of pictures made from pictures: img2img, inpainting, hires fix, the detailer."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from webui.infotext.key import Key, broken, number, size, truth, value, whole
from webui.infotext.names import MASKED_CONTENTS, RESIZE_MODES, find_both, find_schedule
from webui.params import GenerationParams
from webui.params.detailer import NO_DETAILER
from webui.params.hires import SAME_AS_FIRST

MASKED, NOT_MASKED = "Inpaint masked", "Inpaint not masked"
WHOLE_PICTURE, ONLY_MASKED = "Whole picture", "Only masked"
SOFT = (
    ("schedule bias", "mask_blend_power"),
    ("preservation strength", "mask_blend_scale"),
    ("transition contrast boost", "inpaint_detail_preservation"),
    ("mask influence", "composite_mask_influence"),
    ("difference threshold", "composite_difference_threshold"),
    ("difference contrast", "composite_difference_contrast"),
)
"""Soft inpainting's keys behind its name, and their fields."""


def _from_picture(params: GenerationParams) -> bool:
    return bool(params.init_images)


def _hires(params: GenerationParams) -> bool:
    return params.hires


def _denoised(params: GenerationParams) -> bool:
    return _from_picture(params) or params.hires


def _masked(params: GenerationParams) -> bool:
    return params.masked


def _masked_alone(params: GenerationParams) -> bool:
    return params.masked and params.inpaint_full_res


def _softly(params: GenerationParams) -> bool:
    return params.masked and params.soft_inpainting


def _detailed(params: GenerationParams) -> bool:
    return params.detailer != NO_DETAILER


def _scaled(params: GenerationParams) -> bool:
    return params.hires and not (params.hr_resize_x or params.hr_resize_y)


def _word(name: str, field: str, words: dict[str, Any], given: Callable[[GenerationParams], bool]) -> Key:
    """A key whose values have words of their own."""
    known = {word.lower(): said for word, said in words.items()}

    def write(said: object) -> str:
        return next(word for word, one in words.items() if one == said)

    def read(text: str) -> object:
        if text.lower() not in known:
            raise ValueError(f"it is none of {', '.join(words)}")
        return known[text.lower()]

    return value(name, field, read, given=given, written=write)


def _numbered(names: tuple[str, ...]) -> dict[str, Any]:
    return {name: number for number, name in enumerate(names)}


def _hires_size(params: GenerationParams) -> str | None:
    resized = params.hires and not _scaled(params)
    return f"{params.hr_resize_x}x{params.hr_resize_y}" if resized else None


def _read_hires_size(text: str) -> dict[str, Any]:
    width, height = size(text)
    return {"hr_resize_x": width, "hr_resize_y": height, "enable_hr": True}


def _read_hires_sampler(text: str) -> dict[str, Any]:
    """Also of A1111 before 1.9, whose names told the schedule type, too."""
    if text.lower() in SAME_AS_FIRST:
        return {"hr_sampler_name": ""}
    sampler, schedule = find_both(text)
    return {"hr_sampler_name": sampler or text, **({"hr_scheduler": schedule} if schedule else {})}


def _read_hires_schedule(text: str) -> str:
    return "" if text.lower() in SAME_AS_FIRST else find_schedule(text) or text


DENOISING = (
    value("Denoising strength", "denoising_strength", broken, always=True, kept=True, given=_denoised),
    value("Conditional mask weight", "inpainting_mask_weight", broken, given=_from_picture),
)
IMAGE_CFG = value("Image CFG scale", "image_cfg_scale", broken, given=_from_picture)
MERGING = value("Token merging ratio hr", "token_merging_ratio_hr", broken, given=_hires)

HIRES = (
    Key(
        "Hires upscale",
        ("hr_scale", "enable_hr"),
        lambda params: number(params.hr_scale) if _scaled(params) else None,
        lambda text: {"hr_scale": broken(text), "enable_hr": True},
    ),
    Key("Hires resize", ("hr_resize_x", "hr_resize_y"), _hires_size, _read_hires_size),
    value("Hires steps", "hr_second_pass_steps", whole, given=_hires),
    Key(
        "Hires upscaler",
        ("hr_upscaler",),
        lambda params: params.hr_upscaler if params.hires else None,
        lambda text: {"hr_upscaler": text, "enable_hr": True},
    ),
)
"""What tells that there is a second pass, and how large it is. The checkpoint stands behind them."""

HIRES_MORE = (
    Key(
        "Hires sampler",
        ("hr_sampler_name",),
        lambda params: (params.hr_sampler_name or None) if params.hires else None,
        _read_hires_sampler,
    ),
    value("Hires schedule type", "hr_scheduler", _read_hires_schedule, given=_hires),
    value("Hires prompt", "hr_prompt", str, given=_hires),
    value("Hires negative prompt", "hr_negative_prompt", str, given=_hires),
    value("Hires CFG Scale", "hr_cfg", broken, given=_hires),
)

MASKS = (
    _word("Resize mode", "resize_mode", _numbered(RESIZE_MODES), _from_picture),
    value("Resize by", "scale_by", broken, given=_from_picture, own=True),
    _word("Mask mode", "inpainting_mask_invert", {MASKED: False, NOT_MASKED: True}, _masked),
    value("Mask blur", "mask_blur", whole, always=True, given=_masked),
    _word("Inpaint area", "inpaint_full_res", {WHOLE_PICTURE: False, ONLY_MASKED: True}, _masked),
    value("Masked area padding", "inpaint_full_res_padding", whole, always=True, given=_masked_alone),
    _word("Masked content", "inpainting_fill", _numbered(MASKED_CONTENTS), _masked),
    value("Noise multiplier", "initial_noise_multiplier", broken, given=_from_picture),
    value("Extra noise", "img2img_extra_noise", broken, given=_denoised),
    value("Exact steps", "img2img_fix_steps", truth, given=_from_picture, own=True),
    value("Color correction", "img2img_color_correction", truth, given=_from_picture, own=True),
    value("Soft inpainting enabled", "soft_inpainting", truth, given=_masked),
    *(value(f"Soft inpainting {name}", field, broken, always=True, given=_softly) for name, field in SOFT),
    *(
        value(f"Outpaint {side}", f"outpaint_{side}", whole, given=_from_picture, own=True)
        for side in ("left", "right", "up", "down")
    ),
)
"""How a picture was brought to its size, and what of it was changed."""

DETAILER = tuple(
    value(name, field, read, given=_detailed, own=True)
    for name, field, read in (
        ("Detailer", "detailer", str),
        ("Detailer color", "detailer_color", str),
        ("Detailer threshold", "detailer_threshold", broken),
        ("Detailer most regions", "detailer_max_regions", whole),
        ("Detailer least area", "detailer_min_area", broken),
        ("Detailer prompt", "detailer_prompt", str),
        ("Detailer negative prompt", "detailer_negative_prompt", str),
        ("Detailer denoising strength", "detailer_denoising_strength", broken),
        ("Detailer dilation", "detailer_dilation", whole),
        ("Detailer mask blur", "detailer_mask_blur", whole),
        ("Detailer padding", "detailer_padding", whole),
        ("Detailer steps", "detailer_steps", whole),
    )
)
