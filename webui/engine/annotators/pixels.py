"""Pictures as networks take them, and what those give as pictures."""

from __future__ import annotations

import numpy as np
import torch
from PIL import Image
from torch import Tensor, nn

Colour = tuple[float, float, float]

IMAGENET: tuple[Colour, Colour] = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
HALVES: tuple[Colour, Colour] = (0.5, 0.5, 0.5), (0.5, 0.5, 0.5)
"""Mean and deviation of colours in [0, 1], as networks were trained with."""


def device_of(network: nn.Module) -> torch.device:
    """Where its weights are."""
    return next(network.parameters()).device


def pixels_of(image: Image.Image, device: torch.device) -> Tensor:
    """Colours from 0 to 255, shape (1, 3, height, width)."""
    return torch.from_numpy(np.array(image.convert("RGB"), np.float32)).permute(2, 0, 1)[None].to(device)


def normed(pixels: Tensor, norm: tuple[Colour, Colour]) -> Tensor:
    """Colours from 0 to 255 -> less the mean, by the deviation."""
    mean, deviation = (torch.tensor(each, device=pixels.device)[:, None, None] for each in norm)
    return (pixels / 255 - mean) / deviation


LONGEST = 4
"""How many times as long as wide networks are shown a picture at most; longer ones are compressed."""


def brought(image: Image.Image, side: int, multiple: int) -> Image.Image:
    """`image` with a shorter side of about `side` pixels, both being multiples of `multiple`."""
    scale = side / min(image.size)
    lengths = (min(length * scale, side * LONGEST) for length in image.size)
    width, height = (max(1, round(length / multiple)) * multiple for length in lengths)
    return image.resize((width, height), Image.Resampling.BICUBIC)


def shown(values: Tensor) -> Image.Image:
    """The picture of values in [0, 1], shape (height, width)."""
    bits = values.float().clamp(0, 1).mul(255).round().to(torch.uint8)
    return Image.fromarray(bits.cpu().numpy())
