"""The one table of keys: which field of GenerationParams each tells, how it is written and how it is read."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from webui.params import GenerationParams

DEFAULTS = GenerationParams()

Written = Callable[[GenerationParams], str | None]
Read = Callable[[str], dict[str, Any]]
WHOLE = re.compile(r"[+-]?[0-9]{1,400}(\.0*)?")


@dataclass(frozen=True)
class Key:
    """One key. `write` gives its value, None where it is left out; `read` the fields that a value tells.

    `read` raises a ValueError where the value is none. What it gives has the right type, but may be beyond
    the field's limits. `others` are names of the same in other programs, in lower case. Where the key isn't
    there its fields are at their defaults, unless it is `needed`: then they aren't known.
    """

    name: str
    fields: tuple[str, ...]
    write: Written
    read: Read
    others: tuple[str, ...] = ()
    needed: bool = False


def number(value: float) -> str:
    """As short as it can be without losing anything: 7, 7.5, 0.1."""
    return repr(value).removesuffix(".0")


def whole(text: str) -> int:
    """A whole number, also written as 20.0.

    Raises:
        ValueError: it is none.
    """
    if WHOLE.fullmatch(text) is None:
        raise ValueError("it is not a whole number")
    return int(text.partition(".")[0])


def broken(text: str) -> float:
    """A number.

    Raises:
        ValueError: it is none.
    """
    try:
        return float(text[:40])
    except ValueError as error:
        raise ValueError("it is not a number") from error


def size(text: str) -> tuple[int, int]:
    """Width and height, of 512x768.

    Raises:
        ValueError: it isn't a size.
    """
    width, _, height = text.lower().replace("×", "x").partition("x")
    try:
        return whole(width.strip()), whole(height.strip())
    except ValueError as error:
        raise ValueError("it is not a size like 512x768") from error


def truth(text: str) -> bool:
    """Yes or no.

    Raises:
        ValueError: it is neither.
    """
    known = {"true": True, "1": True, "false": False, "0": False}
    if text.lower() not in known:
        raise ValueError("it is neither True nor False")
    return known[text.lower()]


def _no_limit(text: str) -> float:
    return 0.0 if text.lower() == "inf" else broken(text)


def _told(value: object) -> str:
    return number(value) if isinstance(value, int | float) and not isinstance(value, bool) else str(value)


def _value(
    name: str,
    field: str,
    read: Callable[[str], Any],
    *others: str,
    always: bool = False,
    needed: bool = False,
    given: Callable[[GenerationParams], bool] = lambda _: True,
) -> Key:
    """A key for one field, written where that isn't at its default (or `always`) and has a say (`given`)."""
    default = getattr(DEFAULTS, field)

    def write(params: GenerationParams) -> str | None:
        value = getattr(params, field)
        return _told(value) if given(params) and (always or needed or value != default) else None

    return Key(name, (field,), write, lambda text: {field: read(text)}, others, needed)


def _pair(name: str, fields: tuple[str, str], write: Written, *, needed: bool = False) -> Key:
    return Key(name, fields, write, lambda text: dict(zip(fields, size(text), strict=True)), (), needed)


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
    _value("Steps", "steps", whole, needed=True),
    _value("Sampler", "sampler_name", str, needed=True),
    _value("Schedule type", "scheduler", str, "scheduler", always=True),
    _value("CFG scale", "cfg_scale", broken, "guidance scale", "guidance", needed=True),
    _value("Seed", "seed", whole, needed=True),
    _pair("Size", ("width", "height"), lambda params: f"{params.width}x{params.height}", needed=True),
)
"""The keys before those that tell the models."""

AFTER_MODELS = (
    _value("Variation seed", "subseed", whole, always=True, given=_varied),
    _value("Variation seed strength", "subseed_strength", broken),
    _pair("Seed resize from", ("seed_resize_from_w", "seed_resize_from_h"), _seed_resize),
    _value("Clip skip", "clip_skip", whole),
    _value("ENSD", "ensd", whole, "eta noise seed delta"),
    _value("Token merging ratio", "token_merging_ratio", broken, "tome ratio"),
    _value("RNG", "rng", str.upper, always=True),
    _value("Tiling", "tiling", truth),
)
"""The keys behind those that tell the models."""

EXTRAS = (
    _value("Refiner switch at", "refiner_switch_at", broken, always=True, given=_refined),
    Key("Eta", ("eta",), lambda params: _eta(params, ddim=False), _read_eta),
    Key("Eta DDIM", ("eta",), lambda params: _eta(params, ddim=True), _read_eta),
    _value("Sigma churn", "s_churn", broken),
    _value("Sigma tmin", "s_tmin", broken),
    _value("Sigma tmax", "s_tmax", _no_limit),
    _value("Sigma noise", "s_noise", broken),
    _value("Schedule min sigma", "sigma_min", broken),
    _value("Schedule max sigma", "sigma_max", broken),
    _value("Schedule rho", "rho", broken),
    _value("Beta schedule alpha", "beta_alpha", broken, "beta scheduler alpha"),
    _value("Beta schedule beta", "beta_beta", broken, "beta scheduler beta"),
    _value("Discard penultimate sigma", "discard_next_to_last_sigma", truth),
    _value("SGM noise multiplier", "sgm_noise_multiplier", truth),
    _value("UniPC order", "uni_pc_order", whole),
    _value("UniPC variant", "uni_pc_variant", str),
    _value("Noise Schedule", "noise_schedule", str),
    _value("Emphasis", "emphasis", str),
    _value("NGMS", "s_min_uncond", broken),
    _value("Skip Early CFG", "cfg_start", broken),
    _value("CFG end", "cfg_end", broken),
    _value("CFG Rescale phi", "cfg_rescale", broken, "cfg rescale", "cfg rescale φ"),
    _value("freeu_enabled", "freeu", truth),
    _value("freeu_b1", "freeu_b1", broken, always=True, given=_freeu),
    _value("freeu_b2", "freeu_b2", broken, always=True, given=_freeu),
    _value("freeu_s1", "freeu_s1", broken, always=True, given=_freeu),
    _value("freeu_s2", "freeu_s2", broken, always=True, given=_freeu),
    _value("Step cache", "step_cache", whole),
    _value("Comma padding backtrack", "comma_padding_backtrack", whole),
)
"""The keys that A1111 adds where a feature is used, and our own."""

KEYS = (*BEFORE_MODELS, *AFTER_MODELS, *EXTRAS)
BY_NAME = {name: key for key in KEYS for name in (key.name.lower(), *key.others)}
"""Every key under all its names, in lower case."""
