"""RRDBNet: the network of ESRGAN (Wang et al. 2018), Real-ESRGAN (Wang et al. 2021) and their many offspring.

Its layers are named as in Real-ESRGAN's files. ESRGAN+ (Rakotonirina and Rasoanaivo 2020) adds a path to
each dense block.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from math import isqrt

import torch
import torch.nn.functional as F
from torch import Tensor, nn

RESIDUE = 0.2
"""How much of a block's outcome is added to what went in."""
SLOPE = 0.2
DENSE = 5
"""Convolutions in a dense block."""
MOST_BLOCKS, MOST_DOUBLINGS = 256, 6
"""Far more than any network has; else files with made-up names would take hours to build."""


@dataclass(frozen=True)
class RRDBShape:
    """What the shapes of the weights tell of a network."""

    channels: int
    """Of the picture: 3, or 1."""
    width: int
    growth: int
    blocks: int
    doublings: int
    """How many times it doubles both sides on its way."""
    unshuffle: int = 1
    """Side of the squares of pixels that are made channels first; the network is quicker by that."""
    plus: bool = False

    @property
    def scale(self) -> int:
        """How many times wider and higher the picture gets."""
        return 2**self.doublings // self.unshuffle

    @classmethod
    def of(cls, shapes: dict[str, tuple[int, ...]]) -> RRDBShape | None:
        """The network that has weights of these shapes, named as here; None if it is none of this kind."""
        first, last = shapes.get("conv_first.weight", ()), shapes.get("conv_last.weight", ())
        dense = shapes.get("body.0.rdb1.conv1.weight", ())
        if not len(first) == len(last) == len(dense) == 4:
            return None
        channels, squares = last[0], first[1] // max(last[0], 1)
        unshuffle = isqrt(squares)
        doublings = sum(name.startswith("conv_up") and name.endswith(".weight") for name in shapes)
        if first[1] != channels * unshuffle**2 or unshuffle not in (1, 2, 4) or 2**doublings < unshuffle:
            return None
        blocks = _blocks(shapes)
        if not 0 < blocks <= MOST_BLOCKS or doublings > MOST_DOUBLINGS:
            return None
        plus = "body.0.rdb1.conv1x1.weight" in shapes
        return cls(channels, first[0], dense[0], blocks, doublings, unshuffle, plus)


def _blocks(shapes: Iterable[str]) -> int:
    """How many blocks weights of these names make up; 0 if there are others among them."""
    named = {name.split(".")[1] for name in shapes if name.startswith("body.")}
    begun = sum(name.startswith("body.") and name.endswith(".rdb1.conv1.weight") for name in shapes)
    return begun if named == set(map(str, range(begun))) else 0


class RRDBNet(nn.Module):
    """Pictures (batch, channels, height, width) in [0, 1] -> the same, `shape.scale` times as large."""

    def __init__(self, shape: RRDBShape) -> None:
        super().__init__()
        self._unshuffle, self._doublings, self._scale = shape.unshuffle, shape.doublings, shape.scale
        width = shape.width
        self.conv_first = _conv(shape.channels * shape.unshuffle**2, width)
        self.body = nn.Sequential(*(_Block(shape) for _ in range(shape.blocks)))
        self.conv_body = _conv(width, width)
        for number in range(1, shape.doublings + 1):
            self.add_module(f"conv_up{number}", _conv(width, width))
        self.conv_hr = _conv(width, width)
        self.conv_last = _conv(width, shape.channels)

    def forward(self, x: Tensor) -> Tensor:
        """Enlarge; sides that don't divide into squares are continued by their mirror image."""
        height, width = x.shape[-2:]
        if self._unshuffle > 1:
            missing = (-width % self._unshuffle, -height % self._unshuffle)
            x = F.pixel_unshuffle(F.pad(x, (0, missing[0], 0, missing[1]), "reflect"), self._unshuffle)
        x = self.conv_first(x)
        x = x + self.conv_body(self.body(x))
        for number in range(1, self._doublings + 1):
            x = _leaky(self.get_submodule(f"conv_up{number}")(F.interpolate(x, scale_factor=2.0)))
        x = self.conv_last(_leaky(self.conv_hr(x)))
        return x[..., : height * self._scale, : width * self._scale]


class _Block(nn.Module):
    """A residual in residual dense block: three dense ones in a row."""

    def __init__(self, shape: RRDBShape) -> None:
        super().__init__()
        self.rdb1, self.rdb2, self.rdb3 = (_Dense(shape.width, shape.growth, shape.plus) for _ in range(3))

    def forward(self, x: Tensor) -> Tensor:
        return self.rdb3(self.rdb2(self.rdb1(x))) * RESIDUE + x


class _Dense(nn.Module):
    """Five convolutions, each of which sees what all before it made."""

    def __init__(self, width: int, growth: int, plus: bool) -> None:
        super().__init__()
        for number in range(1, DENSE):
            self.add_module(f"conv{number}", _conv(width + (number - 1) * growth, growth))
        self.conv5 = _conv(width + (DENSE - 1) * growth, width)
        self.conv1x1 = nn.Conv2d(width, growth, 1, bias=False) if plus else None

    def forward(self, x: Tensor) -> Tensor:
        seen = [x]
        for number in range(1, DENSE):
            made = _leaky(self.get_submodule(f"conv{number}")(torch.cat(seen, 1)))
            if self.conv1x1 is not None and number == 2:
                made = made + self.conv1x1(x)
            if self.conv1x1 is not None and number == 4:
                made = made + seen[2]
            seen.append(made)
        return self.conv5(torch.cat(seen, 1)) * RESIDUE + x


def _conv(channels: int, out: int) -> nn.Conv2d:
    return nn.Conv2d(channels, out, 3, padding=1)


def _leaky(x: Tensor) -> Tensor:
    return F.leaky_relu(x, SLOPE, inplace=True)
