"""SD 3 and Flux from single files, as Stability, BFL and ComfyUI publish them."""

from __future__ import annotations

from collections.abc import Callable, Generator
from contextlib import contextmanager
from functools import partial
from itertools import product
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
from webui.engine.general import networks
from webui.engine.general.beside import Beside
from webui.engine.general.kinds import Pipeline
from webui.engine.general.sources import CLIP_SIGN, T5_SIGN, TRANSFORMERS, VAES, Source, source, text_encoders
from webui.engine.general.tokenizers import clip_tokenizer, t5_tokenizer
from webui.engine.protocol import EngineError

PLACE = "Put {} into models/text_encoder; the Models tab can download it."
T5_TOKENS = {"sd3": 256, "flux": 512}


def parts(file: ModelFile, beside: Beside) -> dict[str, Callable[[torch.dtype], nn.Module]]:
    """What loads each network; see `loading.parts`. SD 3 goes without T5 where there is none.

    Raises:
        EngineError: a network is missing, or the file isn't of a known form.
    """
    find = _sd3_parts if file.identity.family == "sd3" else _flux_parts
    with _whole(file):
        makers = find(file, beside)
    return {name: partial(_made, file, make) for name, make in makers.items()}


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


def _made(file: ModelFile, make: Callable[[torch.dtype], nn.Module], dtype: torch.dtype) -> nn.Module:
    with _whole(file):
        return make(dtype)


def _sd3_parts(file: ModelFile, beside: Beside) -> dict[str, Callable[[torch.dtype], nn.Module]]:
    transformer = _needed(
        source(file.path, TRANSFORMERS, "joint_blocks.0.x_block.attn.qkv.weight"), file, "an SD 3"
    )
    encoders = text_encoders(file.path, (each.path for each in beside.text_encoders))
    pooled = transformer.shapes["y_embedder.mlp.0.weight"][1]
    narrow, wide = _clip_pair(encoders, pooled, file)
    t5 = _t5(encoders, transformer.shapes["context_embedder.weight"][1])
    made: dict[str, Callable[[torch.dtype], nn.Module]] = {
        "transformer": partial(networks.transformer, file, transformer, SD3Transformer2DModel),
        "vae": partial(networks.vae, file, _vae_source(file, beside), "sd3"),
        "text_encoder": partial(networks.clip, file, narrow, CLIPTextModelWithProjection),
        "text_encoder_2": partial(networks.clip, file, wide, CLIPTextModelWithProjection),
    }
    return {**made, "text_encoder_3": partial(networks.t5_encoder, file, t5)} if t5 else made


def _flux_parts(file: ModelFile, beside: Beside) -> dict[str, Callable[[torch.dtype], nn.Module]]:
    transformer = _needed(
        source(file.path, TRANSFORMERS, "double_blocks.0.img_attn.qkv.weight"), file, "a Flux"
    )
    encoders = text_encoders(file.path, (each.path for each in beside.text_encoders))
    pooled = transformer.shapes["vector_in.in_layer.weight"][1]
    clip = next((each for each in encoders if _width(each) == pooled), None)
    if clip is None:
        raise EngineError(
            f'"{file.name}" needs the text encoder CLIP-L. {PLACE.format("clip_l.safetensors")}'
        )
    t5 = _t5(encoders, transformer.shapes["txt_in.weight"][1])
    if t5 is None:
        raise EngineError(
            f'"{file.name}" needs the text encoder T5-XXL. {PLACE.format("t5xxl_fp16.safetensors")}'
        )
    return {
        "transformer": partial(networks.transformer, file, transformer, FluxTransformer2DModel),
        "vae": partial(networks.vae, file, _vae_source(file, beside), "flux"),
        "text_encoder": partial(networks.clip, file, clip, CLIPTextModel),
        "text_encoder_2": partial(networks.t5_encoder, file, t5),
    }


def _needed(found: Source | None, file: ModelFile, what: str) -> Source:
    if found is None:
        raise EngineError(f'"{file.name}" holds no weights of {what} model in the form of its first release.')
    if _is_scaled(found):
        raise EngineError(
            f'"{file.name}" is in scaled fp8, which can\'t be read yet. Use the fp16, bf16 or plain fp8 file.'
        )
    return found


def _is_scaled(found: Source) -> bool:
    """Whether its 8-bit weights must be multiplied by numbers beside them, which diffusers doesn't do."""
    return any(name.endswith((".scale_weight", ".weight_scale", ".input_scale")) for name in found.shapes)


def _vae_source(file: ModelFile, beside: Beside) -> Source:
    path = beside.vae.path if beside.vae else file.path
    found = source(path, VAES, "decoder.conv_in.weight")
    if found is None or "encoder.down.0.block.0.conv1.weight" not in found.shapes:
        raise EngineError(
            f'"{file.name}" needs a VAE: put ae.safetensors (Flux) or SD 3\'s VAE into models/VAE and '
            "choose it as SD VAE; the Models tab can download it."
        )
    return found


def _width(encoder: Source) -> int:
    """The width of a CLIP; 0 of others."""
    return encoder.shapes[CLIP_SIGN][1] if CLIP_SIGN in encoder.shapes else 0


def _clip_pair(encoders: list[Source], pooled: int, file: ModelFile) -> tuple[Source, Source]:
    """The two CLIPs whose widths make up the pooled embedding, the narrow one first."""
    clips = [each for each in encoders if _width(each)]
    for narrow, wide in product(clips, clips):
        if _width(narrow) < _width(wide) and _width(narrow) + _width(wide) == pooled:
            return narrow, wide
    files = "clip_l.safetensors and clip_g.safetensors"
    raise EngineError(f'"{file.name}" needs the text encoders CLIP-L and CLIP-G. {PLACE.format(files)}')


def _t5(encoders: list[Source], width: int) -> Source | None:
    """The first T5 of that width that can be read."""
    fitting = (each for each in encoders if T5_SIGN in each.shapes and each.shapes[T5_SIGN][1] == width)
    return next((each for each in fitting if not _is_scaled(each)), None)


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
