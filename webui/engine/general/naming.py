"""What a pipeline's own scheduler is called among A1111 users. Imports neither torch nor diffusers."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from webui.catalog.entry import COMPLETED, ModelFile

NEAREST = {
    "CogVideoXDDIM": "DDIM",
    "CogVideoXDPM": "DPM++ 2M SDE",
    "DDIM": "DDIM",
    "DDPM": "DDPM",
    "DDPMWuerstchen": "Euler a",
    "DEISMultistep": "DEIS",
    "DPMSolverMultistep": "DPM++ 2M",
    "DPMSolverSDE": "DPM++ SDE",
    "DPMSolverSinglestep": "DPM++ 2S a",
    "EDMDPMSolverMultistep": "DPM++ 2M",
    "EDMEuler": "Euler",
    "EulerAncestralDiscrete": "Euler a",
    "EulerDiscrete": "Euler",
    "FlowMatchEulerDiscrete": "Euler",
    "FlowMatchHeunDiscrete": "Heun",
    "FlowMatchLCM": "LCM",
    "HeunDiscrete": "Heun",
    "KDPM2AncestralDiscrete": "DPM2 a",
    "KDPM2Discrete": "DPM2",
    "LCM": "LCM",
    "LMSDiscrete": "LMS",
    "PNDM": "PLMS",
    "SCM": "LCM",
    "TCD": "TCD",
    "UniPCMultistep": "UniPC",
}
"""diffusers' schedulers, without "Scheduler", and the samplers nearest to them. Others count as Euler."""

FROM_PICTURES = {
    # Its inpainting pipeline asks Chroma's transformer for an option that it doesn't have.
    "ChromaPipeline": ("ChromaImg2ImgPipeline", "ChromaImg2ImgPipeline"),
    "FluxPipeline": ("FluxImg2ImgPipeline", "FluxInpaintPipeline"),
    "QwenImagePipeline": ("QwenImageImg2ImgPipeline", "QwenImageInpaintPipeline"),
    "StableDiffusion3Pipeline": ("StableDiffusion3Img2ImgPipeline", "StableDiffusion3InpaintPipeline"),
    "ZImagePipeline": ("ZImageImg2ImgPipeline", "ZImageInpaintPipeline"),
}
"""Pipelines of families that can start from pictures -> those that do, without and with a mask."""


def starts_from_pictures(model: ModelFile) -> bool:
    """Whether `model`, which a diffusers pipeline draws with, can start from a picture."""
    return model.identity.family in COMPLETED or model.identity.pipeline in FROM_PICTURES


def sampler_of(source: object) -> str:
    """A1111's name for the sampler that a diffusers scheduler, or a model that brings one, draws with.

    `source`: a ModelFile (a folder's `scheduler_config.json` is read; single files draw with Euler) or a
    scheduler object.
    """
    config = _config(source)
    name = str(config.get("_class_name", "")).removesuffix("Scheduler")
    if name == "DPMSolverMultistep" and str(config.get("algorithm_type", "")).startswith("sde-"):
        return _stochastic(config)
    return NEAREST.get(name, "Euler")


def _stochastic(config: Mapping[str, Any]) -> str:
    if config.get("solver_order") == 3:
        return "DPM++ 3M SDE"
    return "DPM++ 2M SDE Heun" if config.get("solver_type") == "heun" else "DPM++ 2M SDE"


def _config(source: object) -> Mapping[str, Any]:
    if not isinstance(source, ModelFile):
        return {**getattr(source, "config", {}), "_class_name": type(source).__name__}
    try:
        file = source.path / "scheduler" / "scheduler_config.json"
        return json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
