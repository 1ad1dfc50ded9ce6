"""The UNet as the samplers see it: noisy latents and a sigma in, predicted clean latents out."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from webui.engine.encoding import Conditioning
from webui.engine.model import Model


class Denoiser:
    """Classifier-free guidance (Ho & Salimans, arXiv:2207.12598) over epsilon- and v-predicting UNets.

    At a scale of 1 the unconditional half has no say and is not computed.
    """

    def __init__(self, model: Model, conditioning: Conditioning, cfg_scale: float, batch: int) -> None:
        self._model = model
        self._cfg_scale = cfg_scale
        halves = [conditioning.negative, conditioning.positive]
        used = halves if cfg_scale != 1 else halves[1:]
        self._embeddings = torch.cat([half.expand(batch, -1, -1) for half in used])
        self.latest: Tensor | None = None
        """The last prediction: the picture as it looks now, shape (batch, channels, height, width)."""

    def __call__(self, x: Tensor, sigma: float) -> Tensor:
        """The clean latents that the model sees in `x` = picture + sigma * noise."""
        scale = 1 / math.sqrt(1 + sigma**2)
        raw = self._guided(x * scale, sigma)
        if self._model.prediction == "v_prediction":
            clean = x * scale**2 - raw * (sigma * scale)
        else:
            clean = x - raw * sigma
        self.latest = clean
        return clean

    def _guided(self, x: Tensor, sigma: float) -> Tensor:
        """The UNet's output in 32 bits, guided. (Guiding the output or the clean latents is the same.)"""
        timestep = torch.tensor([self._model.noise_table.timestep(sigma)], device=x.device)
        halves = len(self._embeddings) // len(x)
        latents = torch.cat([x] * halves).to(self._model.placement.dtype)
        out = self._model.unet(latents, timestep, self._embeddings, return_dict=False)[0].float()
        if halves == 1:
            return out
        negative, positive = out.chunk(2)
        return negative + (positive - negative) * self._cfg_scale
