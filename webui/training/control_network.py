"""A ControlNet to be trained (Zhang et al., arXiv:2302.05543): whole, or as changes of low rank to a UNet.

The second is a Control-LoRA, in Stability AI's file layout: it needs the checkpoint that it was trained for,
and takes a tenth of the room.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Sequence
from typing import Any, cast

import torch
from diffusers.models.controlnets.controlnet import ControlNetConditioningEmbedding, ControlNetModel
from diffusers.models.unets.unet_2d_condition import UNet2DConditionModel
from torch import Tensor, nn
from torch.nn.utils import parametrize

from webui.engine.original.unet_names import original_name

HINT = (16, 32, 96, 256)
"""Widths of the layers that see the map, as first released."""
OWN = "controlnet_"
"""Begins the names of the layers that a UNet has not."""


class LowRank(nn.Module):
    """A weight and a trained change to it: `up` (out, rank) times `down` (rank, in ...), nothing at first."""

    def __init__(self, weight: Tensor, rank: int) -> None:
        super().__init__()
        outputs, inputs = weight.shape[0], weight[0].numel()
        rank = min(rank, outputs, inputs)
        self.down = nn.Parameter(torch.randn(rank, inputs) / math.sqrt(inputs))
        self.up = nn.Parameter(torch.zeros(outputs, rank))

    def forward(self, weight: Tensor) -> Tensor:
        """The changed weight."""
        return weight + (self.up @ self.down).reshape(weight.shape).to(weight.dtype)


class Control:
    """A ControlNet made of a UNet, in which nothing has been learned yet. `rank` 0: all of it is trained."""

    def __init__(self, unet: UNet2DConditionModel, rank: int, seed: int, hint: Sequence[int] = HINT) -> None:
        self._rank = rank
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            self.network = _of(unet, hint)
            if rank:
                self._lower(rank)
        for name, parameter in self.network.named_parameters():
            parameter.requires_grad_(not rank or not name.endswith("original") or name.startswith(OWN))
            if parameter.requires_grad:
                parameter.data = parameter.data.float()
        self.parameters = {
            name: parameter for name, parameter in self.network.named_parameters() if parameter.requires_grad
        }

    def _lower(self, rank: int) -> None:
        for name, layer in list(self.network.named_modules()):
            if isinstance(layer, nn.Conv2d | nn.Linear) and not name.startswith(OWN):
                parametrize.register_parametrization(layer, "weight", LowRank(layer.weight, rank))

    def tensors(self) -> dict[str, Tensor]:
        """As files have it, in fp16: a Control-LoRA in the first release's names, else diffusers'."""
        if not self._rank:
            return _saved(self.network.state_dict())
        layers = int(cast(Any, self.network.config).layers_per_block)
        named = {original(name, layers): weight for name, weight in self._changes()}
        return _saved({"lora_controlnet": torch.zeros(0), **named})

    def _changes(self) -> Iterator[tuple[str, Tensor]]:
        """What differs from the UNet, by diffusers' names."""
        for name, parameter in self.parameters.items():
            layer, found, half = name.partition(".parametrizations.weight.0.")
            if not found:
                yield name, parameter
                continue
            shape = cast(Tensor, self.network.get_submodule(layer).weight).shape
            if half == "down":
                yield f"{layer}.down", parameter.reshape(-1, *shape[1:])
            else:
                yield f"{layer}.up", parameter.reshape(shape[0], -1, *[1] * (len(shape) - 2))


def _of(unet: UNet2DConditionModel, hint: Sequence[int]) -> ControlNetModel:
    network = ControlNetModel.from_unet(unet)
    first = int(cast(Any, unet.config).block_out_channels[0])
    network.controlnet_cond_embedding = ControlNetConditioningEmbedding(
        first, block_out_channels=cast(Any, tuple(hint))
    )
    cast(Any, network).register_to_config(conditioning_embedding_out_channels=tuple(hint))
    return cast(ControlNetModel, nn.Module.to(network, unet.device))


def original(name: str, layers: int) -> str:
    """diffusers' name of a weight -> the first release's. `layers`: how many each level of the UNet has."""
    layer, _, weight = name.rpartition(".")
    return f"{_original_layer(layer, layers)}.{weight}"


def _original_layer(name: str, layers: int) -> str:
    if found := re.fullmatch(r"controlnet_down_blocks\.(\d+)", name):
        return f"zero_convs.{found[1]}.0"
    if name == "controlnet_mid_block":
        return "middle_block_out.0"
    if found := re.fullmatch(r"controlnet_cond_embedding\.(?:(conv_in)|blocks\.(\d+)|conv_out)", name):
        number = 2 * (int(found[2]) + 1) if found[2] else 14
        return f"input_hint_block.{0 if found[1] else number}"
    return original_name(name, layers, frozenset())


def _saved(tensors: dict[str, Tensor]) -> dict[str, Tensor]:
    return {name: tensor.detach().half().cpu().contiguous() for name, tensor in tensors.items()}
