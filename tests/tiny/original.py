"""diffusers' names of weights -> those of the families' first releases.

Written from the modules of CompVis/stable-diffusion and Stability-AI/generative-models (which name the
weights), the other way round than what reads them.
"""

import re

import torch

RESNET = {
    "norm1": "in_layers.0",
    "conv1": "in_layers.2",
    "time_emb_proj": "emb_layers.1",
    "norm2": "out_layers.0",
    "conv2": "out_layers.3",
    "conv_shortcut": "skip_connection",
}
UNET = {
    "conv_in": "input_blocks.0.0",
    "time_embedding.linear_1": "time_embed.0",
    "time_embedding.linear_2": "time_embed.2",
    "add_embedding.linear_1": "label_emb.0.0",
    "add_embedding.linear_2": "label_emb.0.2",
    "conv_norm_out": "out.0",
    "conv_out": "out.2",
    "mid_block.resnets.0": "middle_block.0",
    "mid_block.attentions.0": "middle_block.1",
    "mid_block.resnets.1": "middle_block.2",
}
VAE_ATTENTION = {"group_norm": "norm", "to_q": "q", "to_k": "k", "to_v": "v", "to_out.0": "proj_out"}
OPEN_CLIP = {
    "embeddings.token_embedding.weight": "token_embedding.weight",
    "embeddings.position_embedding.weight": "positional_embedding",
    "final_layer_norm": "ln_final",
    "encoder.layers": "transformer.resblocks",
    "self_attn": "attn",
    "layer_norm1": "ln_1",
    "layer_norm2": "ln_2",
    "mlp.fc1": "mlp.c_fc",
    "mlp.fc2": "mlp.c_proj",
}


def unet(weights):
    """A UNet2DConditionModel's weights under the names of `model.diffusion_model`."""
    layers = 1 + max(int(n) for n in re.findall(r"down_blocks\.\d+\.resnets\.(\d+)", "\n".join(weights)))
    return {_unet_name(name, layers, set(weights)): weight for name, weight in weights.items()}


def _unet_name(name, layers, names):
    name = _begin(name, UNET)
    if match := re.match(r"(down|up)_blocks\.(\d+)\.(\w+)\.(\d+)\.(.*)", name):
        direction, level, kind, layer, rest = match.groups()
        level, layer = int(level), int(layer)
        if direction == "down":
            first = 1 + level * (layers + 1)
            name = {
                "resnets": f"input_blocks.{first + layer}.0.{rest}",
                "attentions": f"input_blocks.{first + layer}.1.{rest}",
                "downsamplers": f"input_blocks.{first + layers}.0.{rest.replace('conv', 'op')}",
            }[kind]
        else:
            first = level * (layers + 1)
            attention = f"up_blocks.{level}.attentions.0.norm.weight" in names
            name = {
                "resnets": f"output_blocks.{first + layer}.0.{rest}",
                "attentions": f"output_blocks.{first + layer}.1.{rest}",
                "upsamplers": f"output_blocks.{first + layers}.{1 + attention}.{rest}",
            }[kind]
    resnet = rf"((?:(?:in|out)put_blocks\.\d+\.0|middle_block\.[02])\.)({'|'.join(RESNET)})(?=\.)"
    return re.sub(resnet, lambda found: found[1] + RESNET[found[2]], name)


def vae(weights):
    """An AutoencoderKL's weights under the names of `first_stage_model`."""
    levels = 1 + max(int(n) for n in re.findall(r"encoder\.down_blocks\.(\d+)", "\n".join(weights)))
    named = {_vae_name(name, levels): weight for name, weight in weights.items()}
    # Attention was made of convolutions.
    return {
        name: weight[:, :, None, None] if "attn_1" in name and weight.ndim == 2 else weight
        for name, weight in named.items()
    }


def _vae_name(name, levels):
    name = re.sub(r"down_blocks\.(\d+)\.resnets", r"down.\1.block", name)
    name = re.sub(r"down_blocks\.(\d+)\.downsamplers\.0", r"down.\1.downsample", name)
    name = re.sub(r"up_blocks\.(\d+)\.resnets", lambda m: f"up.{levels - 1 - int(m[1])}.block", name)
    name = re.sub(r"up_blocks\.(\d+)\.upsamplers\.0", lambda m: f"up.{levels - 1 - int(m[1])}.upsample", name)
    name = re.sub(r"mid_block\.resnets\.(\d)", lambda m: f"mid.block_{int(m[1]) + 1}", name)
    if "mid_block.attentions.0" in name:
        name = name.replace("mid_block.attentions.0", "mid.attn_1")
        for new, old in VAE_ATTENTION.items():
            name = name.replace(f".{new}.", f".{old}.")
    return name.replace("conv_norm_out", "norm_out").replace("conv_shortcut", "nin_shortcut")


def clip(weights):
    """A CLIPTextModel's weights as older transformers named them, with the positions that they kept."""
    named = {f"text_model.{name.removeprefix('text_model.')}": weight for name, weight in weights.items()}
    return {**named, "text_model.embeddings.position_ids": torch.arange(77)[None]}


def open_clip(weights):
    """A CLIP text encoder's weights as OpenCLIP names them, queries, keys and values in one."""
    named, attention = {}, {}
    for name, weight in weights.items():
        name = name.removeprefix("text_model.")
        for new, old in OPEN_CLIP.items():
            name = name.replace(new, old)
        if match := re.fullmatch(r"(.*\.attn)\.([qkv])_proj\.(\w+)", name):
            attention.setdefault(f"{match[1]}.in_proj_{match[3]}", {})[match[2]] = weight
        elif name == "text_projection.weight":
            named["text_projection"] = weight.T.contiguous()
        else:
            named[name] = weight
    named |= {name: torch.cat([three[part] for part in "qkv"]) for name, three in attention.items()}
    return {**named, "logit_scale": torch.tensor(4.6052)}


def _begin(name, table):
    for new, old in table.items():
        if name.startswith(f"{new}."):
            return old + name[len(new) :]
    return name
