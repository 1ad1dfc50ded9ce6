"""SD 3 and Flux from single files, as Stability, BFL and ComfyUI publish them, whole or in parts."""

from __future__ import annotations

import math
from collections.abc import Callable, Generator
from contextlib import contextmanager
from functools import partial
from typing import Any, cast

import torch
from diffusers.models.transformers.transformer_flux import FluxTransformer2DModel
from diffusers.models.transformers.transformer_sd3 import SD3Transformer2DModel
from diffusers.pipelines.flux.pipeline_flux import FluxPipeline
from diffusers.pipelines.stable_diffusion_3.pipeline_stable_diffusion_3 import StableDiffusion3Pipeline
from diffusers.schedulers.scheduling_flow_match_euler_discrete import FlowMatchEulerDiscreteScheduler
from torch import nn
from transformers import (
    CLIPTextModel,
    CLIPTextModelWithProjection,
)

from webui.catalog.entry import ModelFile
from webui.catalog.vae_choice import without_vae
from webui.engine.general import networks, shapes
from webui.engine.general.beside import Beside, Making
from webui.engine.general.encoders import for_flux, for_sd3
from webui.engine.general.kinds import Pipeline
from webui.engine.general.sources import TRANSFORMERS, VAES, Source, source, text_encoders
from webui.engine.general.tokenizers import clip_tokenizer, t5_tokenizer
from webui.engine.protocol import EngineError

SD3_SIGNS = ("joint_blocks.0.x_block.attn.qkv.weight", "transformer_blocks.0.attn.add_k_proj.weight")
FLUX_SIGNS = ("double_blocks.0.img_attn.qkv.weight", "single_transformer_blocks.0.attn.to_q.weight")
"""What tells a transformer, in the first release's names and in diffusers'."""
ENCODER_SIGNS = ("encoder.down.0.block.0.conv1.weight", "encoder.down_blocks.0.resnets.0.conv1.weight")
"""The same of a VAE that can encode."""
T5_TOKENS = {"sd3": 256, "flux": 512}


def parts(file: ModelFile, beside: Beside) -> dict[str, Making]:
    """What loads each network; see `loading.parts`. SD 3 goes without T5 where there is none.

    Raises:
        EngineError: a network is missing, or the file isn't of a known form.
    """
    find = _sd3_parts if file.identity.family == "sd3" else _flux_parts
    with _whole(file):
        return find(file, beside)


def build(file: ModelFile, modules: dict[str, nn.Module], beside: Beside) -> Pipeline:
    """The pipeline around `modules`; see `loading.build`.

    Raises:
        EngineError: T5's tokenizer is missing.
    """
    pipeline = _sd3(modules, beside) if file.identity.family == "sd3" else _flux(modules, beside)
    pipeline.set_progress_bar_config(disable=True)
    return pipeline


@contextmanager
def _whole(file: ModelFile) -> Generator[None]:
    """Says in a sentence which weight isn't there."""
    try:
        yield
    except KeyError as error:
        raise EngineError(f'"{file.name}" lacks weights, {error.args[0]} for one.') from error


def _making(make: Callable[..., nn.Module], file: ModelFile, source: Source, *how: object) -> Making:
    count = sum(math.prod(shape) for shape in source.shapes.values())
    return Making(source.path, count, partial(_made, file, partial(make, file, source, *how)))


def _made(file: ModelFile, make: Callable[[torch.dtype], nn.Module], dtype: torch.dtype) -> nn.Module:
    with _whole(file):
        return make(dtype)


def _sd3_parts(file: ModelFile, beside: Beside) -> dict[str, Making]:
    transformer = _transformer(file, "an SD 3", SD3_SIGNS)
    found = text_encoders(file.path, (each.path for each in beside.text_encoders))
    widths = shapes.pooled_width(transformer.shapes), shapes.text_width(transformer.shapes)
    encoders = for_sd3(found, *widths, file.name)
    made = {
        "transformer": _making(networks.transformer, file, transformer, SD3Transformer2DModel),
        "vae": _making(networks.vae, file, _vae_source(file, beside), "sd3"),
        "text_encoder": _making(networks.clip, file, encoders["text_encoder"], CLIPTextModelWithProjection),
        "text_encoder_2": _making(
            networks.clip, file, encoders["text_encoder_2"], CLIPTextModelWithProjection
        ),
    }
    t5 = encoders.get("text_encoder_3")
    return {**made, "text_encoder_3": _making(networks.t5_encoder, file, t5)} if t5 else made


def _flux_parts(file: ModelFile, beside: Beside) -> dict[str, Making]:
    transformer = _transformer(file, "a Flux", FLUX_SIGNS)
    found = text_encoders(file.path, (each.path for each in beside.text_encoders))
    widths = shapes.pooled_width(transformer.shapes), shapes.text_width(transformer.shapes)
    encoders = for_flux(found, *widths, file.name)
    return {
        "transformer": _making(networks.transformer, file, transformer, FluxTransformer2DModel),
        "vae": _making(networks.vae, file, _vae_source(file, beside), "flux"),
        "text_encoder": _making(networks.clip, file, encoders["text_encoder"], CLIPTextModel),
        "text_encoder_2": _making(networks.t5_encoder, file, encoders["text_encoder_2"]),
    }


def _transformer(file: ModelFile, what: str, signs: tuple[str, ...]) -> Source:
    found = source(file.path, TRANSFORMERS, *signs)
    if found is None:
        raise EngineError(f'"{file.name}" holds no weights of {what} model in a form that can be read.')
    if found.is_scaled:
        raise EngineError(
            f'"{file.name}" is in scaled fp8, which can\'t be read yet. Use the fp16, bf16 or plain fp8 file.'
        )
    return found


def _vae_source(file: ModelFile, beside: Beside) -> Source:
    path = beside.vae.path if beside.vae else file.path
    found = source(path, VAES, "decoder.conv_in.weight")
    if found is None and not beside.vae:
        raise EngineError(without_vae((), file))
    if found is None or not any(sign in found.shapes for sign in ENCODER_SIGNS):
        raise EngineError(f"The VAE in {path.name} is not whole. Choose another under SD VAE.")
    return found


def _sd3(modules: dict[str, nn.Module], beside: Beside) -> Pipeline:
    with_t5 = "text_encoder_3" in modules
    components: dict[str, Any] = {
        "scheduler": FlowMatchEulerDiscreteScheduler(shift=3.0),
        "tokenizer": clip_tokenizer("<|endoftext|>"),
        "tokenizer_2": clip_tokenizer("!"),
        "tokenizer_3": t5_tokenizer(beside.t5_tokenizer, T5_TOKENS["sd3"]) if with_t5 else None,
        "text_encoder_3": None,
    }
    return cast(Any, StableDiffusion3Pipeline)(**{**components, **modules})


def _flux(modules: dict[str, nn.Module], beside: Beside) -> Pipeline:
    # Only what has guidance as an input (dev) was trained to shift the noise with the size.
    dev = bool(cast(Any, modules["transformer"]).config.guidance_embeds)
    components: dict[str, Any] = {
        "scheduler": FlowMatchEulerDiscreteScheduler(shift=3.0 if dev else 1.0, use_dynamic_shifting=dev),
        "tokenizer": clip_tokenizer("<|endoftext|>"),
        "tokenizer_2": t5_tokenizer(beside.t5_tokenizer, T5_TOKENS["flux"]),
    }
    return cast(Any, FluxPipeline)(**{**components, **modules})
