"""How near things are, by transformers' networks: Depth Anything, DPT (MiDaS), ZoeDepth."""

from __future__ import annotations

from pathlib import Path
from typing import Any, NamedTuple

import torch
import torch.nn.functional as F
from PIL import Image
from torch import Tensor, nn

from webui.engine.annotators.folders import load_network, model_type
from webui.engine.annotators.pixels import (
    HALVES,
    IMAGENET,
    Colour,
    brought,
    device_of,
    normed,
    pixels_of,
    shown,
)
from webui.imaging.preprocessors.preprocessor import Options


class _Habits(NamedTuple):
    """How a network is used."""

    kind: str
    """transformers' class."""
    multiple: int
    """What sides must be multiples of."""
    norm: tuple[Colour, Colour]
    square: bool = False
    """Whether it is shown squares only."""
    metric: bool = False
    """Whether it tells metres; the others tell how near it is, in no unit."""


HABITS = {
    "depth_anything": _Habits("DepthAnythingForDepthEstimation", 14, IMAGENET),
    "dpt": _Habits("DPTForDepthEstimation", 32, HALVES, square=True),
    "zoedepth": _Habits("ZoeDepthForDepthEstimation", 32, HALVES, metric=True),
}
USUAL_SIDE = 384
"""Pixels: what most were trained at."""
NEAREST, FURTHEST = 2.0, 85.0
"""Percentiles of metres between which greys are spread: the sky would take most of them otherwise."""


class DepthEstimator(nn.Module):
    """Depth maps: the nearest white, the furthest black."""

    def __init__(self, network: nn.Module, habits: _Habits) -> None:
        super().__init__()
        self.network = network
        self._habits = habits

    @torch.inference_mode()
    def annotated(self, image: Image.Image, _: Options) -> Image.Image:
        """The depth map of a picture."""
        habits = self._habits
        side = _side(self.network)
        shown_to = image.resize((side, side), Image.Resampling.BICUBIC) if habits.square else image
        seen = brought(shown_to, side, habits.multiple)
        depth: Tensor = self.network(normed(pixels_of(seen, device_of(self)), habits.norm)).predicted_depth
        size = (image.height, image.width)
        depth = F.interpolate(depth[:, None].float(), size, mode="bicubic", align_corners=False)[0, 0]
        return shown(_from_metres(depth) if habits.metric else _stretched(depth))


def read_depth(config: Path) -> DepthEstimator:
    """The network in the folder of that config.json.

    Raises:
        WeightsError: it is damaged.
    """
    kinds = {kind: habits.kind for kind, habits in HABITS.items()}
    network = load_network(config.parent, kinds)
    return DepthEstimator(network, HABITS[model_type(config.parent)])


def _side(network: nn.Module) -> int:
    """The shorter side that it was trained at, as its config tells."""
    config: Any = network.config
    told = getattr(config.backbone_config or config, "image_size", None)
    return told if isinstance(told, int) else USUAL_SIDE


def _stretched(near: Tensor) -> Tensor:
    least, most = near.min(), near.max()
    return (near - least) / (most - least).clamp_min(1e-6)


def _from_metres(depth: Tensor) -> Tensor:
    flat = depth.flatten().sort().values
    least, most = (flat[int((len(flat) - 1) * share / 100)] for share in (NEAREST, FURTHEST))
    return 1 - ((depth - least) / (most - least).clamp_min(1e-6)).clamp(0, 1)
