"""What suits a checkpoint that nobody has set anything for: its native size, and few steps for fast ones."""

from __future__ import annotations

import re
from typing import Any

from webui.catalog.entry import Family, Identity, Prediction

SIZES: dict[Family, int] = {
    "sd1": 512,
    "sd2": 512,
    "sdxl": 1024,
    "sdxl-refiner": 1024,
    "sd3": 1024,
    "flux": 1024,
    "other": 1024,
}
FLOW: dict[Family, dict[str, Any]] = {
    "sd3": {"sampler_name": "Euler", "steps": 28, "cfg_scale": 4.5},
    "flux": {"sampler_name": "Euler", "steps": 20, "cfg_scale": 1.0},
}
"""Families that predict a velocity between noise and picture. Flux dev has its guidance within it."""
FAST: tuple[tuple[str, dict[str, Any]], ...] = (
    (r"lightning", {"steps": 8, "cfg_scale": 1.0, "sampler_name": "Euler"}),
    (r"hyper[-_ ]?sdx?l?", {"steps": 8, "cfg_scale": 1.0, "sampler_name": "Euler"}),
    (r"schnell", {"steps": 4, "cfg_scale": 1.0, "sampler_name": "Euler"}),
    (r"lcm", {"steps": 8, "cfg_scale": 1.5, "sampler_name": "Euler a"}),
    (r"dmd2?", {"steps": 8, "cfg_scale": 1.0, "sampler_name": "Euler a"}),
    (r"turbo", {"steps": 8, "cfg_scale": 2.0, "sampler_name": "Euler a"}),
)
"""Distilled models, by a word of their name."""
STABILITY_TURBO = re.compile(r"sd_?xl_turbo|sd_turbo", re.IGNORECASE)
STEPS = re.compile(r"(?<![0-9])([1-9]|1[0-6])[ _-]?steps?(?![a-z])", re.IGNORECASE)


def native_defaults(
    identity: Identity, stem: str, prediction: Prediction | None, size: int | None = None
) -> dict[str, Any]:
    """Fields of GenerationParams that suit the model called `stem`; `size`: its side in pixels, if told."""
    if not identity.family:
        return {}
    side = size or _side(identity.family, stem, prediction)
    return {"width": side, "height": side, **FLOW.get(identity.family, {}), **_fast(stem)}


def _side(family: Family, stem: str, prediction: Prediction | None) -> int:
    if STABILITY_TURBO.search(stem):
        return 512
    if family == "sd2" and (prediction == "v_prediction" or "768" in stem):
        return 768
    return SIZES[family]


def _fast(stem: str) -> dict[str, Any]:
    for word, fields in FAST:
        if re.search(rf"(?<![a-z]){word}(?![a-z])", stem, re.IGNORECASE) or _camel(word, stem):
            steps = STEPS.search(stem)
            own = {"steps": 4, "cfg_scale": 1.0} if STABILITY_TURBO.search(stem) else {}
            return {**fields, **own, **({"steps": int(steps[1])} if steps else {})}
    return {}


def _camel(word: str, stem: str) -> bool:
    """Whether `word` is in a name like `dreamshaperXLTurbo`: begun with a capital, or all of them."""
    return any(re.search(rf"{spelled}(?![a-z])", stem) for spelled in (word.capitalize(), word.upper()))
