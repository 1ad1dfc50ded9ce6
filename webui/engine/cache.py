"""Loaded parts of models: kept while there is room, shared, never dropped while in use.

A part is one network (a UNet, a VAE, a text encoder). It is read into RAM once; on a GPU it is copied into
VRAM for as long as there is room, and going back costs nothing, since the original never left RAM.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Generator, Iterable
from concurrent.futures import Future
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Literal

import torch
from torch import Tensor, nn

from webui.engine.attention import Attention
from webui.engine.memory import trim
from webui.engine.protocol import Resident
from webui.engine.weights import size_of

Place = Literal["RAM", "VRAM"]


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
    """A part to be had: what it is, whose, about how large, and how to make it."""

    key: PartKey
    model: str
    size: int
    """Bytes, as far as can be told before it is loaded."""
    make: Callable[[Form], nn.Module]

    def in_form(self, form: Form) -> Wanted:
        """The same part, held otherwise."""
        return replace(self, key=replace(self.key, form=form))


@dataclass
class Held:
    """A loaded part. Only the cache changes it."""

    key: PartKey
    model: str
    module: nn.Module
    ram: dict[str, Tensor]
    size: int
    leases: int = 0
    at_work: int = 0
    """How many blocks need it in VRAM right now."""
    in_vram: bool = False
    journeys: int = 0
    used: int = field(default=0)


@dataclass(frozen=True)
class Budget:
    """Bytes of loaded parts to keep. Parts in use may exceed it: a model that is needed is loaded."""

    ram: int
    vram: int = 0


class PartCache:
    """All loaded parts. Thread-safe; loading happens outside the lock, each part by one thread only."""

    def __init__(
        self, device: torch.device, budget: Callable[[], Budget], dropped: Callable[[PartKey], None]
    ) -> None:
        """Begin empty. `dropped` hears of each part that is let go, and is to forget its networks too."""
        self._device = device
        self._budget = budget
        self._dropped = dropped
        self._lock = threading.RLock()
        self._held: dict[PartKey, Held] = {}
        self._loading: dict[PartKey, Future[None]] = {}
        self._clock = 0

    @contextmanager
    def lease(self, wanted: Iterable[Wanted]) -> Generator[dict[str, Held]]:
        """The parts, loaded if need be, by name; none of them is let go before the end of the block."""
        with ExitStack() as stack:
            yield {each.key.part: stack.enter_context(self._leased(each)) for each in wanted}

    @contextmanager
    def _leased(self, wanted: Wanted) -> Generator[Held]:
        held = self._obtain(wanted)
        try:
            yield held
        finally:
            # What was used last stays, even beyond the budget, until something else is to be loaded.
            with self._lock:
                held.leases -= 1

    def _obtain(self, wanted: Wanted) -> Held:
        while True:
            with self._lock:
                if held := self._held.get(wanted.key):
                    held.leases += 1
                    self._touch(held)
                    return held
                loading = self._loading.get(wanted.key)
                if loading is None:
                    self._loading[wanted.key] = Future()
            if loading is None:
                self._load(wanted)
            else:
                loading.result()

    def _load(self, wanted: Wanted) -> None:
        with self._lock:
            self._drop(self._surplus("RAM", wanted.size))
        try:
            module = wanted.make(wanted.key.form)
        except BaseException as error:
            with self._lock:
                self._loading.pop(wanted.key).set_exception(error)
            raise
        ram = {name: tensor.data for name, tensor in _tensors(module)}
        with self._lock:
            held = Held(wanted.key, wanted.model, module, ram, size_of(ram.values()))
            self._held[wanted.key] = held
            self._touch(held)
            self._loading.pop(wanted.key).set_result(None)

    def fits(self, wanted: Iterable[Wanted]) -> bool:
        """Whether all of `wanted` find room beside what is in use now."""
        with self._lock:
            coming = sum(each.size for each in wanted if each.key not in self._held)
            return (
                coming + sum(held.size for held in self._held.values() if held.leases) <= self._budget().ram
            )

    @contextmanager
    def on_device(self, held: Held) -> Generator[None]:
        """The part's weights on the device for the block, and afterwards for as long as there is room."""
        if self._device.type == "cpu" or held.key.form.streamed:
            yield
            return
        with self._lock:
            held.at_work += 1
            if not held.in_vram:
                for other in self._surplus("VRAM", held.size):
                    _go_back(other)
                _go_to(held, self._device)
            self._touch(held)
        try:
            yield
        finally:
            with self._lock:
                held.at_work -= 1

    def unload(self, model: str | None = None) -> None:
        """Let go every part of `model` (None: of all) that isn't in use."""
        with self._lock:
            self._drop([h for h in self._held.values() if not h.leases and model in (None, h.model)])

    def leave_vram(self) -> None:
        """Have the GPU's memory free of all parts that aren't in use."""
        with self._lock:
            for held in self._held.values():
                if held.in_vram and not held.at_work:
                    _go_back(held)

    def residents(self) -> tuple[Resident, ...]:
        """What is loaded, largest first."""
        with self._lock:
            parts = [
                Resident(h.model, h.key.part, h.size, "VRAM" if h.in_vram else "RAM", h.leases > 0)
                for h in self._held.values()
            ]
        return tuple(sorted(parts, key=lambda part: -part.size))

    def _touch(self, held: Held) -> None:
        self._clock += 1
        held.used = self._clock

    def _surplus(self, place: Place, coming: int) -> list[Held]:
        """What to let go, longest unused first, so that `coming` bytes fit; as far as it isn't in use."""
        there = [held for held in self._held.values() if place == "RAM" or held.in_vram]
        room = self._budget().ram if place == "RAM" else self._budget().vram
        excess = sum(held.size for held in there) + coming - room
        idle = [held for held in there if not (held.leases if place == "RAM" else held.at_work)]
        going: list[Held] = []
        for held in sorted(idle, key=lambda held: held.used):
            if excess <= 0:
                break
            going.append(held)
            excess -= held.size
        return going

    def _drop(self, going: list[Held]) -> None:
        for held in going:
            del self._held[held.key]
            self._dropped(held.key)
        if going:
            going.clear()
            trim()


def _tensors(module: nn.Module) -> list[tuple[str, Tensor]]:
    return [*module.named_parameters(), *module.named_buffers()]


def _go_to(held: Held, device: torch.device) -> None:
    held.journeys += 1
    if held.journeys == 2:
        # Pinned memory travels several times as fast, but pinning takes a copy: worth it for what swaps.
        held.ram = {name: tensor.pin_memory() for name, tensor in held.ram.items()}
    try:
        for name, tensor in _tensors(held.module):
            tensor.data = held.ram[name].to(device, non_blocking=True)
    except torch.OutOfMemoryError:
        _go_back(held)
        raise
    held.in_vram = True


def _go_back(held: Held) -> None:
    for name, tensor in _tensors(held.module):
        tensor.data = held.ram[name]
    held.in_vram = False
