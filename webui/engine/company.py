"""What takes part in each call of the UNet: LoRAs, ControlNets, image prompts.

A way of steering joins a model for the length of a walk: it is injected into the UNet, or computes something
that the UNet is given, and leaves without a trace.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager, nullcontext
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

from torch import Tensor

from webui.prompting.networks import Network

if TYPE_CHECKING:
    from webui.engine.batch import Batch
    from webui.engine.conditioning import Conditioning
    from webui.engine.decoding import Decoder
    from webui.engine.model import Model
    from webui.engine.protocol import Observer
    from webui.engine.way import Way


@dataclass(frozen=True)
class Given:
    """What the UNet is about to be given in one call: rows, each a picture of the batch with a prompt."""

    latents: Tensor
    """x = picture + sigma * noise, shape (rows, channels, height, width), not scaled as the UNet wants it."""
    timestep: Tensor
    tokens: Tensor
    """Shape (rows, tokens, width)."""
    added: Mapping[str, Tensor] | None
    """SDXL's `added_cond_kwargs`."""
    pictures: tuple[int, ...]
    """Of each row the picture of the batch, from 0."""
    wanted: tuple[bool, ...]
    """Of each row whether it is a prompt; False: a negative prompt."""
    networks: tuple[tuple[Network, ...], ...]
    """Of each row the networks that its prompt names now."""
    sigma: float
    share: float
    """The share of the evaluations that are done, from 0 to below 1."""


class Companion(Protocol):
    """Takes part in the calls of one UNet during a walk."""

    def beside(self, given: Given) -> Mapping[str, Any]:
        """Called before each call of the UNet; what it is to be given by name, such as residuals."""
        ...


@dataclass(frozen=True)
class Visit:
    """A walk that something may join. `size` is the latents' height and width."""

    model: Model
    decoder: Decoder
    batch: Batch
    way: Way
    size: tuple[int, int]
    conditioning: Conditioning
    observer: Observer


Join = Callable[[Visit], AbstractContextManager[Companion | None]]
"""Joins a walk for a block; None where it has nothing to do there."""


Tuning = Callable[["Model", tuple[Network, ...]], AbstractContextManager[None]]
"""Has a model's text encoders changed by networks for a block."""


def _untuned(model: Model, networks: tuple[Network, ...]) -> AbstractContextManager[None]:  # noqa: ARG001
    return nullcontext()


@dataclass(frozen=True)
class Company:
    """All that may join walks, and what changes how prompts are encoded."""

    joins: Sequence[Join] = ()
    tuned: Tuning = _untuned

    @contextmanager
    def joined(self, visit: Visit) -> Generator[list[Companion]]:
        """Those that have something to do on the walk, for the block; they leave in the opposite order.

        Raises:
            EngineError: one can't do what it is asked to.
        """
        with ExitStack() as stack:
            joined = [stack.enter_context(join(visit)) for join in self.joins]
            yield [companion for companion in joined if companion is not None]


NOBODY = Company()
