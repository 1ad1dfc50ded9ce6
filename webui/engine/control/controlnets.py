"""ControlNets from files: in the first release's names or in diffusers', whole or as a Control-LoRA."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, cast

import torch
from diffusers.models.controlnets.controlnet import ControlNetModel
from diffusers.models.controlnets.controlnet_union import ControlNetUnionModel
from torch import Tensor, nn

from webui.engine import original
from webui.engine.control import configs, names
from webui.engine.weights import WeightsError, load

Weights = dict[str, Tensor]
ENCODER = ("conv_in.", "time_embedding.", "add_embedding.", "down_blocks.", "mid_block.")
"""The part of a UNet that a ControlNet is a copy of."""
LATENTS = 4
"""Channels that a ControlNet sees. What an inpainting UNet takes beside the latents it isn't shown."""
UP, DOWN = ".up", ".down"


def controlnet(file: Path, unet: dict[str, Any], *, pooled: bool = False) -> nn.Module:
    """The ControlNet or ControlNet Union in `file`, for a UNet of the config `unet`.

    `pooled`: whether what it finds is averaged over the picture, as the one for shuffled pictures wants it.

    Raises:
        WeightsError: the file is damaged or holds no ControlNet.
    """
    weights = names.own(load(file))
    if not any(name.startswith("down_blocks.") for name in weights):
        weights = names.renamed(weights, names.layers_in(weights))
    shapes = {name: tuple(weight.shape) for name, weight in weights.items()}
    if "task_embedding" in weights:
        return _filled(ControlNetUnionModel, configs.union(shapes, unet), weights)
    config = configs.controlnet(shapes, unet) | {"global_pool_conditions": pooled}
    return _filled(ControlNetModel, config, weights)


def control_lora(file: Path, unet: nn.Module, dtype: torch.dtype) -> nn.Module:
    """The ControlNet that Stability AI's Control-LoRA in `file` makes of `unet`, in `dtype`.

    It holds the layers that a UNet hasn't, and for others a product `up @ down` that is added to the weights
    of `unet` (https://huggingface.co/stabilityai/control-lora). What it gives whole takes their place.

    Raises:
        WeightsError: the file is damaged, or was made for another UNet.
    """
    config = dict(cast(Any, unet).config)
    held = {name: weight for name, weight in load(file).items() if name != "lora_controlnet"}
    weights = _encoder(unet)
    differences = {name: weight for name, weight in held.items() if name.endswith((UP, DOWN))}
    whole = {name: weight for name, weight in held.items() if name not in differences}
    layers = int(config["layers_per_block"])
    changed = _products(weights, names.renamed(differences, layers), dtype)
    weights |= changed | names.renamed(whole, layers)
    shapes = {name: tuple(weight.shape) for name, weight in weights.items()}
    return _filled(ControlNetModel, configs.controlnet(shapes, config), weights)


def _encoder(unet: nn.Module) -> Weights:
    weights = {name: weight for name, weight in unet.state_dict().items() if name.startswith(ENCODER)}
    weights["conv_in.weight"] = weights["conv_in.weight"][:, :LATENTS]
    return weights


def _products(base: Mapping[str, Tensor], differences: Mapping[str, Tensor], dtype: torch.dtype) -> Weights:
    """The weights of `base` that `differences` changes, changed."""
    changed: Weights = {}
    for name, up in differences.items():
        if not name.endswith(UP):
            continue
        layer = name.removesuffix(UP)
        weight, down = base.get(f"{layer}.weight"), differences.get(layer + DOWN)
        if weight is None or down is None or not _fits(weight, up, down):
            raise WeightsError(f"it was made for a UNet of another shape ({layer})")
        product = up.flatten(1).float() @ down.flatten(1).float()
        changed[f"{layer}.weight"] = (weight.float() + product.reshape(weight.shape)).to(dtype)
    return changed


def _fits(weight: Tensor, up: Tensor, down: Tensor) -> bool:
    if min(up.ndim, down.ndim) < 2:
        return False
    rows, columns = len(weight), weight[0].numel()
    return up.flatten(1).shape == (rows, len(down)) and down.flatten(1).shape[1] == columns


def _filled(kind: type[nn.Module], config: dict[str, Any], weights: Weights) -> nn.Module:
    try:
        with torch.device("meta"):
            network = cast(Any, kind)(**config)
    except (ArithmeticError, RuntimeError, TypeError, ValueError) as error:
        raise WeightsError(f"its shapes are not those of a ControlNet ({error})") from error
    return original.fill(network.eval().requires_grad_(False), weights, "controlnet")
