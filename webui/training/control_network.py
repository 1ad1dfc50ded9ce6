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

HINT = (16, 32, 96, 256)
"""Widths of the layers that see the map, as first released."""
OWN = "controlnet_"
"""Begins the names of the layers that a UNet has not."""
RESNET = {
    "norm1": "in_layers.0",
    "conv1": "in_layers.2",
    "time_emb_proj": "emb_layers.1",
    "norm2": "out_layers.0",
    "conv2": "out_layers.3",
    "conv_shortcut": "skip_connection",
}
LAYERS = {
    "time_embedding.linear_1": "time_embed.0",
    "time_embedding.linear_2": "time_embed.2",
    "add_embedding.linear_1": "label_emb.0.0",
    "add_embedding.linear_2": "label_emb.0.2",
    "conv_in": "input_blocks.0.0",
    "mid_block.resnets.0": "middle_block.0",
    "mid_block.attentions.0": "middle_block.1",
    "mid_block.resnets.1": "middle_block.2",
    "controlnet_mid_block": "middle_block_out.0",
    "controlnet_cond_embedding.conv_in": "input_hint_block.0",
}


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
    if found := re.fullmatch(r"controlnet_down_blocks\.(\d+)\.(.+)", name):
        return f"zero_convs.{found[1]}.0.{found[2]}"
    if found := re.fullmatch(r"controlnet_cond_embedding\.(?:blocks\.(\d+)|conv_out)\.(.+)", name):
        return f"input_hint_block.{2 * (int(found[1]) + 1) if found[1] else 14}.{found[2]}"
    if found := re.fullmatch(r"down_blocks\.(\d+)\.(resnets|attentions|downsamplers)\.(\d+)\.(.+)", name):
        name = _block(int(found[1]) * (layers + 1) + 1, found[2], int(found[3]), found[4], layers)
    known = next((mine for mine in LAYERS if name.startswith(f"{mine}.")), None)
    if known:
        name = LAYERS[known] + name[len(known) :]
    inside = re.fullmatch(r"((?:input_blocks\.\d+|middle_block)\.\d)\.([a-z_]+\d?)\.(.+)", name)
    return f"{inside[1]}.{RESNET[inside[2]]}.{inside[3]}" if inside and inside[2] in RESNET else name


def _block(first: int, kind: str, number: int, rest: str, layers: int) -> str:
    if kind == "downsamplers":
        return f"input_blocks.{first + layers}.0.op.{rest.removeprefix('conv.')}"
    return f"input_blocks.{first + number}.{int(kind == 'attentions')}.{rest}"


def _saved(tensors: dict[str, Tensor]) -> dict[str, Tensor]:
    return {name: tensor.detach().half().cpu().contiguous() for name, tensor in tensors.items()}
