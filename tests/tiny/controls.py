"""Tiny ControlNets and T2I-Adapters with random weights, in the layouts that people have.

Names are written from the modules that name the weights (lllyasviel/ControlNet, TencentARC/T2I-Adapter,
Stability AI's Control-LoRA), the other way round than what reads them.
"""

import re
from pathlib import Path

import torch
from diffusers import ControlNetModel, ControlNetUnionModel, T2IAdapter
from torch import nn

from tests.tiny import original
from tests.tiny.files import save

HINTS = (4, 8, 8, 16)
"""How wide the layers are that see the map."""


def make_controlnet(unet: nn.Module, seed: int = 0, **config) -> ControlNetModel:
    """A ControlNet for `unet` that has learnt something random."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        network = ControlNetModel.from_unet(unet, conditioning_embedding_out_channels=HINTS)
        return _spoken(network, **config)


def make_union(unet: nn.Module, kinds: int = 6, seed: int = 0) -> ControlNetUnionModel:
    """A ControlNet Union for `unet` that knows so many kinds of maps."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        config = dict(unet.config)
        known = ControlNetUnionModel.from_unet(unet, load_weights_from_unet=False).config
        shared = {name: config[name] for name in known if name in config}
        network = ControlNetUnionModel(
            **shared,
            conditioning_embedding_out_channels=HINTS,
            num_control_type=kinds,
            num_trans_channel=32,
            num_proj_channel=32,
        )
        nn.init.normal_(network.spatial_ch_projs.weight, std=0.1)
        return _spoken(network)


def _spoken(network, **config):
    for layer in (*network.controlnet_down_blocks, network.controlnet_mid_block):
        nn.init.normal_(layer.weight, std=0.3)
        nn.init.normal_(layer.bias, std=0.3)
    nn.init.normal_(network.controlnet_cond_embedding.conv_out.weight, std=0.3)
    network.register_to_config(**config)
    return network.eval().requires_grad_(False)


def original_names(network: nn.Module) -> dict[str, torch.Tensor]:
    """A ControlNet's weights under the first release's names, without its prefix."""
    weights = network.state_dict()
    own = {name: weight for name, weight in weights.items() if "controlnet_" in name}
    copied = original.unet({name: weight for name, weight in weights.items() if name not in own})
    blocks = len([name for name in own if re.match(r"controlnet_cond_embedding\.blocks\.\d+\.weight", name)])
    return copied | {_own(name, blocks): weight for name, weight in own.items()}


def _own(name: str, blocks: int) -> str:
    name = re.sub(r"controlnet_down_blocks\.(\d+)", r"zero_convs.\1.0", name)
    name = name.replace("controlnet_mid_block", "middle_block_out.0")
    name = name.replace("controlnet_cond_embedding.conv_in", "input_hint_block.0")
    name = name.replace("controlnet_cond_embedding.conv_out", f"input_hint_block.{2 * (blocks + 1)}")
    return re.sub(
        r"controlnet_cond_embedding\.blocks\.(\d+)", lambda m: f"input_hint_block.{2 * int(m[1]) + 2}", name
    )


def write_controlnet(file: Path, network: nn.Module, *, prefix="control_model.", dtype=torch.float32) -> None:
    """A ControlNet in the first release's layout."""
    save({prefix + name: weight for name, weight in original_names(network).items()}, file, dtype)


def write_diffusers(file: Path, network: nn.Module, dtype=torch.float32) -> None:
    """A network in diffusers' layout, as one file."""
    save(network.state_dict(), file, dtype)


def write_control_lora(file: Path, unet: nn.Module, rank: int = 2, seed: int = 0) -> ControlNetModel:
    """A Control-LoRA for `unet`; what is given back is the ControlNet that it stands for."""
    network = make_controlnet(unet, seed)
    base = original_names(network)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        held = {"lora_controlnet": torch.zeros(0)}
        for name, weight in base.items():
            layer = name.removesuffix(".weight")
            if name.startswith(("input_hint_block.", "zero_convs.", "middle_block_out.")):
                held[name] = weight
            elif name.endswith(".bias") and ".in_layers.0" in name:
                held[name] = weight + 1  # a norm that was trained as a whole
            elif weight.ndim > 1 and layer != name and "time_embed" not in name:
                up, down = torch.randn(len(weight), rank), torch.randn(rank, weight[0].numel()) / 10
                held[f"{layer}.up"] = up.reshape(len(weight), rank, *[1] * (weight.ndim - 2))
                held[f"{layer}.down"] = down.reshape(rank, *weight.shape[1:])
                weight += (up @ down).reshape(weight.shape)  # in the network that is given back, too
    for name, weight in held.items():
        if name in base:
            base[name].copy_(weight)
    save(held, file, torch.float32)
    return network


def make_adapter(unet: nn.Module, kind: str = "full_adapter", *, grey: bool = False, seed: int = 0):
    """A T2I-Adapter for `unet`."""
    widths = list(unet.config.block_out_channels)
    extra = {"full_adapter": [], "full_adapter_xl": widths[-1:], "light_adapter": []}[kind]
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return T2IAdapter(
            in_channels=1 if grey else 3,
            channels=widths[:-1] if kind == "light_adapter" else widths + extra,
            num_res_blocks=2,
            downscale_factor=16 if kind == "full_adapter_xl" else 8,
            adapter_type=kind,
        ).eval()


def adapter_names(adapter: T2IAdapter) -> dict[str, torch.Tensor]:
    """A T2I-Adapter's weights under TencentARC's names."""
    weights = {name.removeprefix("adapter."): weight for name, weight in adapter.state_dict().items()}
    light = adapter.config.adapter_type == "light_adapter"
    return {_adapter_name(name, light): weight for name, weight in weights.items()}


def _adapter_name(name: str, light: bool) -> str:
    if light:
        return name.replace(".resnets.", ".body.")
    name = re.sub(r"body\.(\d+)\.resnets\.(\d+)", lambda m: f"body.{2 * int(m[1]) + int(m[2])}", name)
    return re.sub(r"body\.(\d+)\.in_conv", lambda m: f"body.{2 * int(m[1])}.in_conv", name)
