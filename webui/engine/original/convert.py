"""Weights under the names of a family's first release -> under those of diffusers' and transformers' modules.

Weights are renamed, reshaped and cut, all of which are views: nothing is read from a mapped file but one
small matrix that must be turned.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, cast

from diffusers.loaders import single_file_utils
from torch import Tensor

from webui.engine.original.names import is_open_clip, own_name

Weights = dict[str, Tensor]

UNET_PREFIX = "model.diffusion_model."
"""Before a UNet's names in checkpoints; diffusers' converter looks for it."""

OPEN_CLIP_NAMES = {
    "token_embedding.weight": "embeddings.token_embedding.weight",
    "positional_embedding": "embeddings.position_embedding.weight",
    "ln_final.": "final_layer_norm.",
    "transformer.resblocks.": "encoder.layers.",
    ".ln_1.": ".layer_norm1.",
    ".ln_2.": ".layer_norm2.",
    ".attn.": ".self_attn.",
    ".mlp.c_fc.": ".mlp.fc1.",
    ".mlp.c_proj.": ".mlp.fc2.",
}


def convert(part: str, family: str, weights: Mapping[str, Tensor], config: dict[str, Any]) -> Weights:
    """A part's weights in a file, by their names there -> by the names of the module that `build` makes.

    What no module knows keeps a name that none has, so that loading tells of it. `config`: the part's, from
    `configs`. Already converted names (a VAE in diffusers' layout) stay.
    """
    own = {own_name(key, family): weight for key, weight in weights.items()}
    if part == "unet":
        return _unet(own, config)
    if part == "vae":
        return _vae(own, config)
    if not is_open_clip(part, family):
        return own
    return _open_clip(own, config, projected=part == "text_encoder_2")


def _unet(own: Weights, config: dict[str, Any]) -> Weights:
    known = dict(config)
    if not all(f"label_emb.0.{layer}.{kind}" in own for layer in (0, 2) for kind in ("weight", "bias")):
        known["addition_embed_type"] = None  # it is asked for without looking whether it is there
    prefixed = {UNET_PREFIX + name: weight for name, weight in own.items()}
    return _with_the_rest(own, cast(Any, single_file_utils).convert_ldm_unet_checkpoint(prefixed, known))


def _vae(own: Weights, config: dict[str, Any]) -> Weights:
    # Attention was made of 1x1 convolutions, and is of linear layers now.
    linear = {
        name: weight.flatten(1) if ".mid.attn_1." in name and weight.ndim > 2 else weight
        for name, weight in own.items()
    }
    if any(".mid_block." in name for name in own):
        return linear
    return _with_the_rest(linear, cast(Any, single_file_utils).convert_ldm_vae_checkpoint(linear, config))


def _with_the_rest(own: Weights, converted: Weights) -> Weights:
    taken = {id(weight) for weight in converted.values()}
    return converted | {name: weight for name, weight in own.items() if id(weight) not in taken}


def _open_clip(own: Weights, config: dict[str, Any], *, projected: bool) -> Weights:
    """diffusers' own converter copies weights, and takes the projection's width for the encoder's."""
    layers = int(config["num_hidden_layers"])
    prefix = "text_model." if projected else ""
    converted: Weights = {}
    for name, weight in own.items():
        if name == "text_projection":
            if projected:
                converted["text_projection.weight"] = weight.T.contiguous()
        elif not _beyond(name, layers):
            converted |= {prefix + new: piece for new, piece in open_clip_pieces(name, weight)}
    return converted


def _beyond(name: str, layers: int) -> bool:
    found = re.match(r"transformer\.resblocks\.(\d+)\.", name)
    return found is not None and int(found[1]) >= layers


def open_clip_pieces(name: str, weight: Tensor) -> list[tuple[str, Tensor]]:
    """A weight by transformers' names; queries, keys and values lie below each other in one matrix."""
    for old, new in OPEN_CLIP_NAMES.items():
        name = name.replace(old, new)
    if found := re.fullmatch(r"(.*\.self_attn\.)in_proj_(weight|bias)", name):
        thirds = zip("qkv", weight.chunk(3), strict=False)
        return [(f"{found[1]}{letter}_proj.{found[2]}", piece) for letter, piece in thirds]
    return [(name, weight)]
