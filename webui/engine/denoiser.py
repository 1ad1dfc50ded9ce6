"""The UNet as the samplers see it: noisy latents and a sigma in, predicted clean latents out."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from webui.engine.encoding import Conditioning
from webui.engine.model import Model

GOOD, POOR = 6.0, 2.5
"""The aesthetic scores that SDXL's refiner is told for what is wanted and what is not."""


class Denoiser:
    """Classifier-free guidance (Ho & Salimans, arXiv:2207.12598) over epsilon- and v-predicting UNets.

    At a scale of 1 the unconditional half has no say and is not computed. `beside` is what an inpainting
    UNet takes beside the latents, shape (1, extra channels, height, width).
    """

    def __init__(
        self,
        model: Model,
        conditioning: Conditioning,
        cfg_scale: float,
        batch: int,
        beside: Tensor | None = None,
    ) -> None:
        self._model = model
        self._cfg_scale = cfg_scale
        self._batch = batch
        self._beside = beside
        halves = [conditioning.negative, conditioning.positive]
        self._used = halves if cfg_scale != 1 else halves[1:]
        self._embeddings = torch.cat([half.tokens.expand(batch, -1, -1) for half in self._used])
        self._added: dict[str, Tensor] | None = None
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
        if self._beside is not None:
            x = torch.cat([x, self._beside.expand(len(x), -1, -1, -1).to(x.dtype)], 1)
        latents = torch.cat([x] * len(self._used)).to(self._model.placement.dtype)
        out = self._model.unet(
            latents,
            timestep,
            self._embeddings,
            added_cond_kwargs=self._additions(x),
            return_dict=False,
        )[0].float()
        if len(self._used) == 1:
            return out
        negative, positive = out.chunk(2)
        return negative + (positive - negative) * self._cfg_scale

    def _additions(self, x: Tensor) -> dict[str, Tensor] | None:
        """What SDXL takes beside the tokens (Podell et al., arXiv:2307.01952, 2.2): pooled text and sizes."""
        if self._added is None and self._used[0].pooled is not None:
            height, width = (side * self._model.scale for side in x.shape[-2:])
            self._added = {
                "text_embeds": self._each([half.pooled for half in self._used]),
                "time_ids": self._each([row.to(x.device) for row in self._sizes(width, height)]),
            }
        return self._added

    def _each(self, rows: list[Tensor | None] | list[Tensor]) -> Tensor:
        return torch.cat([row.expand(self._batch, -1) for row in rows if row is not None])

    def _sizes(self, width: int, height: int) -> list[Tensor]:
        """Original size, crop, and target size; to the refiner a score in place of the target size."""
        told = [[GOOD], [POOR]] if self._model.family == "sdxl-refiner" else [[height, width]] * 2
        # The wanted half comes last.
        rows = [[height, width, 0, 0, *rest] for rest in reversed(told[: len(self._used)])]
        return [torch.tensor([row], dtype=torch.float32) for row in rows]
