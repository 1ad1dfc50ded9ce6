"""How the controls follow the checkpoint: its own settings, and nothing shown that it can't use."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

import gradio as gr
from gradio.components import Component

from webui.catalog.catalog import Catalog
from webui.catalog.entry import CLASSIC, ModelFile
from webui.catalog.upscalers import hires_upscaler_names
from webui.catalog.vae_choice import takes_vae
from webui.engine.general.naming import starts_from_pictures
from webui.engine.samplers.table import SAMPLER_NAMES, SCHEDULE_NAMES
from webui.imaging.detectors import detector_names
from webui.jobs.abilities import PICTURES_USE, PIPELINES_USE
from webui.params import GenerationParams
from webui.ui.components.controls import Controls
from webui.ui.components.ranges import FOR_NOTHING, shown_value
from webui.ui.quicksettings import checkpoint_choices, vae_choices
from webui.ui.sections import applies, leading

SIDES = ("width", "height")
FOLLOWERS = (*SIDES, "steps", "cfg_scale", "sampler_name", "scheduler", "vae", "clip_skip")
"""The fields that are set anew when another checkpoint is chosen."""
OWN_LOOP_ONLY = tuple(
    field for field in GenerationParams.model_fields if field not in PIPELINES_USE or field == "vae"
)
"""The fields that only Darkroom's own sampling loop knows; diffusers' pipelines go their own way.

But for "vae": single files of SD 3 and Flux take one, too.
"""
MEANT_FOR: dict[str, tuple[str, ...]] = {
    "clip_skip": ("sd1",),
    "token_merging_ratio": ("sd1", "sd2"),
    "token_merging_ratio_hr": ("sd1", "sd2"),
}
"""Fields that change nothing for other families of our own loop: A1111 skips layers of SD 1.x's encoder only,
and SDXL has no attention at full resolution."""
OF_VARIANT = {"image_cfg_scale": "pix2pix", "inpainting_mask_weight": "inpaint"}
"""Fields of checkpoints alone that are given more than latents."""
SAME_LATENTS = (("sd1", "sd2"), ("sdxl", "sdxl-refiner"))
"""Families of which one can go on with another's unfinished picture."""
TRAINED_FOR = ("prediction", "zero_snr")
"""What can be said of a model's training, for the same loop."""
CHOSEN_BESIDE = ("refiner_checkpoint", "hr_checkpoint_name")
"""The fields that name another checkpoint, one that fits the first."""
Followed = Mapping[str, str | None]
"""Of the fields of CHOSEN_BESIDE, what their pickers show."""


def following(controls: Collection[str], starts: bool) -> tuple[str, ...]:
    """The fields of `controls` that change with the checkpoint, be it only that they are shown.

    Where one `starts` from a picture the size is that picture's affair.
    """
    changing = {*FOLLOWERS, *OWN_LOOP_ONLY} - (set(SIDES) if starts else set[str]())
    return tuple(field for field in controls if field in changing)


def can_use(model: ModelFile | None, field: str) -> bool:
    """Whether `field` means anything to `model`."""
    family = model.identity.family if model else ""
    if model and field in OF_VARIANT and model.identity.variant != OF_VARIANT[field]:
        return False
    if model is None or not family or field not in OWN_LOOP_ONLY:
        return True
    if family in CLASSIC:
        return family in MEANT_FOR.get(field, CLASSIC)
    if field in PICTURES_USE:
        return starts_from_pictures(model)
    return field == "vae" and takes_vae(model)


def starting_params(model: ModelFile | None, opens: Mapping[str, Any] | None = None) -> GenerationParams:
    """What a tab opens with: the checkpoint's own settings, the first of its examples, and `opens`."""
    opens = opens or {}
    if model is None:
        return GenerationParams(**opens)
    prompt = model.examples[0] if model.examples else ""
    return GenerationParams(prompt=prompt, checkpoint=model.name, **opens).completed(model.defaults)


def samples(model: ModelFile | None) -> dict[str, Any]:
    """What the row of examples shows for a checkpoint."""
    texts = model.examples if model else ()
    return {"samples": [[text] for text in texts], "visible": bool(texts)}


def kin_choices(catalog: Catalog, model: ModelFile | None, nothing: str) -> list[str]:
    """`nothing`, and the checkpoints that can go on with what `model` began: those of its kind of latents."""
    family = model.identity.family if model else ""
    kin = next((group for group in SAME_LATENTS if family in group), (family,))
    fitting = (known for known in catalog.checkpoints() if known.problem is None)
    return [nothing, *(known.name for known in fitting if known.identity.family in kin)]


def pickers(catalog: Catalog | None = None, model: ModelFile | None = None) -> dict[str, list[str]]:
    """Field -> what its picker offers beside `model`; without a catalog those that need none."""
    fixed = {
        "sampler_name": list(SAMPLER_NAMES),
        "scheduler": list(SCHEDULE_NAMES),
        "hr_sampler_name": [FOR_NOTHING["hr_sampler_name"], *SAMPLER_NAMES],
        "hr_scheduler": [FOR_NOTHING["hr_scheduler"], *SCHEDULE_NAMES],
        "detailer": detector_names(),
    }
    if catalog is None:
        return fixed
    beside = {field: kin_choices(catalog, model, FOR_NOTHING[field]) for field in CHOSEN_BESIDE}
    return {**fixed, **beside, "hr_upscaler": hires_upscaler_names(catalog)}


def followed(
    catalog: Catalog, model: ModelFile | None, fields: Collection[str], held: Followed | None = None
) -> list[dict[str, Any]]:
    """Updates of the controls of `fields` for a checkpoint that has just been chosen.

    What is `held` beside it stays if it fits.
    """
    params = starting_params(model)
    own = model.defaults if model else {}
    values = {field: {"value": shown_value(field, getattr(params, field))} for field in (*FOLLOWERS, *own)}
    beside = {field: own.get(field) or (held or {}).get(field) for field in CHOSEN_BESIDE}
    chosen = {"vae": _vae(catalog, params), **_beside(catalog, model, beside)}
    return [
        gr.update(visible=_shown(field, model, params), **{**values, **chosen}.get(field, {}))
        for field in fields
    ]


def restored(
    catalog: Catalog,
    controls: Controls,
    params: GenerationParams,
    model: ModelFile | None,
    only: Collection[str] = tuple(GenerationParams.model_fields),
) -> list[dict[str, Any]]:
    """Updates of all `controls`, in their order, so that they show `params`: those of `only` at least.

    Whether a control is shown is told of the others, too.
    """
    beside = {field: getattr(params, field) for field in CHOSEN_BESIDE if field in only}
    chosen: dict[str, dict[str, Any]] = {
        "checkpoint": {"value": params.checkpoint, "choices": checkpoint_choices(catalog)},
        "vae": _vae(catalog, params),
        **_beside(catalog, model, beside),
        "hr_upscaler": {"value": params.hr_upscaler, "choices": hires_upscaler_names(catalog)},
        "styles": {"value": list(params.styles)},
    }
    held = {
        field: chosen.get(field, {"value": inside(control, shown_value(field, getattr(params, field)))})
        for field, control in controls.items()
        if field in only
    }
    return [gr.update(visible=_shown(field, model, params), **held.get(field, {})) for field in controls]


def brought_inside(controls: Controls, params: GenerationParams, only: Collection[str]) -> list[str]:
    """A sentence for each of the fields `only` that its slider can't show as it is."""
    sentences: list[str] = []
    for field in only:
        value = shown_value(field, getattr(params, field))
        control = controls.get(field)
        if control is not None and (shown := inside(control, value)) != value:
            title = GenerationParams.model_fields[field].title
            sentences.append(f"{title} {value:g} is beyond what the slider offers; it is set to {shown:g}.")
    return sentences


def is_shown(field: str, model: ModelFile | None, held: Mapping[str, Any]) -> bool:
    """Whether the control of `field` is shown, while the fields of LEADING are as `held` says."""
    return can_use(model, field) and applies(field, held)


def _shown(field: str, model: ModelFile | None, params: GenerationParams) -> bool:
    return is_shown(field, model, leading(params))


def _vae(catalog: Catalog, params: GenerationParams) -> dict[str, Any]:
    """A file that has gone is not chosen."""
    choices = vae_choices(catalog)
    return {"value": params.vae if params.vae in choices else "Automatic", "choices": choices}


def _beside(catalog: Catalog, model: ModelFile | None, chosen: Followed) -> dict[str, dict[str, Any]]:
    """The same of checkpoints beside the first, or of ones that don't fit it."""
    updates: dict[str, dict[str, Any]] = {}
    for field, name in chosen.items():
        choices = kin_choices(catalog, model, FOR_NOTHING[field])
        updates[field] = {"value": name if name in choices else choices[0], "choices": choices}
    return updates


def inside(control: Component, value: Any) -> Any:  # noqa: ANN401
    """`value`, brought within what a slider offers: a job from the API may lie outside."""
    return max(control.minimum, min(control.maximum, value)) if isinstance(control, gr.Slider) else value
