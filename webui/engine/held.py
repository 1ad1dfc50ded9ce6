"""A part of a model: what tells it apart, how it is to be had, and where its weights are."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path

import torch
from torch import Tensor, nn

from webui.engine.attention import Attention
from webui.engine.weights import size_of


@dataclass(frozen=True)
class Form:
    """How a part's weights are held: what else than its file makes two loaded parts differ."""

    dtype: torch.dtype
    channels_last: bool = False
    fp8: bool = False
    attention: Attention = "SDPA"
    compiled: bool = False
    streamed: bool = False
    """Whether groups of layers go to the GPU and back by themselves (group offload)."""


@dataclass(frozen=True)
class PartKey:
    """Tells loaded parts apart. `stamp` changes with the file.

    `family` is the checkpoint's: the same VAE file scales latents otherwise for another family.
    """

    source: Path
    family: str
    stamp: int
    part: str
    form: Form


@dataclass(frozen=True)
class Wanted:
    """A part to be had: what it is, whose, how to make it, and about how many bytes it will take."""

    key: PartKey
    model: str
    make: Callable[[Form], nn.Module]
    size: Callable[[], int]

    def in_form(self, form: Form) -> Wanted:
        """The same part, held otherwise."""
        return replace(self, key=replace(self.key, form=form))


@dataclass
class Held:
    """A loaded part. Only the cache changes it.

    `ram` are its weights as they came from the file: what the GPU's copy is made from, and what it goes
    back to at no cost. Where there is no GPU the module alone has them.
    """

    key: PartKey
    model: str
    module: nn.Module
    size: int
    ram: dict[str, Tensor] = field(default_factory=dict[str, Tensor])
    leases: int = 0
    at_work: int = 0
    """How many blocks need it in VRAM right now."""
    in_vram: bool = False
    journeys: int = 0
    used: int = 0

    @classmethod
    def of(cls, wanted: Wanted, module: nn.Module, device: torch.device) -> Held:
        """A part that has just been made, to be used on `device`."""
        tensors = {name: tensor.data for name, tensor in _tensors(module)}
        ram = {} if device.type == "cpu" else tensors
        return cls(wanted.key, wanted.model, module, size_of(tensors.values()), ram)

    def go_to(self, device: torch.device) -> None:
        """Have the weights on `device`. If that fails they are all where they were."""
        self.journeys += 1
        if self.journeys == 2:
            # Pinned memory travels several times as fast, but pinning takes a copy: worth it for what swaps.
            with suppress(RuntimeError):
                self.ram = {name: tensor.pin_memory() for name, tensor in self.ram.items()}
        try:
            for name, tensor in _tensors(self.module):
                tensor.data = self.ram[name].to(device, non_blocking=True)
        except BaseException:
            self.go_back()
            raise
        self.in_vram = True

    def go_back(self) -> None:
        """Have the weights in RAM again; the copies on the GPU are let go."""
        for name, tensor in _tensors(self.module):
            tensor.data = self.ram[name]
        self.in_vram = False


def _tensors(module: nn.Module) -> list[tuple[str, Tensor]]:
    return [*module.named_parameters(), *module.named_buffers()]
