"""Previews: what the predicted clean latents look like, at a cost that sampling doesn't feel.

A VAE's decoder is close to linear over small neighbourhoods. So a single 3x3 convolution from latents to
blocks of pixels, fitted once for each VAE by least squares on pictures made up here, shows a picture as it
develops for about a hundredth of what decoding costs.
"""

from __future__ import annotations

import contextlib
import io
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import numpy as np
import torch
import torch.nn.functional as F
from diffusers.models.autoencoders.autoencoder_kl import AutoencoderKL
from PIL import Image
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor

from webui.engine.samplers.schedules import Floats

LONGEST_SIDE = 256
SAMPLES = 16
SHARE = 0.02


@dataclass(frozen=True)
class PreviewDecoder:
    """Latents -> RGB. `weight` has shape (3 * block * block, channels, 3, 3), `bias` (3 * block * block)."""

    weight: Tensor
    bias: Tensor

    @property
    def block(self) -> int:
        """How many pixels wide one latent becomes."""
        return int((len(self.bias) // 3) ** 0.5)

    def coarser(self) -> PreviewDecoder:
        """One that makes pictures half as wide: each 2x2 pixels averaged, done in the weights."""
        half = self.block // 2
        weight = self.weight.unflatten(0, (3, half, 2, half, 2)).mean((2, 4)).flatten(0, 2)
        bias = self.bias.unflatten(0, (3, half, 2, half, 2)).mean((2, 4)).flatten(0, 2)
        return PreviewDecoder(weight, bias)

    def fitting(self, latents: Tensor) -> PreviewDecoder:
        """This one, or a coarser one if the picture would get wider than a preview needs to be."""
        too_wide = max(latents.shape[-2:]) * self.block > LONGEST_SIDE
        return self.coarser().fitting(latents) if self.block > 1 and too_wide else self

    def __call__(self, latents: Tensor) -> Tensor:
        """Bytes (batch, height, width, 3) on the CPU, for latents (batch, channels, height, width)."""
        padded = F.pad(latents.float(), (1, 1, 1, 1), mode="replicate")
        rgb = F.pixel_shuffle(F.conv2d(padded, self.weight, self.bias), self.block)
        return rgb.add(1).mul(127.5).clamp(0, 255).to(torch.uint8).permute(0, 2, 3, 1).cpu()


def jpegs(pictures: Tensor) -> list[bytes]:
    """Each picture of a batch of bytes (batch, height, width, 3) as a JPEG file."""
    files: list[bytes] = []
    for picture in pictures.numpy():
        stream = io.BytesIO()
        Image.fromarray(picture).save(stream, "JPEG", quality=80)
        files.append(stream.getvalue())
    return files


def fit(vae: AutoencoderKL, scale: int) -> PreviewDecoder:
    """The decoder for `vae`, whose latents are `scale` pixels wide: least squares over made-up pictures."""
    device, dtype = vae.device, vae.dtype
    pictures = made_up_pictures(SAMPLES, 16 * scale).to(device)
    rows = [cast(Any, vae.encode(row[None].to(dtype))).latent_dist.mode().float() for row in pictures]
    latents = normalized(vae, torch.cat(rows))
    neighbours = F.unfold(F.pad(latents, (1, 1, 1, 1), mode="replicate"), 3)
    known = torch.cat([neighbours, torch.ones_like(neighbours[:, :1])], 1).transpose(1, 2).flatten(0, 1)
    wanted = F.pixel_unshuffle(pictures, scale).flatten(2).transpose(1, 2).flatten(0, 1)
    # In 64 bits, with a little ridge: neighbouring latents say nearly the same.
    known, wanted = known.double().cpu(), wanted.double().cpu()
    square = known.T @ known + 1e-3 * len(known) * torch.eye(known.shape[1], dtype=torch.float64)
    solution = torch.linalg.solve(square, known.T @ wanted).float().T.to(device)
    weight = solution[:, :-1].unflatten(1, (latents.shape[1], 3, 3))
    return PreviewDecoder(weight.contiguous(), solution[:, -1].contiguous())


def normalized(vae: AutoencoderKL, latents: Tensor) -> Tensor:
    """The VAE's latents as the UNet knows them."""
    config = cast(Any, vae.config)
    return (latents - (config.shift_factor or 0.0)) * config.scaling_factor


def made_up_pictures(count: int, side: int, seed: int = 0) -> Tensor:
    """Shaded discs and bars on plain or graded grounds, in [-1, 1], shape (count, 3, side, side)."""
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[0:side, 0:side] / side
    pictures = [_made_up_picture(rng, x, y) for _ in range(count)]
    return torch.from_numpy(np.stack(pictures)).float().permute(0, 3, 1, 2)


def _made_up_picture(rng: np.random.Generator, x: Floats, y: Floats) -> Floats:
    picture = _shade(rng, x, y, 0.3)
    for _ in range(rng.integers(3, 9)):
        u, v = x - rng.uniform(0, 1), y - rng.uniform(0, 1)
        angle, across, along = rng.uniform(0, np.pi), *rng.uniform(0.04, 0.4, 2)
        a, b = u * np.cos(angle) + v * np.sin(angle), v * np.cos(angle) - u * np.sin(angle)
        disc, bar = np.hypot(a / across, b / along), np.maximum(abs(a) / across, abs(b) / along)
        # The edge is about a pixel and a half wide, as in a drawn or photographed picture.
        depth = (1 - (disc if rng.random() < 0.6 else bar)) * min(across, along) * len(x)
        inside = np.clip(depth / 1.5, 0, 1)
        picture += inside[..., None] * (_shade(rng, x, y, 0.8) - picture)
    return np.clip(picture, -1, 1)


def _shade(rng: np.random.Generator, x: Floats, y: Floats, strength: float) -> Floats:
    slope = rng.normal(0, strength, (2, 3))
    return rng.uniform(-1, 1, 3) + x[..., None] * slope[0] + y[..., None] * slope[1]


def load_or_fit(vae: AutoencoderKL, scale: int, file: Path) -> PreviewDecoder:
    """The decoder kept in `file`, or a new one, which is then kept there if it can be."""
    if decoder := kept_in(file, vae.device):
        return decoder
    decoder = fit(vae, scale)
    keep(decoder, file)
    return decoder


def kept_in(file: Path, device: torch.device) -> PreviewDecoder | None:
    """The decoder kept in `file`, if there is one."""
    try:
        kept = load_file(file, device=str(device))
        return PreviewDecoder(kept["weight"], kept["bias"])
    except (OSError, SafetensorError, KeyError):
        return None


def keep(decoder: PreviewDecoder, file: Path) -> None:
    """Write `decoder` to `file`, unless it has numbers that are none (NaN)."""
    if not torch.isfinite(decoder.weight).all():
        return
    # A full disk costs the next start a moment; it is no reason to stop this one.
    with contextlib.suppress(OSError, SafetensorError):
        file.parent.mkdir(parents=True, exist_ok=True)
        unfinished = file.with_suffix(".part")
        save_file({"weight": decoder.weight, "bias": decoder.bias}, unfinished)
        unfinished.replace(file)


class PreviewBudget:
    """Keeps the time spent on previews under a share of the time spent on sampling."""

    def __init__(self, share: float = SHARE) -> None:
        self._share = share
        self._begun = time.perf_counter()
        self._spent = 0.0

    def allows(self) -> bool:
        """Whether another preview fits. The first one always does."""
        return self._spent <= self._share * (time.perf_counter() - self._begun)

    def spend(self, seconds: float) -> None:
        """Count a preview that took `seconds`."""
        self._spent += seconds
