"""What a pipeline is called with: of a person's wishes, those that it knows."""

from __future__ import annotations

import inspect
from dataclasses import dataclass
from typing import Any

from webui.engine.general.kinds import Pipeline
from webui.engine.general.naming import FROM_PICTURES
from webui.params import GenerationParams
from webui.prompting.networks import Network

SCHNELL_TOKENS = 256
"""How much of a prompt Flux without distilled guidance (schnell) was trained to read (BFL's own code)."""

PLAIN = {
    "use_resolution_binning": False,  # else the picture would be drawn at another size and cropped
    "clean_caption": False,  # else prompts would be rewritten, where optional packages are installed
    "enable_prompt_rewrite": False,  # LongCat-Image
    "use_pe": False,  # the same of ERNIE-Image
    "intermediate_timesteps": None,  # Sana Sprint's default fits two steps only
    "guidance_schedule": None,  # Ideogram 4's default would overrule the guidance
}
"""Options that, where a pipeline has them, keep it to what was asked for."""

FROM_ZERO = ("ZImage", "Krea2")
"""Pipelines whose guidance w is added, c + w(c - u): one less than the usual one in u + w(c - u)."""


@dataclass(frozen=True)
class Call:
    """A pipeline's arguments, but for seeds and how many pictures; what couldn't be heeded; the true size."""

    arguments: dict[str, Any]
    notices: tuple[str, ...]
    width: int
    height: int
    networks: tuple[Network, ...] = ()
    """What its prompt names in <...>."""


def prepare(pipeline: Pipeline, params: GenerationParams) -> Call:
    """The call of `pipeline` that comes nearest to `params`."""
    takes = set(inspect.signature(type(pipeline).__call__).parameters)
    width, height = fitting(pipeline, params.width, params.height)
    notices: list[str] = []
    if (width, height) != (params.width, params.height):
        notices.append(
            f"This model draws in steps of {grain(pipeline)} pixels: {width}x{height} instead of "
            f"{params.width}x{params.height}."
        )
    if params.negative_prompt and not _hears_negative(pipeline, takes):
        notices.append("This model knows no negative prompt; it was left out.")
    wishes = {
        **PLAIN,
        **_guidance(pipeline, takes, params.cfg_scale),
        "prompt": params.prompt,
        "num_inference_steps": params.steps,
        "width": width,
        "height": height,
        # Floats from 0 to 1, in which NaN can still be seen.
        "output_type": "np",
        "return_dict": False,
    }
    if _hears_negative(pipeline, takes):
        # Never None: Qwen-Image turns guidance off without one.
        wishes["negative_prompt"] = params.negative_prompt
    if _is_schnell(pipeline):
        wishes["max_sequence_length"] = SCHNELL_TOKENS
    return Call(
        {name: value for name, value in wishes.items() if name in takes}, tuple(notices), width, height
    )


def fitting(pipeline: Pipeline, width: int, height: int) -> tuple[int, int]:
    """The size nearest to `width` x `height` that `pipeline` can draw."""
    step = grain(pipeline)
    return max(step, round(width / step) * step), max(step, round(height / step) * step)


def grain(pipeline: Pipeline) -> int:
    """The pixels that a picture's sides are multiples of: what one token of the transformer covers."""
    scale = int(getattr(pipeline, "vae_scale_factor", 8))
    transformer = getattr(pipeline, "transformer", None)
    if transformer is None:
        return scale
    if any(hasattr(pipeline, name) for name in ("_unpack_latents", "_unpack_latents_with_ids")):
        return scale * 2
    # Z-Image has patches of two, too, but keeps the number under another name.
    patch = transformer.config.get("patch_size", 2)
    return scale * int(max(patch) if isinstance(patch, (list, tuple)) else patch)


def distilled(pipeline: Pipeline) -> bool:
    """Whether guidance is an input of the transformer (Flux dev); there is no second, negative pass then."""
    transformer = getattr(pipeline, "transformer", None)
    return bool(transformer is not None and transformer.config.get("guidance_embeds", False))


def _hears_negative(pipeline: Pipeline, takes: set[str]) -> bool:
    # With a "true" guidance beside it, the distilled one is what `cfg_scale` sets.
    second_pass = not ("true_cfg_scale" in takes and distilled(pipeline))
    return "negative_prompt" in takes and second_pass and not pipeline.config.get("is_distilled", False)


def _guidance(pipeline: Pipeline, takes: set[str], scale: float) -> dict[str, float]:
    """`scale` under the name that it has in this pipeline."""
    if "true_cfg_scale" in takes and not distilled(pipeline):
        return {"true_cfg_scale": scale}
    if type(pipeline).__name__.startswith(FROM_ZERO):
        scale -= 1
    return {"guidance_scale": scale, "distilled_guidance_scale": scale}


def _is_schnell(pipeline: Pipeline) -> bool:
    name = type(pipeline).__name__
    return name in ("FluxPipeline", *FROM_PICTURES["FluxPipeline"]) and not distilled(pipeline)
