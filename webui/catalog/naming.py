"""Names of models: which file a name means, in all the ways in which A1111's clients write one."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection, Iterable
from pathlib import PurePosixPath

from webui.catalog.entry import ModelFile

WITH_HASH = re.compile(r"(?P<name>.+?)\s*\[(?P<hash>[0-9a-fA-F]{8,64})\]", re.DOTALL)
SHORT_HASH = 10


def unique(name: str, label: str, taken: Collection[str]) -> str:
    """`name`, or where an earlier folder has a file of that name, `label/name`."""
    unused, number = name, 1
    while unused in taken:
        unused = f"{label}/{name}" if number == 1 else f"{label} {number}/{name}"
        number += 1
    return unused


def called(models: Iterable[ModelFile]) -> dict[str, str]:
    """What prompts call each of `models`, by name: its stem, or where several have that its whole path."""
    listed = list(models)
    stems = Counter(model.stem.lower() for model in listed)
    return {model.name: model.stem if stems[model.stem.lower()] == 1 else _path(model) for model in listed}


def _path(model: ModelFile) -> str:
    return model.name if model.folder else model.name.removesuffix(model.path.suffix)


def best_match(models: Iterable[ModelFile], name: str) -> ModelFile | None:
    """The model that `name` comes closest to naming; usable ones come first where it names several."""
    ranked = [(rank, model) for model in models if (rank := _rank(model, name)) is not None]
    if not ranked and (parts := WITH_HASH.fullmatch(name)):
        ranked = [(rank, model) for model in models if (rank := _rank(model, parts["name"])) is not None]
        same = [(rank, model) for rank, model in ranked if _has_hash(model, parts["hash"])]
        ranked = same or ranked
    return min(ranked, key=lambda pair: (pair[0], pair[1].problem is not None), default=(0, None))[1]


def _rank(model: ModelFile, name: str) -> int | None:
    """How far `name` is from naming `model`: its whole name, less its ending, its last part, its hash."""
    if name == model.name:
        return 0
    folded, own = name.lower(), model.name.lower()
    ending = "" if model.folder else model.path.suffix.lower()
    last = PurePosixPath(own).name
    ways = (own, own.removesuffix(ending), last, last.removesuffix(ending), model.stem.lower())
    if folded in ways:
        return 1 + ways.index(folded)
    return len(ways) + 1 if _has_hash(model, folded) else None


def _has_hash(model: ModelFile, digits: str) -> bool:
    known = model.sha256
    return known is not None and len(digits) >= SHORT_HASH and known.startswith(digits.lower())
