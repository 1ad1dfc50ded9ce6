"""Training of ControlNets: pictures, captions and maps in; a file for `models/ControlNet` out."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from webui.catalog.entry import ModelFile
from webui.engine.devices import Placement
from webui.engine.protocol import TrainingPicture
from webui.params.training import TrainParams
from webui.training.captions import Captions
from webui.training.control_network import HINT, Control
from webui.training.keeping import keep, optimizer_of, restore, save_whole
from webui.training.latents import Latents, framed
from webui.training.loop import Loop, Material, Question
from webui.training.metadata import ARCHITECTURES
from webui.training.networks import own_studio
from webui.training.quiet import Quiet

STATE = "state.safetensors"
Map = Callable[[Path, Image.Image], Image.Image]
"""The map of a picture, by its file and as it is trained with: RGB, of the same size."""


@dataclass(frozen=True)
class ControlTraining:
    """A run that teaches a ControlNet."""

    checkpoint: ModelFile
    train: TrainParams
    pictures: Sequence[TrainingPicture]
    map_of: Map
    folder: Path
    """Where the run keeps what it needs to go on."""
    result: Path
    rank: int = 0
    """Of a Control-LoRA; 0: a whole ControlNet is trained."""
    hint: Sequence[int] = HINT
    """Widths of the layers that see the map."""


def train_control(training: ControlTraining, placement: Placement, say: Callable[[str], None]) -> None:
    """Train from where the run has stopped before; `say` hears how it goes.

    Raises:
        EngineError: it can't be done; the text says why.
        OSError: the disk is full or can't be written to.
    """
    wanted, observer = training.train, Quiet()
    studio = own_studio(training.checkpoint, placement)
    control = Control(studio.model.unet, training.rank, wanted.seed, training.hint)
    optimizer = optimizer_of(control.parameters, wanted.learning_rate)
    files = [picture.file for picture in training.pictures]
    maps: list[Tensor] = []

    def pictures() -> Iterator[Image.Image]:
        """Each is read once: for its map, and to be encoded."""
        images = framed(files, wanted.resolution, observer, buckets=wanted.buckets)
        for file, image in zip(files, images, strict=True):
            maps.append(_pixels(training.map_of(file, image)))
            yield image

    with torch.no_grad():
        latents = Latents(pictures(), studio.decoder, flip=wanted.flip)
    material = Material(
        latents,
        tuple(picture.caption for picture in training.pictures),
        Captions(studio.model, 1),
    )
    beside = _Steered(control, maps, placement.device)
    loop = Loop(studio.model, wanted, control.parameters, material, optimizer, beside)
    training.folder.mkdir(parents=True, exist_ok=True)
    done = restore(training.folder / STATE, control.parameters, optimizer)
    begun, recent = time.monotonic(), 0.0
    while done < wanted.steps:
        loss = loop.step(done)
        done += 1
        recent = loss if not recent else 0.98 * recent + 0.02 * loss
        if done % 50 == 0:
            say(f"step {done} of {wanted.steps}, {time.monotonic() - begun:.0f} s, loss {recent:.4f}")
        if done == wanted.steps or (wanted.save_every and done % wanted.save_every == 0):
            keep(training.folder / STATE, control.parameters, optimizer, done)
            training.result.parent.mkdir(parents=True, exist_ok=True)
            save_whole(control.tensors(), training.result, **_metadata(training))


class _Steered:
    """What the ControlNet gives the UNet beside a question."""

    def __init__(self, control: Control, maps: Sequence[Tensor], device: torch.device) -> None:
        self._network: Any = control.network
        self._maps = maps
        self._device = device

    def __call__(self, question: Question) -> Mapping[str, Any]:
        own = question.lesson
        pairs = zip(own.pictures, own.mirrored, strict=True)
        seen = torch.stack([self._maps[number].flip(-1 if mirror else ()) for number, mirror in pairs])
        with torch.nn.utils.parametrize.cached():
            down, middle = self._network(
                question.noisy,
                question.timesteps,
                question.told.tokens,
                seen.to(self._device),
                added_cond_kwargs=question.told.added,
                return_dict=False,
            )
        return {"down_block_additional_residuals": down, "mid_block_additional_residual": middle}


def _pixels(image: Image.Image) -> Tensor:
    """A map as ControlNets see it: (3, height, width), from 0 to 1."""
    return torch.from_numpy(np.asarray(image.convert("RGB"), np.float32) / 255).permute(2, 0, 1)


def _metadata(training: ControlTraining) -> dict[str, str]:
    kind = "control-lora" if training.rank else "controlnet"
    return {
        "modelspec.sai_model_spec": "1.0.0",
        "modelspec.architecture": f"{ARCHITECTURES[training.checkpoint.identity.family]}/{kind}",
        "modelspec.title": training.train.name,
        "modelspec.resolution": f"{training.train.resolution}x{training.train.resolution}",
    }
