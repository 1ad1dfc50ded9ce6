"""What takes part in each call of the UNet: LoRAs, ControlNets, image prompts.

A way of steering joins a model for the length of a walk: it is injected into the UNet, or computes something
that the UNet is given, and leaves without a trace.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Hashable, Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager, nullcontext
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

from torch import Tensor

from webui.engine.words import NO_EMBEDDINGS, Embeddings
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
    """(picture + sigma * noise) / sqrt(1 + sigma^2), shape (rows, channels, height, width)."""
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


Tuning = Hashable
"""How text encoders are changed: equal for what is the same change."""


class Tuner(Protocol):
    """Changes how a model's text encoders hear, as networks in prompts ask for."""

    def wanted(self, model: Model, networks: tuple[Network, ...]) -> Tuning:
        """The change that `networks` ask for; the same one where they leave the text encoders alone."""
        ...

    def tuned(self, model: Model, tuning: Tuning) -> AbstractContextManager[None]:
        """Has the text encoders changed for a block, by what `wanted` gave."""
        ...


class _Untuned:
    """Leaves text encoders as they are."""

    def wanted(self, model: Model, networks: tuple[Network, ...]) -> Tuning:  # noqa: ARG002
        return None

    def tuned(self, model: Model, tuning: Tuning) -> AbstractContextManager[None]:  # noqa: ARG002
        return nullcontext()


UNTUNED = _Untuned()


def _no_hashes(_: Sequence[str]) -> Mapping[str, str]:
    return {}


@dataclass(frozen=True)
class Company:
    """All that may join walks, and what changes how prompts are encoded."""

    joins: Sequence[Join] = ()
    tuner: Tuner = UNTUNED
    embeddings: Embeddings = NO_EMBEDDINGS
    lora_hashes: Callable[[Sequence[str]], Mapping[str, str]] = _no_hashes
    """Texts -> the hash of each LoRA that they name, by its name there."""

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
