"""SRVGGNetCompact: the small, quick networks of Real-ESRGAN (Wang et al. 2021), "compact" in files' names.

A row of convolutions at the picture's own size; only at the end channels become pixels.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from math import isqrt

import torch.nn.functional as F
from torch import Tensor, nn

LAYER = re.compile(r"body\.(\d{1,4})\.(weight|bias)")


@dataclass(frozen=True)
class CompactShape:
    """What the shapes of the weights tell of a network."""

    channels: int
    width: int
    convolutions: int
    """Those between the first and the last."""
    scale: int

    @classmethod
    def of(cls, shapes: dict[str, tuple[int, ...]]) -> CompactShape | None:
        """The network that has weights of these shapes; None if it is none of this kind."""
        layers = {int(found[1]) for name in shapes if (found := LAYER.fullmatch(name))}
        first, slopes = shapes.get("body.0.weight", ()), shapes.get("body.1.weight", ())
        last = shapes.get(f"body.{max(layers, default=0)}.weight", ())
        if not len(first) == len(last) == 4 or slopes != (first[0],) or not all(map(LAYER.fullmatch, shapes)):
            return None
        channels = first[1]
        scale = isqrt(last[0] // max(channels, 1))
        if not scale or last[0] != channels * scale**2:
            return None
        return cls(channels, first[0], len(layers) // 2 - 1, scale)


class SRVGGNetCompact(nn.Module):
    """Pictures (batch, channels, height, width) in [0, 1] -> the same, `shape.scale` times as large."""

    def __init__(self, shape: CompactShape) -> None:
        super().__init__()
        self._scale = shape.scale
        layers: list[nn.Module] = []
        for number in range(shape.convolutions + 1):
            channels = shape.width if number else shape.channels
            layers += [nn.Conv2d(channels, shape.width, 3, padding=1), nn.PReLU(shape.width)]
        last = nn.Conv2d(shape.width, shape.channels * shape.scale**2, 3, padding=1)
        self.body = nn.Sequential(*layers, last)

    def forward(self, x: Tensor) -> Tensor:
        """Enlarge: what the network makes is added to the picture's own pixels, enlarged as they are."""
        plain = F.interpolate(x, scale_factor=float(self._scale))
        return F.pixel_shuffle(self.body(x), self._scale) + plain
