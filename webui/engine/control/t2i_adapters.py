"""T2I-Adapters (Mou et al., arXiv:2302.08453) from files, in TencentARC's names or in diffusers'."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import torch
from diffusers.models.adapter import T2IAdapter
from torch import Tensor, nn

from webui.engine import original
from webui.engine.weights import WeightsError, load

Weights = dict[str, Tensor]
ENTRANCES = {64: (1, 8), 192: (3, 8), 256: (1, 16), 768: (3, 16)}
"""Channels of the entrance -> the map's channels, and the side of the blocks of pixels it is cut into."""
XL_BLOCK = 16


def t2i_adapter(file: Path) -> nn.Module:
    """The adapter in `file`: full, light, or SDXL's.

    Raises:
        WeightsError: the file is damaged or holds no such adapter.
    """
    weights = {name.removeprefix("adapter."): weight for name, weight in load(file).items()}
    light = "conv_in.weight" not in weights
    if not any(re.match(r"body\.\d+\.resnets\.", name) for name in weights):
        layers = _layers(weights)
        weights = {_light(name) if light else _full(name, layers): weight for name, weight in weights.items()}
    config = _config(weights, light)
    with torch.device("meta"):
        network = T2IAdapter(**config).eval().requires_grad_(False)
    return original.fill(network, {f"adapter.{name}": weight for name, weight in weights.items()}, "adapter")


def _layers(weights: Weights) -> int:
    """How many layers a level has, where levels aren't told: the widths change with each but the last.

    All that are known have two; the entrance of the second level is where the width changes first.
    """
    changes = [
        int(found[1])
        for name in weights
        if (found := re.fullmatch(r"body\.(\d{1,3})\.in_conv\.weight", name))
    ]
    return min(changes, default=2)


def _full(name: str, layers: int) -> str:
    """In the first release a full adapter's layers are counted through all levels."""
    found = re.fullmatch(r"body\.(\d{1,3})\.(.+)", name)
    if not found:
        return name
    level, layer = divmod(int(found[1]), layers)
    rest = found[2]
    return f"body.{level}.{rest}" if rest.startswith("in_conv.") else f"body.{level}.resnets.{layer}.{rest}"


def _light(name: str) -> str:
    return re.sub(r"^(body\.\d+)\.body\.", r"\1.resnets.", name)


def _config(weights: Weights, light: bool) -> dict[str, Any]:
    entrance = weights.get("body.0.in_conv.weight" if light else "conv_in.weight")
    kind = ENTRANCES.get(entrance.shape[1]) if entrance is not None and entrance.ndim == 4 else None
    levels = _count(weights, r"body\.(\d{1,3})\.")
    last = "out_conv.weight" if light else "resnets.0.block1.weight"
    ends = [weights.get(f"body.{level}.{last}") for level in range(levels)]
    if kind is None or any(end is None or end.ndim != 4 for end in ends):
        raise WeightsError("it holds no T2I-Adapter that is known here")
    widths = [len(end) for end in ends if end is not None]
    channels, block = kind
    return {
        "in_channels": channels,
        "channels": widths[:-1] if light else widths,
        "num_res_blocks": _count(weights, r"body\.0\.resnets\.(\d{1,3})\."),
        "downscale_factor": block,
        "adapter_type": "light_adapter"
        if light
        else "full_adapter_xl"
        if block == XL_BLOCK
        else "full_adapter",
    }


def _count(weights: Weights, pattern: str) -> int:
    return len({found[1] for name in weights if (found := re.match(pattern, name))})
