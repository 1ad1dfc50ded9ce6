"""The one table of keys: which field of GenerationParams each tells, how it is written and how it is read."""

from __future__ import annotations

from typing import Any

from webui.infotext.key import Key, broken, number, pair, truth, value, whole
from webui.infotext.picture_fields import DENOISING, DETAILER, HIRES, HIRES_MORE, IMAGE_CFG, MASKS, MERGING
from webui.infotext.region_fields import REGIONS
from webui.params import GenerationParams


def _no_limit(text: str) -> float:
    return 0.0 if text.lower() == "inf" else broken(text)


def _seed_resize(params: GenerationParams) -> str | None:
    width, height = params.seed_resize_from_w, params.seed_resize_from_h
    return f"{width}x{height}" if width > 0 and height > 0 else None


def _varied(params: GenerationParams) -> bool:
    return params.subseed_strength > 0


def _refined(params: GenerationParams) -> bool:
    return bool(params.refiner_checkpoint)


def _freeu(params: GenerationParams) -> bool:
    return params.freeu


def _eta(params: GenerationParams, ddim: bool) -> str | None:
    # A1111 has two settings where we have one field: the samplers' names tell which is meant.
    if params.eta is None or params.sampler_name.startswith("DDIM") is not ddim:
        return None
    return number(params.eta)


def _read_eta(text: str) -> dict[str, Any]:
    return {"eta": broken(text)}


BEFORE_MODELS = (
    value("Steps", "steps", whole, needed=True),
    value("Sampler", "sampler_name", str, needed=True),
    value("Schedule type", "scheduler", str, "scheduler", always=True),
    value("CFG scale", "cfg_scale", broken, "guidance scale", "guidance", needed=True),
    IMAGE_CFG,
    value("Seed", "seed", whole, needed=True),
    pair("Size", ("width", "height"), lambda params: f"{params.width}x{params.height}", needed=True),
)
"""The keys before those that tell the models."""

AFTER_MODELS = (
    value("Variation seed", "subseed", whole, always=True, given=_varied),
    value("Variation seed strength", "subseed_strength", broken),
    pair("Seed resize from", ("seed_resize_from_w", "seed_resize_from_h"), _seed_resize),
    *DENOISING,
    value("Clip skip", "clip_skip", whole),
    value("ENSD", "ensd", whole, "eta noise seed delta"),
    value("Token merging ratio", "token_merging_ratio", broken, "tome ratio"),
    MERGING,
    value("RNG", "rng", str.upper, always=True),
    value("Tiling", "tiling", truth),
)
"""The keys behind those that tell the models."""

EXTRAS = (
    value("Refiner switch at", "refiner_switch_at", broken, always=True, given=_refined),
    Key("Eta", ("eta",), lambda params: _eta(params, ddim=False), _read_eta),
    Key("Eta DDIM", ("eta",), lambda params: _eta(params, ddim=True), _read_eta),
    value("Sigma churn", "s_churn", broken),
    value("Sigma tmin", "s_tmin", broken),
    value("Sigma tmax", "s_tmax", _no_limit),
    value("Sigma noise", "s_noise", broken),
    value("Schedule min sigma", "sigma_min", broken),
    value("Schedule max sigma", "sigma_max", broken),
    value("Schedule rho", "rho", broken),
    value("Beta schedule alpha", "beta_alpha", broken, "beta scheduler alpha"),
    value("Beta schedule beta", "beta_beta", broken, "beta scheduler beta"),
    value("Discard penultimate sigma", "discard_next_to_last_sigma", truth),
    value("SGM noise multiplier", "sgm_noise_multiplier", truth),
    value("UniPC order", "uni_pc_order", whole),
    value("UniPC variant", "uni_pc_variant", str),
    value("Noise Schedule", "noise_schedule", str),
    value("Emphasis", "emphasis", str),
    value("NGMS", "s_min_uncond", broken),
    value("Skip Early CFG", "cfg_start", broken),
    value("CFG end", "cfg_end", broken),
    value("CFG Rescale phi", "cfg_rescale", broken, "cfg rescale", "cfg rescale φ"),
    value("freeu_enabled", "freeu", truth),
    value("freeu_b1", "freeu_b1", broken, always=True, given=_freeu),
    value("freeu_b2", "freeu_b2", broken, always=True, given=_freeu),
    value("freeu_s1", "freeu_s1", broken, always=True, given=_freeu),
    value("freeu_s2", "freeu_s2", broken, always=True, given=_freeu),
    value("Step cache", "step_cache", whole),
    value("Comma padding backtrack", "comma_padding_backtrack", whole),
    *DETAILER,
    *REGIONS,
)
"""The keys that A1111 adds where a feature is used, and our own."""

KEYS = (*BEFORE_MODELS, *AFTER_MODELS, *HIRES, *HIRES_MORE, *MASKS, *EXTRAS)
BY_NAME = {name: key for key in KEYS for name in (key.name.lower(), *key.others)}
"""Every key under all its names, in lower case."""
