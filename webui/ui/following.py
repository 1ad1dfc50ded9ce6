"""How the controls follow the checkpoint: its own settings, and nothing shown that it can't use."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

import gradio as gr
from gradio.components import Component

from webui.catalog.catalog import Catalog
from webui.catalog.entry import CLASSIC, ModelFile
from webui.catalog.vae_choice import takes_vae
from webui.jobs.wishes import PIPELINES_USE
from webui.params import GenerationParams
from webui.ui.components.controls import Controls
from webui.ui.quicksettings import checkpoint_choices, vae_choices
from webui.ui.sections import NO_REFINER, applies

FOLLOWERS = ("width", "height", "steps", "cfg_scale", "sampler_name", "scheduler", "vae", "clip_skip")
"""The fields that are set anew when another checkpoint is chosen."""
OWN_LOOP_ONLY = tuple(
    field for field in GenerationParams.model_fields if field not in PIPELINES_USE or field == "vae"
)
"""The fields that only Darkroom's own sampling loop knows; diffusers' pipelines go their own way.

But for "vae": single files of SD 3 and Flux take one, too.
"""
MEANT_FOR: dict[str, tuple[str, ...]] = {"clip_skip": ("sd1",), "token_merging_ratio": ("sd1", "sd2")}
"""Fields that change nothing for other families of our own loop: A1111 skips layers of SD 1.x's encoder only,
and SDXL has no attention at full resolution."""
SAME_LATENTS = (("sd1", "sd2"), ("sdxl", "sdxl-refiner"))
"""Families of which one can go on with another's unfinished picture."""
TRAINED_FOR = ("prediction", "zero_snr")
"""What can be said of a model's training, for the same loop."""
CHANGING = (*FOLLOWERS, *(field for field in OWN_LOOP_ONLY if field not in FOLLOWERS))
"""The fields whose controls change with the checkpoint, be it only that they are shown."""


def can_use(model: ModelFile | None, field: str) -> bool:
    """Whether `field` means anything to `model`."""
    family = model.identity.family if model else ""
    if model is None or not family or field not in OWN_LOOP_ONLY:
        return True
    if family in CLASSIC:
        return family in MEANT_FOR.get(field, CLASSIC)
    return field == "vae" and takes_vae(model)


def starting_params(model: ModelFile | None) -> GenerationParams:
    """What the page opens with: the checkpoint's own settings and the first of its examples."""
    if model is None:
        return GenerationParams()
    prompt = model.examples[0] if model.examples else ""
    return GenerationParams(prompt=prompt, checkpoint=model.name).completed(model.defaults)


def samples(model: ModelFile | None) -> dict[str, Any]:
    """What the row of examples shows for a checkpoint."""
    texts = model.examples if model else ()
    return {"samples": [[text] for text in texts], "visible": bool(texts)}


def refiner_choices(catalog: Catalog, model: ModelFile | None) -> list[str]:
    """No refiner, and the checkpoints that can finish what `model` began: those of its kind of latents."""
    family = model.identity.family if model else ""
    kin = next((group for group in SAME_LATENTS if family in group), (family,))
    fitting = (known for known in catalog.checkpoints() if known.problem is None)
    return [NO_REFINER, *(known.name for known in fitting if known.identity.family in kin)]


def followed(catalog: Catalog, model: ModelFile | None, refiner: str | None = None) -> list[dict[str, Any]]:
    """Updates of the controls of `CHANGING` for a checkpoint that has just been chosen.

    `refiner`, the one chosen so far, stays if it fits.
    """
    params = starting_params(model)
    own = model.defaults if model else {}
    values = {field: {"value": getattr(params, field)} for field in (*FOLLOWERS, *own)}
    pickers = {
        "vae": _vae(catalog, params),
        "refiner_checkpoint": _refiner(catalog, own.get("refiner_checkpoint") or refiner, model),
    }
    return [
        gr.update(
            visible=_shown(field, model, params),
            **{**values, **pickers}.get(field, {}),
        )
        for field in CHANGING
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
    pickers: dict[str, dict[str, Any]] = {
        "checkpoint": {"value": params.checkpoint, "choices": checkpoint_choices(catalog)},
        "vae": _vae(catalog, params),
        "refiner_checkpoint": _refiner(catalog, params.refiner_checkpoint, model),
        "styles": {"value": list(params.styles)},
    }
    held = {
        field: pickers.get(field, {"value": inside(control, getattr(params, field))})
        for field, control in controls.items()
        if field in only
    }
    return [gr.update(visible=_shown(field, model, params), **held.get(field, {})) for field in controls]


def brought_inside(controls: Controls, params: GenerationParams, only: Collection[str]) -> list[str]:
    """A sentence for each of the fields `only` that its slider can't show as it is."""
    sentences: list[str] = []
    for field in only:
        value = getattr(params, field)
        control = controls.get(field)
        if control is not None and (shown := inside(control, value)) != value:
            title = GenerationParams.model_fields[field].title
            sentences.append(f"{title} {value:g} is beyond what the slider offers; it is set to {shown:g}.")
    return sentences


def is_shown(field: str, model: ModelFile | None, sampler: str, schedule: str) -> bool:
    """Whether the control of `field` is shown."""
    return can_use(model, field) and applies(field, sampler, schedule)


def _shown(field: str, model: ModelFile | None, params: GenerationParams) -> bool:
    return is_shown(field, model, params.sampler_name, params.scheduler)


def _vae(catalog: Catalog, params: GenerationParams) -> dict[str, Any]:
    """A file that has gone is not chosen."""
    choices = vae_choices(catalog)
    return {"value": params.vae if params.vae in choices else "Automatic", "choices": choices}


def _refiner(catalog: Catalog, chosen: str | None, model: ModelFile | None) -> dict[str, Any]:
    """The same of a checkpoint, or of one that doesn't fit."""
    choices = refiner_choices(catalog, model)
    return {"value": chosen if chosen in choices else NO_REFINER, "choices": choices}


def inside(control: Component, value: Any) -> Any:  # noqa: ANN401
    """`value`, brought within what a slider offers: a job from the API may lie outside."""
    return max(control.minimum, min(control.maximum, value)) if isinstance(control, gr.Slider) else value
