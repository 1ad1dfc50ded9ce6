"""The "parameters" text that AUTOMATIC1111 puts into its pictures, and that others read.

Form: the prompt; a line "Negative prompt: ..." if there is one; a line of "Key: value" pairs.
"""

from __future__ import annotations

import json
from dataclasses import dataclass

from webui import __version__
from webui.params import GenerationParams


@dataclass(frozen=True)
class ModelIdentity:
    """The checkpoint that drew a picture: its name and the first ten digits of its sha256, if known.

    The same of the VAE, where it was another than the checkpoint's own.
    """

    name: str
    hash: str | None
    vae: str | None = None
    vae_hash: str | None = None
    fp8: bool = False
    """Whether its weights were kept in 8 bits, which changes pictures."""


def quote(value: object) -> str:
    """A value as it stands in the text: JSON-quoted if it holds a comma, a colon or a line break."""
    text = str(value)
    if any(sign in text for sign in ",:\n"):
        return json.dumps(text, ensure_ascii=False)
    return text


def write(params: GenerationParams, seed: int, model: ModelIdentity) -> str:
    """The text for one picture drawn by `model` from `params` with `seed`."""
    pairs: dict[str, object] = {
        "Steps": params.steps,
        "Sampler": params.sampler_name,
        "Schedule type": params.scheduler,
        "CFG scale": f"{params.cfg_scale:g}",
        "Seed": seed,
        "Size": f"{params.width}x{params.height}",
        "Model hash": model.hash,
        "Model": model.name,
        "FP8 weight": "Enable" if model.fp8 else None,
        "VAE hash": model.vae_hash,
        "VAE": model.vae,
        "Clip skip": params.clip_skip if params.clip_skip > 1 else None,
        # A1111 leaves the key out where noise is drawn on the GPU; ours is always drawn on the CPU.
        "RNG": "CPU",
        "Step cache": params.step_cache if params.step_cache > 1 else None,
        "Version": f"Darkroom {__version__}",
    }
    negative = f"\nNegative prompt: {params.negative_prompt}" if params.negative_prompt else ""
    line = ", ".join(f"{key}: {quote(value)}" for key, value in pairs.items() if value is not None)
    return f"{params.prompt}{negative}\n{line}".strip()
