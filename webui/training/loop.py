"""A run, step by step: what is looked at, how wrong the UNet is, and what changes for it."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any, cast

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from webui.engine.devices import Placement
from webui.engine.model import Model
from webui.engine.protocol import EngineError
from webui.params.training import TrainParams
from webui.training.buckets import grouped
from webui.training.captions import Captions, Told
from webui.training.latents import Latents
from webui.training.lesson import Lesson, lesson
from webui.training.noising import Noising

MAX_NORM = 1.0
"""Gradients that are longer altogether are shortened to this."""


@dataclass(frozen=True)
class Material:
    """What there is to learn from. `silence` is said of a picture whose caption is left out."""

    latents: Latents
    captions: tuple[str, ...]
    told: Captions
    silence: str = ""


@dataclass(frozen=True)
class Question:
    """What the UNet is about to be asked: noisy latents, their timesteps, what it is told, and of what."""

    noisy: Tensor
    timesteps: Tensor
    told: Told
    lesson: Lesson


Beside = Callable[[Question], Mapping[str, Any]]
"""What the UNet is given by name beside a question."""


def _nothing(_: Question) -> Mapping[str, Any]:
    return {}


class Loop:
    """Takes the steps of a run; all of them are settled by the run's seed."""

    def __init__(
        self,
        model: Model,
        train: TrainParams,
        parameters: Mapping[str, nn.Parameter],
        material: Material,
        optimizer: torch.optim.Optimizer,
        beside: Beside = _nothing,
    ) -> None:
        """Prepare; nothing is computed yet.

        Args:
            model: whose UNet is asked.
            train: how.
            parameters: what changes.
            material: what there is to learn from.
            optimizer: changes the parameters.
            beside: what the UNet is given beside; it may be what is trained.
        """
        self._model = model
        self._train = train
        self._parameters = parameters
        self._material = material
        self._groups = grouped(material.latents.sizes)
        self._beside = beside
        self._optimizer = optimizer
        self._noising = Noising(model.noise_table, model.prediction, model.placement.device)
        half = model.placement.dtype == torch.float16
        self._scaler = torch.amp.GradScaler(model.placement.device.type, enabled=half)

    def step(self, number: int) -> float:
        """Take step `number`, from 0; the loss that there was before it.

        Raises:
            EngineError: the loss is no number any more.
        """
        train = self._train
        own = lesson(
            train.seed,
            number,
            self._groups,
            train.batch_size,
            train.caption_dropout,
            flip=train.flip,
        )
        for group in self._optimizer.param_groups:
            group["lr"] = train.learning_rate * pace(train, number)
        with torch.enable_grad():
            with autocast(self._model.placement):
                loss = self._loss(own)
            cast(Any, self._scaler.scale(loss)).backward()
        if not math.isfinite(value := float(loss.detach())):
            raise EngineError(f"The loss is no number after {number} steps. Lower the learning rate.")
        self._change()
        return value

    def _change(self) -> None:
        self._scaler.unscale_(self._optimizer)
        nn.utils.clip_grad_norm_(self._parameters.values(), MAX_NORM)
        self._scaler.step(self._optimizer)
        self._scaler.update()
        self._optimizer.zero_grad(set_to_none=True)

    def forget(self) -> None:
        """Let go what a step that broke off has left."""
        self._optimizer.zero_grad(set_to_none=True)

    def _loss(self, own: Lesson) -> Tensor:
        captions = [
            self._material.silence if silent else self._material.captions[picture]
            for picture, silent in zip(own.pictures, own.silent, strict=True)
        ]
        told = self._material.told.told(captions, self._material.latents.sizes[own.pictures[0]])
        device = self._model.placement.device
        latents = self._material.latents.batch(own.pictures, own.mirrored).to(device)
        noise = torch.randn(latents.shape, generator=own.generator).to(device)
        timesteps = self._noising.timesteps(own.shares)
        noisy = self._noising.noisy(latents, noise, timesteps).to(self._model.placement.dtype)
        beside = self._beside(Question(noisy, timesteps, told, own))
        unet = cast(Any, self._model.unet)
        answer: Tensor = unet(
            noisy, timesteps, told.tokens, added_cond_kwargs=told.added, return_dict=False, **beside
        )[0]
        target = self._noising.target(latents, noise, timesteps)
        wrong = F.mse_loss(answer.float(), target, reduction="none").mean((1, 2, 3))
        return (wrong * self._noising.weights(timesteps, self._train.min_snr_gamma)).mean()


def pace(train: TrainParams, number: int) -> float:
    """The part of the learning rate that is taken at step `number`, from 0."""
    risen = min(1.0, (number + 1) / (train.warmup + 1))
    if train.lr_scheduler == "Constant":
        return risen
    left = (number - train.warmup) / max(1, train.steps - train.warmup)
    return risen * 0.5 * (1 + math.cos(math.pi * min(1.0, max(0.0, left))))


def autocast(placement: Placement) -> AbstractContextManager[Any]:
    """Computes in the placement's number format, numbers that need it in 32 bits."""
    half = placement.dtype != torch.float32
    return torch.autocast(placement.device.type, placement.dtype if half else torch.bfloat16, enabled=half)
