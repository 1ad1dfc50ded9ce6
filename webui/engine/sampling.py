"""Sampling as a walk that can stop after any step and go on later, bit for bit."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Protocol

from torch import Tensor

from webui.engine.samplers.move import Denoise, Memory, Move, Noise
from webui.engine.samplers.options import DEFAULTS, SamplerOptions
from webui.engine.samplers.sampler import Sampler


class Source(Noise, Protocol):
    """Where a walk's noise comes from."""

    def first(self) -> Tensor:
        """The noise to begin with."""
        ...

    def span(self, lowest: float, highest: float) -> None:
        """Say which sigmas `between` will be asked for: from the smallest above 0 to the largest."""
        ...

    def states(self) -> tuple[Tensor, ...]:
        """Where its generators stand."""
        ...

    def restore(self, states: Sequence[Tensor]) -> None:
        """Go back to `states`."""
        ...


@dataclass(frozen=True)
class SamplingState:
    """All that a sampler needs to go on, beside the seeds: to keep, to send, to take up again."""

    x: Tensor
    index: int
    """Where it stands among the sigmas."""
    memory: Memory
    noise: tuple[Tensor, ...]
    done: int = 0
    """Steps done. Where noise is added and nothing else, that is no step."""
    progress: float = 0.0
    """The share that is done, of the steps; of the way in log sigma, if the sampler chooses its steps."""


def begin(
    sampler: Sampler, sigmas: Sequence[float], noise: Source, options: SamplerOptions = DEFAULTS
) -> SamplingState:
    """The state before the first step: pure noise."""
    return SamplingState(noise.first() * sampler.start(sigmas[0], options), 0, (), noise.states())


def begin_from(
    latents: Tensor, noise: Source, sigma: float, multiplier: float = 1.0, extra: float = 0.0
) -> SamplingState:
    """The state before the first step from a picture: its latents with noise of deviation `sigma` on them.

    Args:
        latents: of shape (1 or batch, channels, height, width).
        noise: of as many pictures as are to be drawn.
        sigma: where the walk begins, whatever the sampler: noise alone is what some begin with otherwise.
        multiplier: of all noise.
        extra: the deviation of noise beyond what the model is told of.
    """
    return SamplingState(latents + noise.first() * ((sigma + extra) * multiplier), 0, (), noise.states())


def walk(
    sampler: Sampler,
    sigmas: Sequence[float],
    state: SamplingState,
    noise: Source,
    denoise: Denoise,
    options: SamplerOptions = DEFAULTS,
    whole: Sequence[float] = (),
) -> Iterator[SamplingState]:
    """The states after each step that is left, from `state` on. Whoever iterates may stop at any of them.

    `whole`: the sigmas of which `sigmas` are the last, if they are. A Brownian path leads over all of them.
    """
    noise.restore(state.noise)
    if sampler.brownian and state.progress < 1:
        spanned = [sigma for sigma in whole or sigmas if sigma > 0]
        noise.span(min(spanned), max(spanned))
    total = sampler.total_steps(sigmas)
    while state.progress < 1:
        move = Move(denoise, noise, sigmas, state.index, options)
        x, memory = sampler.step(move, state.x, state.memory)
        state = replace(state, x=x, memory=memory, done=state.done + 1)
        if sampler.progress:
            progress = sampler.progress(memory, sigmas)
            state = replace(state, index=int(progress), progress=progress)
        else:
            state = _risen(sampler, replace(state, index=state.index + 1), move)
            state = replace(state, progress=state.done / (total or 1))
        state = replace(state, noise=noise.states())
        yield state


def finished(state: SamplingState, sigmas: Sequence[float]) -> Tensor:
    """The latents to decode. A schedule that ends above 0 leaves them scaled up by its last sigma."""
    return state.x / (1 + sigmas[-1] ** 2) ** 0.5


def _risen(sampler: Sampler, state: SamplingState, move: Move) -> SamplingState:
    """`state`, with noise added where the sampler's path rises next."""
    sigmas, index = move.sigmas, state.index
    if not sampler.path or index + 1 >= len(sigmas) or sigmas[index + 1] <= sigmas[index]:
        return state
    x, memory = sampler.step(replace(move, index=index), state.x, state.memory)
    return replace(state, x=x, memory=memory, index=index + 1)
