"""Tiny random models in single files, under the names of the families' first releases."""

import re

import torch
from safetensors.torch import save_file
from transformers import CLIPTextConfig, CLIPTextModelWithProjection

from tests.engine.general.tiny_text import clip_config, t5_wide

CLIP_TOKENS = 49_408


def sd3_transformer(width=64, depth=2, joint=128, pooled=96, channels=4, side=32):
    """Stability's names for a transformer like tiny.sd3's."""
    shapes = {
        "pos_embed": (1, side * side, width),
        "x_embedder.proj.weight": (width, channels, 2, 2),
        "x_embedder.proj.bias": (width,),
        **linear("context_embedder", joint, width),
        **linear("t_embedder.mlp.0", 256, width),
        **linear("t_embedder.mlp.2", width, width),
        **linear("y_embedder.mlp.0", pooled, width),
        **linear("y_embedder.mlp.2", width, width),
        **linear("final_layer.linear", width, 4 * channels),
        **linear("final_layer.adaLN_modulation.1", width, 2 * width),
    }
    for block in range(depth):
        for half in ("x_block", "context_block"):
            last = half == "context_block" and block == depth - 1
            at = f"joint_blocks.{block}.{half}"
            shapes |= linear(f"{at}.attn.qkv", width, 3 * width)
            shapes |= linear(f"{at}.adaLN_modulation.1", width, (2 if last else 6) * width)
            if not last:
                shapes |= linear(f"{at}.attn.proj", width, width)
                shapes |= linear(f"{at}.mlp.fc1", width, 4 * width) | linear(
                    f"{at}.mlp.fc2", 4 * width, width
                )
    return shapes


def flux_transformer(width=3072, double=19, single=38, guidance=True, joint=4096, pooled=768, channels=64):
    """BFL's names, by default of Flux dev in its real size."""
    shapes = {
        **linear("img_in", channels, width),
        **linear("txt_in", joint, width),
        **linear("time_in.in_layer", 256, width),
        **linear("time_in.out_layer", width, width),
        **linear("vector_in.in_layer", pooled, width),
        **linear("vector_in.out_layer", width, width),
        **linear("final_layer.linear", width, channels),
        **linear("final_layer.adaLN_modulation.1", width, 2 * width),
    }
    if guidance:
        shapes |= linear("guidance_in.in_layer", 256, width) | linear("guidance_in.out_layer", width, width)
    for block in range(double):
        for half in ("img", "txt"):
            at = f"double_blocks.{block}.{half}"
            shapes |= linear(f"{at}_mod.lin", width, 6 * width)
            shapes |= linear(f"{at}_attn.qkv", width, 3 * width) | linear(f"{at}_attn.proj", width, width)
            shapes |= linear(f"{at}_mlp.0", width, 4 * width) | linear(f"{at}_mlp.2", 4 * width, width)
            shapes |= {f"{at}_attn.norm.{each}_norm.scale": (128,) for each in ("query", "key")}
    for block in range(single):
        at = f"single_blocks.{block}"
        shapes |= linear(f"{at}.linear1", width, 7 * width) | linear(f"{at}.linear2", 5 * width, width)
        shapes |= linear(f"{at}.modulation.lin", width, 3 * width)
        shapes |= {f"{at}.norm.{each}_norm.scale": (128,) for each in ("query", "key")}
    return shapes


def flux(network):
    """A diffusers FluxTransformer2DModel's weights under BFL's names."""
    together = {}
    for n in range(network.config.num_layers):
        at, to = f"transformer_blocks.{n}.attn.", f"double_blocks.{n}."
        together[f"{to}img_attn.qkv"] = [f"{at}{name}" for name in QKV]
        together[f"{to}txt_attn.qkv"] = [f"{at}{name}" for name in ADDED]
    for n in range(network.config.num_single_layers):
        at = f"single_transformer_blocks.{n}."
        together[f"single_blocks.{n}.linear1"] = [*(f"{at}attn.{name}" for name in QKV), f"{at}proj_mlp"]
    swapped = {"norm_out.linear": "final_layer.adaLN_modulation.1"}
    return _renamed(network, together, swapped, FLUX_NAMES)


def sd3(network):
    """A diffusers SD3Transformer2DModel's weights under Stability's names."""
    together = {}
    depth = network.config.num_layers
    for n in range(depth):
        at, to = f"transformer_blocks.{n}.", f"joint_blocks.{n}."
        together[f"{to}x_block.attn.qkv"] = [f"{at}attn.{name}" for name in QKV]
        together[f"{to}context_block.attn.qkv"] = [f"{at}attn.{name}" for name in ADDED]
        if n in network.config.dual_attention_layers:
            together[f"{to}x_block.attn2.qkv"] = [f"{at}attn2.{name}" for name in QKV]
    last = f"joint_blocks.{depth - 1}.context_block.adaLN_modulation.1"
    swapped = {
        "norm_out.linear": "final_layer.adaLN_modulation.1",
        f"transformer_blocks.{depth - 1}.norm1_context.linear": last,
    }
    return _renamed(network, together, swapped, SD3_NAMES)


def _renamed(network, together, swapped, names):
    """`together`: layers that were one. `swapped`: layers whose halves were the other way round."""
    weights, written = dict(network.state_dict()), {}
    for kind in ("weight", "bias"):
        for layer, parts in together.items():
            written[f"{layer}.{kind}"] = torch.cat([weights.pop(f"{part}.{kind}") for part in parts])
        for ours, theirs in swapped.items():
            scale, shift = weights.pop(f"{ours}.{kind}").chunk(2)
            written[f"{theirs}.{kind}"] = torch.cat([shift, scale])
    for name, weight in weights.items():
        for ours, theirs in names:
            name = re.sub(ours, theirs, name)
        written[name] = weight
    return written


QKV = ("to_q", "to_k", "to_v")
ADDED = ("add_q_proj", "add_k_proj", "add_v_proj")
FLUX_NAMES = (
    (r"^single_transformer_blocks\.(\d+)\.norm\.linear", r"single_blocks.\1.modulation.lin"),
    (r"^single_transformer_blocks\.(\d+)\.proj_out", r"single_blocks.\1.linear2"),
    (r"^single_transformer_blocks\.(\d+)\.attn\.norm_q\.weight", r"single_blocks.\1.norm.query_norm.scale"),
    (r"^single_transformer_blocks\.(\d+)\.attn\.norm_k\.weight", r"single_blocks.\1.norm.key_norm.scale"),
    (r"^proj_out", "final_layer.linear"),
    (r"^x_embedder", "img_in"),
    (r"^context_embedder", "txt_in"),
    (r"^time_text_embed\.timestep_embedder", "time_in"),
    (r"^time_text_embed\.text_embedder", "vector_in"),
    (r"^time_text_embed\.guidance_embedder", "guidance_in"),
    (r"^(time|vector|guidance)_in\.linear_1", r"\1_in.in_layer"),
    (r"^(time|vector|guidance)_in\.linear_2", r"\1_in.out_layer"),
    (r"^transformer_blocks", "double_blocks"),
    (r"norm1\.linear", "img_mod.lin"),
    (r"norm1_context\.linear", "txt_mod.lin"),
    (r"attn\.to_out\.0", "img_attn.proj"),
    (r"attn\.to_add_out", "txt_attn.proj"),
    (r"attn\.norm_added_q\.weight", "txt_attn.norm.query_norm.scale"),
    (r"attn\.norm_added_k\.weight", "txt_attn.norm.key_norm.scale"),
    (r"(\d)\.attn\.norm_q\.weight", r"\1.img_attn.norm.query_norm.scale"),
    (r"(\d)\.attn\.norm_k\.weight", r"\1.img_attn.norm.key_norm.scale"),
    (r"ff\.net\.0\.proj", "img_mlp.0"),
    (r"ff\.net\.2", "img_mlp.2"),
    (r"ff_context\.net\.0\.proj", "txt_mlp.0"),
    (r"ff_context\.net\.2", "txt_mlp.2"),
)
SD3_NAMES = (
    (r"^pos_embed\.pos_embed", "pos_embed"),
    (r"^pos_embed\.proj", "x_embedder.proj"),
    (r"^proj_out", "final_layer.linear"),
    (r"^time_text_embed\.timestep_embedder", "t_embedder"),
    (r"^time_text_embed\.text_embedder", "y_embedder"),
    (r"^([ty]_embedder)\.linear_1", r"\1.mlp.0"),
    (r"^([ty]_embedder)\.linear_2", r"\1.mlp.2"),
    (r"^transformer_blocks", "joint_blocks"),
    (r"norm1\.linear", "x_block.adaLN_modulation.1"),
    (r"norm1_context\.linear", "context_block.adaLN_modulation.1"),
    (r"attn\.to_add_out", "context_block.attn.proj"),
    (r"(attn2?)\.to_out\.0", r"x_block.\1.proj"),
    (r"attn\.norm_added_([qk])", r"context_block.attn.ln_\1"),
    (r"(attn2?)\.norm_([qk])", r"x_block.\1.ln_\2"),
    (r"ff\.net\.0\.proj", "x_block.mlp.fc1"),
    (r"ff\.net\.2", "x_block.mlp.fc2"),
    (r"ff_context\.net\.0\.proj", "context_block.mlp.fc1"),
    (r"ff_context\.net\.2", "context_block.mlp.fc2"),
)


def linear(name, inputs, outputs):
    return {f"{name}.weight": (outputs, inputs), f"{name}.bias": (outputs,)}


def filled(shapes):
    """Random weights of those shapes."""
    generator = torch.Generator().manual_seed(1)
    return {name: 0.1 * torch.randn(shape, generator=generator) for name, shape in shapes.items()}


def vae(network):
    """A diffusers AutoencoderKL's weights under the names of the first release (CompVis)."""
    depth = len(network.config.block_out_channels)
    renamed = {}
    for name, weight in network.state_dict().items():
        for up in range(depth):
            name = name.replace(f"up_blocks.{up}.resnets.", f"up.{depth - 1 - up}.block.")
            name = name.replace(f"up_blocks.{up}.upsamplers.0.", f"up.{depth - 1 - up}.upsample.")
        name = name.replace("down_blocks.", "down.").replace(".resnets.", ".block.")
        name = name.replace(".downsamplers.0.", ".downsample.")
        name = name.replace("mid_block.block.0.", "mid.block_1.").replace(
            "mid_block.block.1.", "mid.block_2."
        )
        name = name.replace("mid_block.attentions.0.", "mid.attn_1.").replace("group_norm", "norm")
        for ours, theirs in (("to_q", "q"), ("to_k", "k"), ("to_v", "v"), ("to_out.0", "proj_out")):
            if f"attn_1.{ours}.weight" in name:
                weight = weight[:, :, None, None]  # a convolution in the first release
            name = name.replace(f"attn_1.{ours}", f"attn_1.{theirs}")
        renamed[name.replace("conv_norm_out", "norm_out")] = weight
    return renamed


def clip(width):
    """A CLIP of CLIP's own 49,408 tokens."""
    torch.manual_seed(width)
    config = clip_config(width).to_dict() | {
        "vocab_size": CLIP_TOKENS,
        "bos_token_id": CLIP_TOKENS - 2,
        "eos_token_id": CLIP_TOKENS - 1,
    }
    return CLIPTextModelWithProjection(CLIPTextConfig(**config))


def t5():
    torch.manual_seed(5)
    return t5_wide()


def save(path, **parts):
    """A file of several networks; each key is a prefix, with "_" for "."."""
    tensors = {}
    for prefix, weights in parts.items():
        tensors |= {prefix + name: weight.contiguous().clone() for name, weight in weights.items()}
    save_file(tensors, path)
    return path
