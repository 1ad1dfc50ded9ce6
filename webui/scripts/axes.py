"""The table of axes: what an X/Y/Z plot can vary, under AUTOMATIC1111's names.

Every field of GenerationParams that can be written in a few characters is an axis. A new field needs nothing
here; a line in NAMES gives it a name other than its title, a line in COSTS says that changing it takes long.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import PurePosixPath

from webui.engine.samplers.table import split_combined
from webui.params import GenerationParams, InvalidParamsError
from webui.scripts import control_axes, prompt_axes, values
from webui.scripts.axis import Axis, Source, labelled, reader, words
from webui.scripts.prompt_axes import Changes

NOTHING = "Nothing"
SIZE = re.compile(r"(\d{1,6})\s*[x×]\s*(\d{1,6})", re.ASCII | re.IGNORECASE)
NO_AXIS = (
    *("prompt", "negative_prompt", "hr_prompt", "hr_negative_prompt"),
    *("detailer_prompt", "detailer_negative_prompt", "detailer_color", "detailer_mask"),
    *("batch_size", "n_iter", "script", "comma_padding_backtrack"),
    *("init_images", "init_folder", "mask", "firstpass_image", "extras"),
    *("control", "control_alone", "regions", "train"),
)
"""Fields that are none: prompts have axes of their own, each cell has as many pictures as the others, and
pictures can't be written in a line, nor can regions. Of ControlNet units there are axes of their own."""
NAMES = {
    "subseed": "Var. seed",
    "subseed_strength": "Var. strength",
    "steps": "Steps",
    "cfg_scale": "CFG Scale",
    "sampler_name": "Sampler",
    "checkpoint": "Checkpoint name",
    "s_churn": "Sigma Churn",
    "s_tmin": "Sigma min",
    "s_tmax": "Sigma max",
    "vae": "VAE",
    "uni_pc_order": "UniPC Order",
    "refiner_checkpoint": "Refiner checkpoint",
    "refiner_switch_at": "Refiner switch at",
    "rng": "RNG source",
    "denoising_strength": "Denoising",
    "initial_noise_multiplier": "Initial noise multiplier",
    "inpainting_mask_weight": "Cond. Image Mask Weight",
    "hr_sampler_name": "Hires sampler",
    "hr_upscaler": "Hires upscaler",
    "hr_scale": "Hires upscale",
    "hr_resize_x": "Hires resize width",
    "hr_resize_y": "Hires resize height",
    "token_merging_ratio_hr": "Token merging ratio high-res",
}
"""Where A1111 calls an axis otherwise than the field is titled on the page."""
COSTS = {"checkpoint": 1.0, "refiner_checkpoint": 0.9, "hr_checkpoint_name": 0.9, "vae": 0.7}
"""How long a change takes, of 0 to 1: the costliest axis is changed least often."""
SOURCES: dict[str, Source] = {
    "sampler_name": "samplers",
    "scheduler": "schedules",
    "checkpoint": "checkpoints",
    "refiner_checkpoint": "refiners",
    "vae": "vaes",
    "styles": "styles",
    "hr_sampler_name": "samplers",
    "hr_scheduler": "schedules",
    "hr_checkpoint_name": "refiners",
    "hr_upscaler": "upscalers",
    "detailer": "detectors",
}
MODELS = ("checkpoint", "refiner_checkpoint", "hr_checkpoint_name")
FIRST = (
    *("seed", "subseed", "subseed_strength", "steps", "hr_second_pass_steps", "cfg_scale", "image_cfg_scale"),
    *("Prompt S/R", "Prompt order", "sampler_name", "hr_sampler_name", "checkpoint", "s_min_uncond"),
    *("s_churn", "s_tmin", "s_tmax", "s_noise", "scheduler", "sigma_min", "sigma_max", "rho", "beta_alpha"),
    *("beta_beta", "eta", "clip_skip", "denoising_strength", "initial_noise_multiplier"),
    *("img2img_extra_noise", "hr_upscaler", "inpainting_mask_weight", "vae", "styles", "uni_pc_order"),
    *("token_merging_ratio", "token_merging_ratio_hr", "discard_next_to_last_sigma", "sgm_noise_multiplier"),
    *("refiner_checkpoint", "refiner_switch_at", "rng", "Size", "width", "height", "emphasis"),
)
"""The order of the list, as A1111 users know it; what isn't named here follows."""


def find_axis(name: str) -> Axis:
    """The axis of that name, in any letter case; the name of its field will do.

    Raises:
        InvalidParamsError: there is none.
    """
    wanted = name.strip().lower()
    for axis in AXES:
        if wanted in (axis.name.lower(), axis.field):
            return axis
    known = ", ".join(axis.name for axis in AXES)
    raise InvalidParamsError("script", f'X/Y/Z plot knows no axis "{name[:60]}". Choose one of: {known}.')


def _sizes(text: str) -> list[tuple[int, int]]:
    sizes: list[tuple[int, int]] = []
    for value in filter(None, values.texts(text)):
        match = SIZE.fullmatch(value)
        if match is None:
            raise ValueError(f'"{value[:60]}" is no size like 512x768')
        sizes.append((int(match[1]), int(match[2])))
    return sizes


def _sampler(_: GenerationParams, name: str) -> Changes:
    """Old combined names, such as DPM++ 2M Karras, bring their schedule type along."""
    sampler, schedule = split_combined(name)
    return {"sampler_name": sampler} | ({"scheduler": schedule} if schedule else {})


def _hires_sampler(_: GenerationParams, name: str) -> Changes:
    """The same for the second pass."""
    sampler, schedule = split_combined(name)
    return {"hr_sampler_name": sampler} | ({"hr_scheduler": schedule} if schedule else {})


def _styled(params: GenerationParams, names: str) -> Changes:
    """Styles are added to those that are chosen; several stand in quotes, with commas."""
    added = tuple(name for part in names.split(",") if (name := part.strip()) and name != "None")
    return {"styles": (*params.styles, *added)}


def _last_part(name: str) -> str:
    return PurePosixPath(name.replace("\\", "/")).name


def _of_field(field: str) -> Axis | None:
    """The axis of a field, made from its type; None for types that no axis can hold."""
    info = GenerationParams.model_fields[field]
    name = NAMES.get(field, info.title or field)
    show = _last_part if field in MODELS else labelled(name)
    parse, options = reader(info.annotation)
    if field in SOURCES:
        parse = words
    if parse is None:
        return None

    def change(_: GenerationParams, value: object) -> Changes:
        return {field: "" if field in MODELS[1:] and str(value).lower() == "none" else value}

    how = {"sampler_name": _sampler, "hr_sampler_name": _hires_sampler, "styles": _styled}.get(field, change)
    return Axis(name, parse, how, show, field, COSTS.get(field, 0.0), options, SOURCES.get(field, ""))


def _table() -> Iterator[Axis]:
    own = {
        "Prompt S/R": Axis(
            "Prompt S/R", prompt_axes.search_and_replace, prompt_axes.replaced, lambda pair: pair[1]
        ),
        "Prompt order": Axis("Prompt order", prompt_axes.orders, prompt_axes.ordered, ", ".join),
        "Size": Axis(
            "Size",
            _sizes,
            lambda _, size: {"width": size[0], "height": size[1]},
            lambda size: f"Size: {size[0]}x{size[1]}",
        ),
    }
    yield Axis(NOTHING, lambda _: [None], lambda _params, _value: {}, lambda _: "")
    for name in dict.fromkeys((*FIRST, *GenerationParams.model_fields)):
        axis = own.get(name) or (None if name in NO_AXIS else _of_field(name))
        if axis is not None:
            yield axis
    yield from control_axes.axes()


AXES = tuple(_table())
"""Every axis, in the order of the list."""
AXIS_NAMES = [axis.name for axis in AXES]
