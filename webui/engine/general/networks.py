"""The networks of SD 3 and Flux, from their weights in single files."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import torch
from accelerate import init_empty_weights
from diffusers.loaders.single_file_utils import (
    convert_ldm_vae_checkpoint,
    convert_sd3_transformer_checkpoint_to_diffusers,
)
from diffusers.models.autoencoders.autoencoder_kl import AutoencoderKL
from diffusers.models.transformers.transformer_flux import FluxTransformer2DModel
from torch import Tensor, nn
from transformers import CLIPTextConfig, CLIPTextModel, T5Config, T5EncoderModel

from webui.catalog.entry import ModelFile
from webui.engine.general import flux_names, shapes
from webui.engine.general.errors import explained
from webui.engine.general.kinds import NetworkClass
from webui.engine.general.sources import CLIP_SIGN, Source
from webui.engine.protocol import EngineError

VAE_SCALING = {"sd3": (1.5305, 0.0609), "flux": (0.3611, 0.1159)}
"""Scale and shift of the latents, from the published VAEs' configs."""


def transformer(file: ModelFile, found: Source, kind: NetworkClass, dtype: torch.dtype) -> nn.Module:
    """A Flux or SD 3 transformer, whichever `kind` is, in the first release's names or in diffusers'.

    Raises:
        EngineError: see `fill`; of all that follow, too.
        KeyError: a weight is missing, by name; of all that follow, too.
    """
    weights = found.weights()
    flux = kind is FluxTransformer2DModel
    if not shapes.count(found.shapes, "transformer_blocks."):
        weights = (flux_names.to_diffusers if flux else convert_sd3_transformer_checkpoint_to_diffusers)(
            weights
        )
    told = {name: tuple(weight.shape) for name, weight in weights.items()}
    config = shapes.flux(told) if flux else shapes.sd3(told)
    return fill(file, lambda: kind(**config), weights, dtype)


def vae(file: ModelFile, found: Source, family: str, dtype: torch.dtype) -> nn.Module:
    """The VAE, in the first release's names or in diffusers'."""
    config = shapes.vae(found.shapes, *VAE_SCALING[family])
    weights = found.weights()
    if not shapes.count(found.shapes, "encoder.down_blocks."):
        weights = convert_ldm_vae_checkpoint(weights, config)
    return fill(file, lambda: AutoencoderKL(**config), weights, dtype)


def clip(file: ModelFile, found: Source, kind: NetworkClass, dtype: torch.dtype) -> nn.Module:
    """A CLIP text encoder: a CLIPTextModel or CLIPTextModelWithProjection."""
    config = CLIPTextConfig(**shapes.clip(found.shapes))
    weights = found.weights()
    if kind is CLIPTextModel:
        # transformers has this class alone without the wrapper that the names tell of.
        weights = {name.removeprefix("text_model."): weight for name, weight in weights.items()}
    elif "text_projection.weight" not in weights:
        # Files for Flux leave it out; ComfyUI takes it as the identity, too.
        weights["text_projection.weight"] = torch.eye(found.shapes[CLIP_SIGN][1])
    return fill(file, lambda: kind(config), weights, dtype)


def t5_encoder(file: ModelFile, found: Source, dtype: torch.dtype) -> nn.Module:
    """T5's encoder."""
    config = T5Config(**shapes.t5(found.shapes))
    weights = found.weights()
    for one, other in (
        ("shared.weight", "encoder.embed_tokens.weight"),
        ("encoder.embed_tokens.weight", "shared.weight"),
    ):
        if one in weights:
            weights.setdefault(other, weights[one])
    return fill(file, lambda: T5EncoderModel(config), weights, dtype)


def fill(
    file: ModelFile, make: Callable[[], nn.Module], weights: Mapping[str, Tensor], dtype: torch.dtype
) -> nn.Module:
    """The network that `make` makes, with `weights` in `dtype`; more than it needs may be given.

    Raises:
        EngineError: weights are missing, or have other shapes.
    """
    with init_empty_weights(include_buffers=False):
        module = make()
    # T5 overflows in fp16 without this.
    exact: tuple[str, ...] = tuple(getattr(module, "_keep_in_fp32_modules", None) or ())
    names = module.state_dict().keys()
    if missing := sorted(name for name in names if name not in weights):
        raise EngineError(f'"{file.name}" lacks {len(missing)} of its weights, {missing[0]} for one.')
    formats = {name: torch.float32 if _is_exact(name, exact, dtype) else dtype for name in names}
    try:
        module.load_state_dict({name: weights[name].to(formats[name]) for name in names}, assign=True)
    except RuntimeError as error:
        raise explained(file.name, "can't be loaded", error) from error
    return module.eval().requires_grad_(False)


def _is_exact(name: str, exact: tuple[str, ...], dtype: torch.dtype) -> bool:
    return dtype == torch.float16 and any(part in name.split(".") for part in exact)
