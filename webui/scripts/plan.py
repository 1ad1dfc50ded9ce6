"""What a script makes of one wish: cells to be drawn one after the other, and how they are laid out."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from pydantic import ValidationError

from webui.params import MAX_SEED, GenerationParams, InvalidParamsError, message
from webui.params.scripts import SDUpscale

MAX_PICTURES = 10_000
"""How many pictures one job may make by a script."""
RANDOM_SEEDS = 2**32

Place = tuple[int, int, int]
"""Column, row and layer of a cell, from 0."""


@dataclass(frozen=True)
class Seeds:
    """The settled seeds of a job: all that is random in its plan follows from them."""

    seed: int
    subseed: int

    def drawn(self, key: str) -> int:
        """Another random seed; always the same for the same `key`."""
        return random.Random(f"{self.seed}/{self.subseed}/{key}").randrange(RANDOM_SEEDS)


@dataclass(frozen=True)
class Cell:
    """One part of a job, drawn like a job of its own. `name` tells people which one it is."""

    params: GenerationParams
    seed: int
    subseed: int
    place: Place = (0, 0, 0)
    name: str = ""
    from_last: bool = False
    """Whether it starts from the picture that the cell before it made, rather than from its init image."""

    @property
    def pictures(self) -> int:
        """How many pictures it makes. SD upscale draws tiles in batches, and one picture of them all."""
        tiles = isinstance(self.params.script, SDUpscale)
        return self.params.n_iter * (1 if tiles else self.params.batch_size)


@dataclass(frozen=True)
class Label:
    """A text beside the grid. What is not active is crossed out."""

    text: str
    active: bool = True


Legend = tuple[tuple[Label, ...], ...]
"""Of each column, row or layer the labels, one below the other."""


@dataclass(frozen=True)
class Layout:
    """How cells are laid out as a grid; without texts, legends still tell how many there are."""

    columns: Legend
    rows: Legend
    layers: Legend = ((),)
    margin: int = 0
    """Pixels between the cells."""
    sub_grids: bool = False
    """Whether each layer makes a grid of its own, too."""


@dataclass(frozen=True)
class ScriptPlan:
    """A job as cells, in drawing order. `cell` makes one: thousands of them aren't kept."""

    count: int
    cell: Callable[[int], Cell]
    layout: Layout | None = None
    notices: tuple[str, ...] = ()
    facts: tuple[tuple[str, str], ...] = ()
    """What the grid's infotext tells of the script, as A1111's does."""

    def cells(self) -> Iterator[Cell]:
        """All of them, in drawing order."""
        return map(self.cell, range(self.count))


def changed(params: GenerationParams, changes: Mapping[str, Any], where: str) -> GenerationParams:
    """`params` without script and with `changes`.

    Raises:
        InvalidParamsError: a value is out of range; the text begins with `where`.
    """
    try:
        return params.changed(**{"script": None, **changes})
    except ValidationError as error:
        raise InvalidParamsError("script", f"{where}: {_sentence(error.errors()[0])}") from error


def wrapped(seed: int) -> int:
    """A seed that was counted up, kept within what seeds may be."""
    return seed % (MAX_SEED + 1)


def check_count(pictures: int) -> None:
    """Refuse a plan of too many pictures.

    Raises:
        InvalidParamsError: there are too many.
    """
    if pictures > MAX_PICTURES:
        raise InvalidParamsError(
            "script",
            f"This would make {pictures:,} pictures; the limit is {MAX_PICTURES:,}. Name fewer values.",
        )


def _sentence(problem: Mapping[str, Any]) -> str:
    if not problem["loc"]:
        return message(problem)
    field = str(problem["loc"][0])
    known = GenerationParams.model_fields.get(field)
    if known is None:
        return f'there is no option "{field[:60]}".'
    wish = message(problem).removeprefix("Input ").removeprefix("String ")
    return f"{known.title} {wish} (it is {str(problem['input'])[:60]})."
