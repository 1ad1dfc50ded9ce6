"""IP-Adapters from their files: base, light, plus, plus-face and full-face, for SD 1.x, 2.x and SDXL."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, cast

import torch
import torch.nn.functional as F
from diffusers.loaders.unet import UNet2DConditionLoadersMixin
from torch import Tensor, nn

from webui.catalog.image_encoders import Sight, sight_of
from webui.engine.weights import WeightsError, load

PROJECTION, ATTENTION = "image_proj.", "ip_adapter."

Weights = Mapping[str, Tensor]


class IPAdapter(nn.Module):
    """Tokens from what an image encoder saw, and from those the keys and values of each cross-attention.

    `keys` and `values` are matrices of shape (width of the layer, width of the tokens), in the order of the
    UNet's cross-attentions: the way down, the way up, the middle.
    """

    def __init__(self, projection: nn.Module, keys: list[Tensor], values: list[Tensor], sight: Sight) -> None:
        super().__init__()
        self.projection = projection
        self.keys = nn.ParameterList([nn.Parameter(key, requires_grad=False) for key in keys])
        self.values = nn.ParameterList([nn.Parameter(value, requires_grad=False) for value in values])
        self.sight = sight

    def forward(self, seen: Tensor) -> list[tuple[Tensor, Tensor]]:
        """Keys and values for each layer, shape (pictures, tokens, width of the layer).

        `seen` has the shape (pictures, width) or (pictures, patches, width), as `sight` says.
        """
        tokens = self.projection(seen.to(self.keys[0].dtype))
        return [
            (F.linear(tokens, key), F.linear(tokens, value))
            for key, value in zip(self.keys, self.values, strict=True)
        ]


def read_adapter(file: Path) -> IPAdapter:
    """The adapter in a file of the original layout, `.safetensors` or a pickle.

    Raises:
        WeightsError: it is damaged, or of a kind that can't be used.
        OSError: it can't be opened.
    """
    weights = load(file, lambda name: name.startswith((PROJECTION, ATTENTION)))
    projection, layers = _below(PROJECTION, weights), _below(ATTENTION, weights)
    sight = sight_of({name: tuple(weight.shape) for name, weight in projection.items()})
    if sight is None or "perceiver_resampler.proj_in.weight" in projection:
        raise WeightsError("its projection of pictures is none that is known")
    keys, values = _matrices(layers, "to_k_ip"), _matrices(layers, "to_v_ip")
    if not keys or len(keys) != len(values):
        raise WeightsError("its file lacks the weights of cross-attentions")
    return IPAdapter(_projection(projection), keys, values, sight)


def _below(prefix: str, weights: Weights) -> dict[str, Tensor]:
    return {name.removeprefix(prefix): each for name, each in weights.items() if name.startswith(prefix)}


def _matrices(layers: Weights, kind: str) -> list[Tensor]:
    """In the order of their numbers: 1, 3, 5, ..., since self-attentions are counted, too."""
    numbered = {
        int(name.partition(".")[0]): weight
        for name, weight in layers.items()
        if name.partition(".")[0].isdecimal() and name.endswith(f".{kind}.weight")
    }
    return [numbered[number] for number in sorted(numbered)]


def _projection(weights: dict[str, Tensor]) -> nn.Module:
    loaders = cast(Any, UNet2DConditionLoadersMixin)
    try:
        # A method of no UNet in particular, as long as the weights stay on the CPU.
        return loaders._convert_ip_adapter_image_proj_to_diffusers(None, weights, low_cpu_mem_usage=False)
    except (KeyError, IndexError, RuntimeError) as error:
        if isinstance(error, torch.OutOfMemoryError):
            raise
        raise WeightsError("its projection of pictures is none that is known") from error
