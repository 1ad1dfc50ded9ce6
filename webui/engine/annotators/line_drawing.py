"""Line drawings (Chan et al., "Learning to generate line drawings", arXiv:2203.12691)."""

from __future__ import annotations

from pathlib import Path

import torch
from PIL import Image
from torch import Tensor, nn

from webui.engine.annotators.pixels import device_of, pixels_of, shown
from webui.engine.original.networks import fill
from webui.engine.weights import load
from webui.imaging.preprocessors.preprocessor import Options

WIDTH, RESIDUALS = 64, 3
MULTIPLE = 4
"""The picture is halved twice and doubled twice."""


class _Residual(nn.Module):
    def __init__(self, width: int) -> None:
        super().__init__()
        self.conv_block = nn.Sequential(
            nn.ReflectionPad2d(1), nn.Conv2d(width, width, 3), nn.InstanceNorm2d(width), nn.ReLU(),
            nn.ReflectionPad2d(1), nn.Conv2d(width, width, 3), nn.InstanceNorm2d(width),
        )  # fmt: skip

    def forward(self, x: Tensor) -> Tensor:
        return x + self.conv_block(x)


class LineDrawing(nn.Module):
    """Pictures (batch, 3, height, width) in [0, 1] -> drawings (batch, 1, height, width), paper being 1."""

    def __init__(self) -> None:
        super().__init__()
        self.model0 = nn.Sequential(
            nn.ReflectionPad2d(3), nn.Conv2d(3, WIDTH, 7), nn.InstanceNorm2d(WIDTH), nn.ReLU()
        )
        down, up = list[nn.Module](), list[nn.Module]()
        for width in (WIDTH, 2 * WIDTH):
            down += [nn.Conv2d(width, 2 * width, 3, 2, 1), nn.InstanceNorm2d(2 * width), nn.ReLU()]
        for width in (4 * WIDTH, 2 * WIDTH):
            half = width // 2
            up += [nn.ConvTranspose2d(width, half, 3, 2, 1, 1), nn.InstanceNorm2d(half), nn.ReLU()]
        self.model1 = nn.Sequential(*down)
        self.model2 = nn.Sequential(*(_Residual(4 * WIDTH) for _ in range(RESIDUALS)))
        self.model3 = nn.Sequential(*up)
        self.model4 = nn.Sequential(nn.ReflectionPad2d(3), nn.Conv2d(WIDTH, 1, 7), nn.Sigmoid())

    def forward(self, x: Tensor) -> Tensor:
        """Draw."""
        for part in (self.model0, self.model1, self.model2, self.model3, self.model4):
            x = part(x)
        return x

    @torch.inference_mode()
    def annotated(self, image: Image.Image, _: Options) -> Image.Image:
        """White lines on black."""
        width, height = (round(length / MULTIPLE) * MULTIPLE for length in image.size)
        seen = image.resize((width, height), Image.Resampling.BICUBIC)
        drawn = self(pixels_of(seen, device_of(self)) / 255)[0, 0]
        return shown(1 - drawn).resize(image.size, Image.Resampling.BILINEAR)


def read_line_drawing(file: Path) -> LineDrawing:
    """The network in sk_model.pth or sk_model2.pth.

    Raises:
        WeightsError: it is damaged or holds another network.
    """
    network = LineDrawing().eval().requires_grad_(False)
    fill(network, {name: weight.float() for name, weight in load(file).items()}, "network")
    return network
