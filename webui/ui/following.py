"""How the controls follow the checkpoint: its own settings, and nothing shown that it can't use."""

from __future__ import annotations

from typing import Any

import gradio as gr
from gradio.components import Component

from webui.catalog.catalog import Catalog
from webui.catalog.entry import CLASSIC, ModelFile
from webui.catalog.vae_choice import takes_vae
from webui.params import GenerationParams
from webui.ui.components.controls import Controls
from webui.ui.quicksettings import checkpoint_choices, vae_choices

FOLLOWERS = ("width", "height", "steps", "cfg_scale", "sampler_name", "scheduler", "vae", "clip_skip")
"""The fields that are set anew when another checkpoint is chosen."""
OWN_LOOP_ONLY = ("sampler_name", "scheduler", "vae", "clip_skip", "step_cache")
"""The fields that only Darkroom's own sampling loop knows; diffusers' pipelines go their own way.

But for "vae": single files of SD 3 and Flux take one, too.
"""
TRAINED_FOR = ("prediction", "zero_snr")
"""What can be said of a model's training, for the same loop."""
CHANGING = (*FOLLOWERS, "step_cache")
"""The fields whose controls change with the checkpoint, be it only that they are shown."""


def can_use(model: ModelFile | None, field: str) -> bool:
    """Whether `field` means anything to `model`."""
    if field not in OWN_LOOP_ONLY or model is None or model.identity.family in ("", *CLASSIC):
        return True
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


def followed(catalog: Catalog, model: ModelFile | None) -> list[dict[str, Any]]:
    """Updates of the controls of `CHANGING` for a checkpoint that has just been chosen."""
    params = starting_params(model)
    values = {field: {"value": getattr(params, field)} for field in FOLLOWERS} | {
        "vae": _vae(catalog, params)
    }
    return [gr.update(visible=can_use(model, field), **values.get(field, {})) for field in CHANGING]


def restored(
    catalog: Catalog, controls: Controls, params: GenerationParams, model: ModelFile | None
) -> list[dict[str, Any]]:
    """Updates of all `controls`, in their order, so that they show `params`."""
    pickers: dict[str, dict[str, Any]] = {
        "checkpoint": {"value": params.checkpoint, "choices": checkpoint_choices(catalog)},
        "vae": _vae(catalog, params),
    }
    return [
        gr.update(
            visible=can_use(model, field),
            **pickers.get(field, {"value": _inside(control, getattr(params, field))}),
        )
        for field, control in controls.items()
    ]


def _vae(catalog: Catalog, params: GenerationParams) -> dict[str, Any]:
    """A file that has gone is not chosen."""
    choices = vae_choices(catalog)
    return {"value": params.vae if params.vae in choices else "Automatic", "choices": choices}


def _inside(control: Component, value: Any) -> Any:  # noqa: ANN401
    # A job from the API may lie outside what the slider offers.
    return max(control.minimum, min(control.maximum, value)) if isinstance(control, gr.Slider) else value
