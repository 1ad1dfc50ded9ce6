"""Which text encoders a single file draws with: its own, else those beside it that fit by their shapes."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import product

from webui.engine.general.kinds import Pipeline
from webui.engine.general.sources import CLIP_SIGN, T5_SIGN, Source
from webui.engine.protocol import EngineError

FILES = {
    "CLIP-L": ("clip_l.safetensors", '"CLIP-L text encoder"'),
    "CLIP-G": (
        "clip_g.safetensors",
        "Comfy-Org/stable-diffusion-3.5-fp8:text_encoders/clip_g.safetensors (as a text encoder)",
    ),
    "T5-XXL": ("t5xxl_fp16.safetensors", '"T5-XXL text encoder"'),
}
"""For each encoder the usual name of its file, and what to ask for under "Get models"."""


def missing_parts(pipeline: Pipeline) -> list[str]:
    """Sentences on what a pipeline draws without, though it could have it: SD 3's T5."""
    without_t5 = "text_encoder_3" in pipeline.components and pipeline.components["text_encoder_3"] is None
    if not without_t5:
        return []
    return [
        "Drawn without the T5 text encoder: there is none that can be read (in scaled fp8 it can't be yet). "
        'Long prompts and writing in pictures suffer. Download "T5-XXL text encoder" in the Models tab.'
    ]


def for_sd3(encoders: Sequence[Source], pooled: int, width: int, name: str) -> dict[str, Source]:
    """SD 3's encoders, by diffusers' names: two CLIPs that are `pooled` wide together and T5 of that `width`.

    There may be no readable T5. `name`: what the checkpoint is called in errors.

    Raises:
        EngineError: a CLIP is missing; the text says which, and the way out.
    """
    clips = [each for each in encoders if _width(each)]
    for narrow, wide in product(clips, clips):
        if _width(narrow) < _width(wide) and _width(narrow) + _width(wide) == pooled:
            found = {"text_encoder": narrow, "text_encoder_2": wide}
            t5 = _t5(encoders, width)
            return found | {"text_encoder_3": t5} if t5 else found
    narrow = any(_width(each) < pooled / 2 for each in clips)
    wide = any(pooled / 2 < _width(each) < pooled for each in clips)
    there = {"CLIP-L"} if narrow and not wide else {"CLIP-G"} if wide and not narrow else set[str]()
    raise _lacking(name, *(each for each in ("CLIP-L", "CLIP-G") if each not in there))


def for_flux(encoders: Sequence[Source], pooled: int, width: int, name: str) -> dict[str, Source]:
    """Flux's encoders, by diffusers' names: a CLIP that is `pooled` wide, and T5 of that `width`.

    Raises:
        EngineError: one is missing; the text says which, and the way out.
    """
    clip = next((each for each in encoders if _width(each) == pooled), None)
    t5 = _t5(encoders, width)
    if clip and t5:
        return {"text_encoder": clip, "text_encoder_2": t5}
    scaled = next((each for each in _t5s(encoders, width) if each.is_scaled), None) if not t5 else None
    missing = [each for each, found in (("CLIP-L", clip), ("T5-XXL", t5)) if not found]
    raise _lacking(name, *missing, scaled=scaled)


def _width(encoder: Source) -> int:
    """The width of a CLIP; 0 of others."""
    return encoder.shapes[CLIP_SIGN][1] if CLIP_SIGN in encoder.shapes else 0


def _t5s(encoders: Sequence[Source], width: int) -> list[Source]:
    return [each for each in encoders if T5_SIGN in each.shapes and each.shapes[T5_SIGN][1] == width]


def _t5(encoders: Sequence[Source], width: int) -> Source | None:
    """The first T5 of that width that can be read."""
    return next((each for each in _t5s(encoders, width) if not each.is_scaled), None)


def _lacking(name: str, *missing: str, scaled: Source | None = None) -> EngineError:
    files = " and ".join(FILES[each][0] for each in missing)
    offers = " and ".join(FILES[each][1] for each in missing)
    unread = f" The T5 in {scaled.path.name} is in scaled fp8, which can't be read yet." if scaled else ""
    return EngineError(
        f'"{name}" needs the text encoder{"s" if len(missing) > 1 else ""} {" and ".join(missing)}.{unread} '
        f'Put {files} into models/text_encoder, or download {offers} in the Models tab under "Get models".'
    )
