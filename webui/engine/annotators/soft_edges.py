"""Soft edges by the network that ControlNet 1.1 was trained with: HED (Xie & Tu, arXiv:1504.06375)."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import torch
import torch.nn.functional as F
from PIL import Image
from torch import Tensor, nn

from webui.engine.annotators.pixels import device_of, pixels_of, shown
from webui.engine.original.networks import fill
from webui.engine.weights import load
from webui.imaging.preprocessors.preprocessor import Options

LEVELS = ((3, 64, 2), (64, 128, 2), (128, 256, 3), (256, 512, 3), (512, 512, 3))
"""Channels in and out, and the number of convolutions, of each level; the picture is halved between them."""


class _Level(nn.Module):
    def __init__(self, inputs: int, outputs: int, layers: int) -> None:
        super().__init__()
        widths = [inputs] + [outputs] * layers
        self.convs = nn.ModuleList(
            nn.Conv2d(before, after, 3, padding=1) for before, after in pairwise(widths)
        )
        self.projection = nn.Conv2d(outputs, 1, 1)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        for convolution in self.convs:
            x = F.relu(convolution(x))
        return x, self.projection(x)


class SoftEdges(nn.Module):
    """Pictures (batch, 3, height, width), 0 to 255 -> how much of an edge each pixel is, in [0, 1]."""

    def __init__(self) -> None:
        super().__init__()
        self.norm = nn.Parameter(torch.zeros(1, 3, 1, 1))
        for number, level in enumerate(LEVELS, 1):
            self.add_module(f"block{number}", _Level(*level))

    def forward(self, pixels: Tensor) -> Tensor:
        """The mean of what all levels see, brought to the picture's size. Shape (batch, 1, height, width)."""
        x, size, seen = pixels - self.norm, pixels.shape[-2:], list[Tensor]()
        for number in range(1, len(LEVELS) + 1):
            x, edges = self.get_submodule(f"block{number}")(x if number == 1 else F.max_pool2d(x, 2))
            seen.append(F.interpolate(edges, size, mode="bilinear", align_corners=False))
        return torch.stack(seen).mean(0).sigmoid()

    @torch.inference_mode()
    def annotated(self, image: Image.Image, _: Options) -> Image.Image:
        """White edges on black."""
        return shown(self(pixels_of(image, device_of(self)))[0, 0])


def read_soft_edges(file: Path) -> SoftEdges:
    """The network in ControlNetHED.pth.

    Raises:
        WeightsError: it is damaged or holds another network.
    """
    weights = load(file)
    network = SoftEdges().eval().requires_grad_(False)
    fill(network, {name: weight.float() for name, weight in weights.items()}, "network")
    return network
