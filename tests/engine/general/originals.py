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
    weights = dict(network.state_dict())

    def taken(*names):
        return torch.cat([weights.pop(name) for name in names])

    written = {}
    for kind in ("weight", "bias"):
        scale, shift = weights.pop(f"norm_out.linear.{kind}").chunk(2)
        written[f"final_layer.adaLN_modulation.1.{kind}"] = torch.cat([shift, scale])
        for n in range(network.config.num_layers):
            at = f"transformer_blocks.{n}.attn."
            for half, names in (("img", ("to_q", "to_k", "to_v")), ("txt", ADDED)):
                written[f"double_blocks.{n}.{half}_attn.qkv.{kind}"] = taken(
                    *(f"{at}{name}.{kind}" for name in names)
                )
        for n in range(network.config.num_single_layers):
            at = f"single_transformer_blocks.{n}."
            names = ("attn.to_q", "attn.to_k", "attn.to_v", "proj_mlp")
            written[f"single_blocks.{n}.linear1.{kind}"] = taken(*(f"{at}{name}.{kind}" for name in names))
    for name, weight in weights.items():
        for ours, theirs in BFL_NAMES:
            name = re.sub(ours, theirs, name)
        written[name] = weight
    return written


ADDED = ("add_q_proj", "add_k_proj", "add_v_proj")
BFL_NAMES = (
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
