"""One round of an order: the pictures that are drawn together."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from webui.engine.protocol import Order
from webui.params import GenerationParams
from webui.prompting.prepared import PicturePrompt


@dataclass(frozen=True)
class Batch:
    """Batch number `number`, from 1, of an order, and which of its pictures are in it, from 0."""

    order: Order
    number: int
    places: range
    before: int | None = None
    """In the second pass of hires fix, how often the model was asked in the first."""

    @property
    def params(self) -> GenerationParams:
        """The order's."""
        return self.order.params

    @property
    def prompts(self) -> list[PicturePrompt]:
        """What is said of each picture."""
        return [self.order.prompt_of(place) for place in self.places]

    @property
    def seeds(self) -> tuple[tuple[int, ...], tuple[int, ...]]:
        """The pictures' seeds, and their variation seeds."""
        pairs = [self.order.seeds_of(place) for place in self.places]
        return tuple(seed for seed, _ in pairs), tuple(subseed for _, subseed in pairs)


def batches(order: Order, already: int = 0) -> Iterator[Batch]:
    """The order's batches in turn, without those of which the first `already` pictures are all."""
    size = order.params.batch_size
    for number in range(1 + already // size, order.params.n_iter + 1):
        yield Batch(order, number, range((number - 1) * size, number * size))
