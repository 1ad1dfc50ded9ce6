"""Sampling as a walk that can stop after any step and go on later, bit for bit."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from webui.engine.samplers.steps import Memory, Move
from webui.engine.samplers.table import Sampler


class Noise:
    """Unit noise for a batch, each picture from its own seed: what is drawn beside it doesn't matter.

    Drawn on the CPU: the same seed gives the same noise on every device.
    """

    def __init__(self, seeds: Sequence[int], shape: tuple[int, int, int], device: torch.device) -> None:
        self._generators = [torch.Generator("cpu").manual_seed(seed) for seed in seeds]
        self._shape = shape
        self._device = device

    def __call__(self) -> Tensor:
        """Fresh noise, shape (batch, channels, height, width), 32 bits."""
        rows = [torch.randn(self._shape, generator=generator) for generator in self._generators]
        return torch.stack(rows).to(self._device)

    def states(self) -> tuple[Tensor, ...]:
        """Where each picture's generator stands."""
        return tuple(generator.get_state() for generator in self._generators)

    def restore(self, states: Sequence[Tensor]) -> None:
        """Go back to `states`."""
        for generator, state in zip(self._generators, states, strict=True):
            generator.set_state(state)


@dataclass(frozen=True)
class SamplingState:
    """All that a sampler needs to go on: to keep, to send, to take up again."""

    x: Tensor
    index: int
    """Steps done."""
    memory: Memory
    noise: tuple[Tensor, ...]


def begin(sampler: Sampler, sigmas: Sequence[float], noise: Noise) -> SamplingState:
    """The state before the first step: pure noise."""
    return SamplingState(noise() * sampler.start(sigmas[0]), 0, (), noise.states())


def walk(
    sampler: Sampler,
    sigmas: Sequence[float],
    state: SamplingState,
    noise: Noise,
    denoise: Callable[[Tensor, float], Tensor],
) -> Iterator[SamplingState]:
    """The states after each step that is left, from `state` on. Whoever iterates may stop at any of them."""
    noise.restore(state.noise)
    for index in range(state.index, len(sigmas) - 1):
        x, memory = sampler.step(Move(denoise, noise, sigmas, index), state.x, state.memory)
        state = replace(state, x=x, index=index + 1, memory=memory, noise=noise.states())
        yield state


def finished(state: SamplingState, sigmas: Sequence[float]) -> Tensor:
    """The latents to decode. A schedule that ends above 0 leaves them scaled up by its last sigma."""
    return state.x / (1 + sigmas[-1] ** 2) ** 0.5
