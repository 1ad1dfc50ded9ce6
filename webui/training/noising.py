"""Noise put into latents, and what the UNet is to say of it: DDPM (Ho et al., arXiv:2006.11239)."""

from __future__ import annotations

import torch
from torch import Tensor

from webui.catalog.entry import Prediction
from webui.engine.samplers.schedules import NoiseTable


class Noising:
    """Adds the noise that a model was trained on. Latents and noise have the shape (batch, c, h, w)."""

    def __init__(self, table: NoiseTable, prediction: Prediction, device: torch.device) -> None:
        alphas = torch.from_numpy(1 / (1 + table.sigmas**2)).to(device, torch.float32)
        self._signal, self._noise = alphas.sqrt(), (1 - alphas).sqrt()
        self._snr = alphas / (1 - alphas)
        self._prediction = prediction

    def timesteps(self, shares: Tensor) -> Tensor:
        """Whole timesteps at `shares` of the table, each from 0 to below 1."""
        return (shares.to(self._signal.device) * len(self._signal)).long()

    def noisy(self, latents: Tensor, noise: Tensor, timesteps: Tensor) -> Tensor:
        """What the UNet is given: latents and noise, together of the latents' variance."""
        return _each(self._signal[timesteps]) * latents + _each(self._noise[timesteps]) * noise

    def target(self, latents: Tensor, noise: Tensor, timesteps: Tensor) -> Tensor:
        """What it is to answer: the noise, or v (Salimans and Ho, arXiv:2202.00512)."""
        if self._prediction == "epsilon":
            return noise
        return _each(self._signal[timesteps]) * noise - _each(self._noise[timesteps]) * latents

    def weights(self, timesteps: Tensor, gamma: float) -> Tensor:
        """How much each row counts, shape (batch,): min-SNR (Hang et al., arXiv:2303.09556). 0: all alike."""
        snr = self._snr[timesteps]
        if not gamma:
            return torch.ones_like(snr)
        return snr.clamp(max=gamma) / (snr + (self._prediction == "v_prediction")).clamp(min=1e-8)


def _each(numbers: Tensor) -> Tensor:
    return numbers[:, None, None, None]
