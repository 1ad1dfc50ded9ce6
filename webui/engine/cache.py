"""Loaded parts of models: kept while there is room, shared, never dropped while in use.

A part is one network (a UNet, a VAE, a text encoder). It is read into RAM once; on a GPU it is copied into
VRAM for as long as there is room, and going back costs nothing, since the original never left RAM.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Generator, Iterable
from concurrent.futures import Future
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import Literal

import torch

from webui.engine.held import Held, PartKey, Wanted
from webui.engine.protocol import Resident
from webui.engine.storage import trim

Place = Literal["RAM", "VRAM"]


@dataclass(frozen=True)
class Budget:
    """Bytes of loaded parts to keep. Parts in use may exceed it: a model that is needed is loaded."""

    ram: int
    vram: int = 0


class PartCache:
    """All loaded parts. Thread-safe, but for `on_device` and `leave_vram`, which are the drawing thread's.

    Loading happens outside the lock, each part by one thread only.
    """

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
        wanted = list(wanted)
        with self._lock:
            keys = {each.key for each in wanted}
            self._drop([held for held in self._surplus("RAM", 0) if held.key not in keys])
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
        try:
            self._make_room(wanted)
            held = Held.of(wanted, wanted.make(wanted.key.form), self._device)
        except BaseException as error:
            with self._lock:
                self._loading.pop(wanted.key).set_exception(error)
            raise
        with self._lock:
            self._held[wanted.key] = held
            self._touch(held)
            self._loading.pop(wanted.key).set_result(None)

    def _make_room(self, wanted: Wanted) -> None:
        size = wanted.size()
        with self._lock:
            key = wanted.key
            stale = [
                held
                for held in self._held.values()
                if held.key.source == key.source and held.key.stamp != key.stamp and not held.leases
            ]
            self._drop(stale)
            self._drop(self._surplus("RAM", size))

    def fits(self, wanted: Iterable[Wanted]) -> bool:
        """Whether all of `wanted` find room beside what is in use now."""
        missing = [each for each in wanted if each.key not in self._held]
        coming = sum(each.size() for each in missing)
        with self._lock:
            used = sum(held.size for held in self._held.values() if held.leases)
            return coming + used <= self._budget().ram

    @contextmanager
    def on_device(self, held: Held) -> Generator[None]:
        """The part's weights on the device for the block, and afterwards for as long as there is room."""
        if self._device.type == "cpu" or held.key.form.streamed:
            yield
            return
        if not held.in_vram:
            with self._lock:
                going = self._surplus("VRAM", held.size)
            for other in going:
                other.go_back()
            held.go_to(self._device)
        with self._lock:
            held.at_work += 1
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
        """Have the GPU's memory free of all parts that aren't at work."""
        with self._lock:
            idle = [held for held in self._held.values() if held.in_vram and not held.at_work]
        for held in idle:
            held.go_back()

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
        if not going:
            return
        while going:
            # No name may hold the part any longer when memory is trimmed.
            self._dropped(self._held.pop(going.pop().key).key)
        trim()
