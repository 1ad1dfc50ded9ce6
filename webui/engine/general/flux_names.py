"""A Flux transformer's weights under BFL's names -> under those of diffusers' FluxTransformer2DModel.

diffusers' own converter knows one width (3072) alone, and copies every weight. Here weights are renamed and
cut, which are views into the mapped file; only the last layer's small modulation is put together anew.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

import torch
from torch import Tensor

OUTSIDE = {
    "img_in": "x_embedder",
    "txt_in": "context_embedder",
    "time_in.in_layer": "time_text_embed.timestep_embedder.linear_1",
    "time_in.out_layer": "time_text_embed.timestep_embedder.linear_2",
    "vector_in.in_layer": "time_text_embed.text_embedder.linear_1",
    "vector_in.out_layer": "time_text_embed.text_embedder.linear_2",
    "guidance_in.in_layer": "time_text_embed.guidance_embedder.linear_1",
    "guidance_in.out_layer": "time_text_embed.guidance_embedder.linear_2",
    "final_layer.linear": "proj_out",
}
DOUBLE = {
    "img_mod.lin": "norm1.linear",
    "txt_mod.lin": "norm1_context.linear",
    "img_attn.proj": "attn.to_out.0",
    "txt_attn.proj": "attn.to_add_out",
    "img_attn.norm.query_norm": "attn.norm_q",
    "img_attn.norm.key_norm": "attn.norm_k",
    "txt_attn.norm.query_norm": "attn.norm_added_q",
    "txt_attn.norm.key_norm": "attn.norm_added_k",
    "img_mlp.0": "ff.net.0.proj",
    "img_mlp.2": "ff.net.2",
    "txt_mlp.0": "ff_context.net.0.proj",
    "txt_mlp.2": "ff_context.net.2",
}
SINGLE = {
    "modulation.lin": "norm.linear",
    "linear2": "proj_out",
    "norm.query_norm": "attn.norm_q",
    "norm.key_norm": "attn.norm_k",
}
CUT = {
    "img_attn.qkv": ("attn.to_q", "attn.to_k", "attn.to_v"),
    "txt_attn.qkv": ("attn.add_q_proj", "attn.add_k_proj", "attn.add_v_proj"),
}
LAST_MODULATION = "final_layer.adaLN_modulation.1"
BLOCK = re.compile(r"(double|single)_blocks\.(\d+)\.(.+)")


def to_diffusers(weights: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """The same weights, cut and renamed; what is no part of the transformer is left out."""
    return {new: piece for name, weight in weights.items() for new, piece in _pieces(name, weight)}


def _pieces(name: str, weight: Tensor) -> Iterator[tuple[str, Tensor]]:
    layer, _, kind = name.rpartition(".")
    kind = "weight" if kind == "scale" else kind
    if layer == LAST_MODULATION:
        # Shift and scale here, scale and shift in diffusers.
        yield f"norm_out.linear.{kind}", torch.cat(weight.chunk(2)[::-1])
    elif layer in OUTSIDE:
        yield f"{OUTSIDE[layer]}.{kind}", weight
    elif found := BLOCK.fullmatch(layer):
        block = "transformer_blocks" if found[1] == "double" else "single_transformer_blocks"
        for new, piece in _in_block(found[3], weight):
            yield f"{block}.{found[2]}.{new}.{kind}", piece


def _in_block(layer: str, weight: Tensor) -> Iterator[tuple[str, Tensor]]:
    if layer in CUT:
        yield from zip(CUT[layer], weight.chunk(3), strict=True)
    elif layer == "linear1":
        # Queries, keys and values as wide as the model, then the MLP, four times as wide.
        width = weight.shape[0] // 7
        names = ("attn.to_q", "attn.to_k", "attn.to_v", "proj_mlp")
        yield from zip(names, weight.split((width, width, width, 4 * width)), strict=True)
    elif new := DOUBLE.get(layer) or SINGLE.get(layer):
        yield new, weight
