"""Where noise comes from: each picture's from its own seed, as A1111 draws it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import torch
from torch import Tensor

from webui.engine.brownian import BrownianTree
from webui.engine.philox import PhiloxGenerator
from webui.engine.variations import laid_into, mixed
from webui.params.noise import RandomSource

Shape = tuple[int, int, int]
"""Of one picture's latents: channels, height, width."""


@dataclass(frozen=True)
class Seeds:
    """What the noise of a batch is made of, one seed and one variation seed for each picture."""

    seeds: tuple[int, ...]
    subseeds: tuple[int, ...] = ()
    """Needed where `strength` is above 0."""
    strength: float = 0.0
    """How much of the variation seed's noise is mixed in, 0 to 1."""
    resize_from: tuple[int, int] | None = None
    """(width, height) in latents of the picture whose composition is to be kept."""


class Generator(Protocol):
    """A stream of normal numbers that can be taken up again."""

    def draw(self, shape: Shape) -> Tensor:
        """The next unit noise, 32 bits."""
        ...

    def state(self) -> Tensor:
        """Where the stream stands."""
        ...

    def restore(self, state: Tensor) -> None:
        """Go back to `state`."""
        ...


class TorchGenerator:
    """PyTorch's own stream for a device."""

    def __init__(self, seed: int, device: torch.device) -> None:
        self._device = device
        self._generator = torch.Generator(device).manual_seed(seed % 2**64)

    def draw(self, shape: Shape) -> Tensor:
        """The next unit noise, 32 bits, on the device."""
        return torch.randn(shape, generator=self._generator, device=self._device)

    def state(self) -> Tensor:
        """Where the stream stands."""
        return self._generator.get_state()

    def restore(self, state: Tensor) -> None:
        """Go back to `state`."""
        self._generator.set_state(state)


class NoiseSource:
    """Unit noise for a batch, a generator for each picture: what is drawn beside it doesn't matter.

    CPU and NV give the same noise on every device. GPU is the device's own, where that is CUDA's; elsewhere
    it is NV, since GPU is A1111's default and most of its pictures were drawn on NVIDIA's GPUs.
    """

    def __init__(
        self, seeds: Seeds, shape: Shape, device: torch.device, source: RandomSource = "CPU", ensd: int = 0
    ) -> None:
        """Begin with the seeds; whatever their size, their lowest 64 bits count.

        Args:
            seeds: of each picture.
            shape: of one picture's latents.
            device: where the noise is wanted.
            source: whose numbers.
            ensd: added to the seeds for all noise after the first (A1111's eta noise seed delta).
        """
        self._seeds = seeds
        self._shape = shape
        self._device = device
        self._source = source
        self._ensd = ensd
        self._generators = [self._generator(seed) for seed in seeds.seeds]
        self._trees: list[BrownianTree] = []

    def first(self) -> Tensor:
        """The noise that pictures begin with, shape (batch, channels, height, width), 32 bits.

        Begins anew: always the same, and so is what is drawn after it.
        """
        self._generators = [self._generator(seed) for seed in self._seeds.seeds]
        rows = [self._first(place) for place in range(len(self._generators))]
        if self._ensd:
            self._generators = [self._generator(seed + self._ensd) for seed in self._seeds.seeds]
        return torch.stack(rows).to(self._device)

    def __call__(self) -> Tensor:
        """Fresh noise for a step, shape (batch, channels, height, width), 32 bits."""
        rows = [generator.draw(self._shape) for generator in self._generators]
        return torch.stack(rows).to(self._device)

    def span(self, lowest: float, highest: float) -> None:
        """Say which sigmas the Brownian paths lead over: the smallest above 0 and the largest of a walk."""
        self._trees = [
            BrownianTree(seed, lowest, highest, lambda seed: self._generator(seed).draw(self._shape))
            for seed in self._seeds.seeds
        ]

    def between(self, sigma: float, following: float) -> Tensor:
        """Unit noise for the way from `sigma` to `following`, pieces of one path for each picture.

        It depends on the seeds, the span and the two sigmas alone: asking again gives the same, and nothing
        of it is in `states`.

        Raises:
            RuntimeError: `span` was not called.
        """
        if not self._trees:
            raise RuntimeError("Call span(lowest, highest) before between(sigma, following).")
        return torch.stack([tree.between(sigma, following) for tree in self._trees]).to(self._device)

    def states(self) -> tuple[Tensor, ...]:
        """Where each picture's generator stands."""
        return tuple(generator.state() for generator in self._generators)

    def restore(self, states: Sequence[Tensor]) -> None:
        """Go back to `states`, of a source of the same kind and as many pictures."""
        for generator, state in zip(self._generators, states, strict=True):
            generator.restore(state)

    def _generator(self, seed: int) -> Generator:
        if self._source == "CPU":
            return TorchGenerator(seed, torch.device("cpu"))
        if self._source == "GPU" and self._device.type == "cuda":
            return TorchGenerator(seed, self._device)
        return PhiloxGenerator(seed)

    def _first(self, place: int) -> Tensor:
        """One picture's noise: varied at the size that the composition is of, then laid into this size's."""
        own = self._generators[place].draw(self._shape)
        size = self._composed()
        if size is None and not self._seeds.strength:
            return own
        seed, shape = self._seeds.seeds[place], size or self._shape
        noise = self._generator(seed).draw(shape) if size else own
        if self._seeds.strength:
            other = self._generator(self._seeds.subseeds[place]).draw(shape)
            noise = mixed(self._seeds.strength, noise, other)
        return laid_into(noise, own) if size else noise

    def _composed(self) -> Shape | None:
        """The shape of the noise to be laid into ours, where that is another."""
        if self._seeds.resize_from is None or min(self._seeds.resize_from) <= 0:
            return None
        width, height = self._seeds.resize_from
        shape = (self._shape[0], height, width)
        return None if shape == self._shape else shape
