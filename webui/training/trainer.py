"""Training runs from beginning to end: kept on the way, shown by samples, and made into a file."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import torch
from torch.optim import Optimizer

from webui.catalog.side_files import preview_file
from webui.engine.conditioning import Interrupted
from webui.engine.devices import Placement, is_out_of_memory
from webui.engine.generation import ClassicStudio
from webui.engine.protocol import EngineError, Observer, Picture, Training
from webui.training.captions import Captions
from webui.training.inversion import Inversion
from webui.training.keeping import keep, optimizer_of, restore, save_whole
from webui.training.latents import Latents, framed
from webui.training.loop import Loop, Material
from webui.training.lora import Lora
from webui.training.metadata import metadata_of
from webui.training.networks import own_studio
from webui.training.runs import STATE, Run
from webui.training.side import tell_usage
from webui.training.trainee import Trainee


def train(training: Training, placement: Placement, observer: Observer) -> None:
    """Have a run done, on networks of its own; see `protocol.Engine.train`.

    Raises:
        EngineError: it can't be done; the text says why and the way out.
    """
    try:
        _Trainer(training, placement, observer).train()
    except Interrupted:
        return
    except OSError as error:
        raise EngineError(
            f"The training can't be kept in {training.folder}: {error.strerror or error}. "
            "What was kept before stays."
        ) from error


class _Trainer:
    def __init__(self, training: Training, placement: Placement, observer: Observer) -> None:
        self._training = training
        self._observer = observer
        order = training.order
        observer.phase("loading the checkpoint")
        self._studio = own_studio(order.checkpoint, _for_training(placement), order.vae)
        self._trainee = _trainee(training, self._studio)
        rate = training.train.learning_rate
        self._optimizer: Optimizer = optimizer_of(self._trainee.parameters, rate)
        training.result.parent.mkdir(parents=True, exist_ok=True)
        self._run = Run.begun(training.folder, training.train, order.checkpoint.name)
        self._losses: list[tuple[int, float]] = []

    def train(self) -> None:
        """Train until all steps are done, or until told to stop."""
        wanted = self._training.train
        done = restore(training_state(self._training), self._trainee.parameters, self._optimizer)
        self._observer.step(1, min(done, wanted.steps), wanted.steps)
        loop = self._loop()
        self._observer.phase("training")
        while done < wanted.steps and not self._observer.interrupted():
            loss = self._step(loop, done)
            done += 1
            self._losses.append((done, loss))
            if _due(done, wanted.save_every) and done < wanted.steps:
                self._keep(done)
            if _due(done, wanted.sample_every) or (wanted.sample_every and done == wanted.steps):
                self._sample()
            # Told last: it may be the moment to give way to others.
            self._observer.step(1, done, wanted.steps)
        if done:
            self._keep(done)

    def _step(self, loop: Loop, done: int) -> float:
        try:
            return loop.step(done)
        except Exception as error:
            if not is_out_of_memory(error):
                raise
            loop.forget()
            self._keep(done)
            wanted = self._training.train
            raise EngineError(
                f"There isn't enough memory to train with {wanted.batch_size} pictures of "
                f"{wanted.resolution} pixels at once. Lower the training batch size or the resolution; "
                f"the {done} steps that are done are kept."
            ) from error

    def _loop(self) -> Loop:
        training, observer = self._training, self._observer
        wanted, model = training.train, self._studio.model
        observer.phase("encoding the pictures")
        files = [picture.file for picture in training.pictures]
        with torch.no_grad():
            images = framed(files, wanted.resolution, observer, buckets=wanted.buckets)
            latents = Latents(images, self._studio.decoder, flip=wanted.flip)
        captions = tuple(self._trainee.caption(picture.caption) for picture in training.pictures)
        told = Captions(model, training.order.params.clip_skip, self._trainee.fresh)
        material = Material(latents, captions, told, self._trainee.silence)
        return Loop(model, wanted, self._trainee.parameters, material, self._optimizer)

    def _keep(self, done: int) -> None:
        """Keep what is needed to go on, and the network as it is now."""
        self._observer.phase("saving")
        result = self._training.result
        keep(training_state(self._training), self._trainee.parameters, self._optimizer, done)
        self._run.log(self._losses)
        self._losses.clear()
        self._run = self._run.at(done)
        metadata = metadata_of(self._training, self._run.card, self._studio.model.prediction)
        save_whole(self._trainee.tensors(), result, **metadata)
        tell_usage(self._training)
        self._observer.phase("training")

    def _sample(self) -> None:
        """Draw what the order asks for, with the networks as they are now."""
        self._observer.phase("drawing a sample")
        try:
            self._studio.draw(self._training.order, _Sampling(self._observer, self._shown))
        except Exception as error:
            if not is_out_of_memory(error):
                raise
            self._observer.notice("There isn't enough memory for the samples: ask for smaller ones.")
        self._observer.phase("training")

    def _shown(self, picture: Picture) -> None:
        self._observer.picture(picture)
        # A sample that can't stand on the network's card is no reason to stop.
        with suppress(OSError):
            picture.image.save(preview_file(self._training.result))


class _Sampling:
    """What hears of a sample being drawn: the run's steps go on, those of the sample aren't told."""

    def __init__(self, observer: Observer, shown: Callable[[Picture], None]) -> None:
        self.notice = observer.notice
        self.interrupted = observer.interrupted
        self.skipped = observer.skipped
        self._shown = shown

    def picture(self, picture: Picture) -> None:
        """A finished sample."""
        self._shown(picture)

    def phase(self, text: str) -> None:
        """Not told: it is a sample all the while."""

    def step(self, iteration: int, step: int, steps: int) -> None:
        """Not told."""

    def wants_preview(self) -> bool:
        """No."""
        return False

    def preview(self, jpegs: list[bytes]) -> None:
        """Never asked for."""


def training_state(training: Training) -> Path:
    """The file of what is needed to go on."""
    return training.folder / STATE


def _trainee(training: Training, studio: ClassicStudio) -> Trainee:
    if training.train.kind == "LoRA":
        return Lora(studio.model, training.train, studio.encoder)
    return Inversion(studio.model, training.train, studio.encoder)


def _for_training(placement: Placement) -> Placement:
    """bfloat16 holds what float16 overflows with, where the GPU computes in it."""
    native = placement.device.type == "cuda" and torch.cuda.is_bf16_supported(including_emulation=False)
    better = torch.bfloat16 if placement.dtype == torch.float16 and native else placement.dtype
    return replace(placement, dtype=better, channels_last=False)


def _due(done: int, every: int) -> bool:
    return every > 0 and done % every == 0
