"""Tiny image encoders and IP-Adapters with random weights, in the layouts that people have."""

from pathlib import Path

import torch
from safetensors.torch import save_file
from transformers import CLIPVisionConfig, CLIPVisionModelWithProjection

from webui.engine.image_prompts.listening import cross_attentions

HIDDEN, PROJECTION, SIDE, PATCH = 32, 24, 28, 14
PATCHES = (SIDE // PATCH) ** 2 + 1
QUERIES, INNER = 5, 64  # of plus adapters; a head is 64 wide


def write_vision(folder: Path, seed: int = 0) -> CLIPVisionModelWithProjection:
    """A file with its config.json beside it, as transformers writes them."""
    config = CLIPVisionConfig(
        hidden_size=HIDDEN,
        intermediate_size=2 * HIDDEN,
        projection_dim=PROJECTION,
        num_hidden_layers=3,
        num_attention_heads=2,
        image_size=SIDE,
        patch_size=PATCH,
        hidden_act="gelu",
    )
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        network = CLIPVisionModelWithProjection(config).eval().requires_grad_(False)
        for weight in network.parameters():
            weight += 0.1 * torch.randn_like(weight)
    network.save_pretrained(folder)
    return network


def open_clip(network: CLIPVisionModelWithProjection) -> dict[str, torch.Tensor]:
    """Its weights under OpenCLIP's names."""
    state = network.state_dict()
    own = {
        "visual.class_embedding": state["vision_model.embeddings.class_embedding"],
        "visual.conv1.weight": state["vision_model.embeddings.patch_embedding.weight"],
        "visual.positional_embedding": state["vision_model.embeddings.position_embedding.weight"],
        "visual.proj": state["visual_projection.weight"].T,
    }
    for kind in ("weight", "bias"):
        own[f"visual.ln_pre.{kind}"] = state[f"vision_model.pre_layrnorm.{kind}"]
        own[f"visual.ln_post.{kind}"] = state[f"vision_model.post_layernorm.{kind}"]
        for layer in range(network.config.num_hidden_layers):
            theirs, ours = f"vision_model.encoder.layers.{layer}", f"visual.transformer.resblocks.{layer}"
            thirds = [state[f"{theirs}.self_attn.{letter}_proj.{kind}"] for letter in "qkv"]
            own[f"{ours}.attn.in_proj_{kind}"] = torch.cat(thirds)
            own[f"{ours}.attn.out_proj.{kind}"] = state[f"{theirs}.self_attn.out_proj.{kind}"]
            for number in "12":
                own[f"{ours}.ln_{number}.{kind}"] = state[f"{theirs}.layer_norm{number}.{kind}"]
            own[f"{ours}.mlp.c_fc.{kind}"] = state[f"{theirs}.mlp.fc1.{kind}"]
            own[f"{ours}.mlp.c_proj.{kind}"] = state[f"{theirs}.mlp.fc2.{kind}"]
    return {name: weight.contiguous().clone() for name, weight in own.items()}


class Draws:
    """Makes up weights."""

    def __init__(self, seed):
        self.generator = torch.Generator().manual_seed(seed)

    def matrix(self, *shape):
        return torch.randn(shape, generator=self.generator) / shape[-1] ** 0.5

    def norm(self, name, width):
        return {f"{name}.weight": 1 + 0.1 * self.matrix(width), f"{name}.bias": self.matrix(width)}

    def linear(self, name, inputs, outputs, *, bias=True):
        weights = {f"{name}.weight": self.matrix(outputs, inputs)}
        return {**weights, f"{name}.bias": self.matrix(outputs)} if bias else weights


def adapter(unet, kind: str, seed: int = 0) -> dict[str, dict[str, torch.Tensor]]:
    """Of kind base, plus or full, for `unet`: the two parts that files hold."""
    draws, context = Draws(seed), unet.config.cross_attention_dim
    layers = {}
    for number, attention in enumerate(cross_attentions(unet).values()):
        for name in ("to_k_ip", "to_v_ip"):
            own = f"{2 * number + 1}.{name}"
            layers |= draws.linear(own, context, attention.to_k.out_features, bias=False)
    return {"image_proj": PROJECTIONS[kind](draws, context), "ip_adapter": layers}


def _base(draws, context):
    return draws.linear("proj", PROJECTION, 4 * context) | draws.norm("norm", context)


def _full(draws, context):
    deep = draws.linear("proj.0", HIDDEN, HIDDEN) | draws.linear("proj.2", HIDDEN, context)
    return deep | draws.norm("proj.3", context)


def _plus(draws, context):
    weights = {"latents": draws.matrix(1, QUERIES, INNER)}
    weights |= draws.linear("proj_in", HIDDEN, INNER) | draws.linear("proj_out", INNER, context)
    weights |= draws.norm("norm_out", context)
    for layer in range(4):
        for name, inputs, outputs in (("to_q", INNER, 64), ("to_kv", INNER, 128), ("to_out", 64, INNER)):
            weights |= draws.linear(f"layers.{layer}.0.{name}", inputs, outputs, bias=False)
        weights |= draws.linear(f"layers.{layer}.1.1", INNER, 4 * INNER, bias=False)
        weights |= draws.linear(f"layers.{layer}.1.3", 4 * INNER, INNER, bias=False)
        for name in ("0.norm1", "0.norm2", "1.0"):
            weights |= draws.norm(f"layers.{layer}.{name}", INNER)
    return weights


PROJECTIONS = {"base": _base, "full": _full, "plus": _plus}


def write_adapter(file: Path, parts: dict[str, dict[str, torch.Tensor]]) -> Path:
    """As safetensors, or, if the file's name says so, as the pickle of two dicts that was published."""
    file.parent.mkdir(parents=True, exist_ok=True)
    if file.suffix == ".bin":
        torch.save(parts, file)
    else:
        flat = {f"{part}.{name}": each for part, weights in parts.items() for name, each in weights.items()}
        save_file({name: weight.contiguous() for name, weight in flat.items()}, file)
    return file
