"""A LoRA file fitted to a model: which of its modules found a home, and what is to be said of the others."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from webui.catalog.headers import HeaderError, read_header
from webui.engine import weights
from webui.engine.adapters.keys import Content, Stem, read_keys
from webui.engine.adapters.pieces import Piece, PieceError, piece_of
from webui.engine.adapters.places import Place, Places

log = logging.getLogger(__name__)

Convert = Callable[[dict[str, Tensor]], Mapping[str, Tensor]]
"""A file's tensors -> the same under the names of the model's modules."""

PEFT_METADATA = "lora_adapter_metadata"
SPOKEN = {
    "unet": "UNet",
    "transformer": "transformer",
    "text_encoder": "text-encoder",
    "text_encoder_2": "second text-encoder",
    "": "",
}
MOST_NAMED = 3


@dataclass(frozen=True, eq=False)
class Fit:
    """What a file does to a model's modules."""

    parts: Mapping[str, Mapping[Place, Piece]]
    """Part -> its modules and what is done to each."""
    notices: tuple[str, ...] = ()
    """Sentences that follow the LoRA's name, on what isn't used."""

    @property
    def count(self) -> int:
        """How many modules it changes."""
        return sum(map(len, self.parts.values()))

    @cached_property
    def size(self) -> int:
        """Bytes."""
        return sum(piece.size for pieces in self.parts.values() for piece in pieces.values())


def fit(file: Path, places: Places, dtype: torch.dtype, convert: Convert | None = None) -> Fit:
    """Read a LoRA file for a model; factors are made `dtype`.

    `convert`: renames what isn't named as the model's modules are.

    Raises:
        WeightsError: the file is damaged, foreign, or a pickle that holds more than weights.
        OSError: it can't be opened.
    """
    tensors = weights.load(file)
    found = _fitted(read_keys(tensors), _Alphas.of(file, tensors), places, dtype)
    if not found.notices or convert is None:
        return found
    try:
        converted = convert(dict(tensors))
    except Exception as error:  # converters of foreign names fail in any way
        log.info("The names of %s can't be converted: %s", file.name, error)
        return found
    other = _fitted(read_keys(converted), _Alphas({}), places, dtype)
    return found if found.count >= other.count else other


def _fitted(content: Content, alphas: _Alphas, places: Places, dtype: torch.dtype) -> Fit:
    parts: dict[str, dict[Place, Piece]] = {part: {} for part in places.parts}
    lost: dict[tuple[str, str], list[Stem]] = {}
    for stem, roles in content.modules.items():
        place = places.find(stem)
        try:
            if place is None:
                raise PieceError("is not in this model")
            parts[place.part][place] = piece_of(roles, place, dtype, alphas.at(place))
        except PieceError as error:
            lost.setdefault((place.part if place else stem.side, str(error)), []).append(stem)
    return Fit(parts, tuple(_told(content, parts, lost)))


def _told(
    content: Content, parts: Mapping[str, Mapping[Place, Piece]], lost: Mapping[tuple[str, str], list[Stem]]
) -> list[str]:
    """Sentences on what isn't used."""
    if not content.modules:
        return ["holds nothing that a LoRA does; the picture was drawn without it."]
    if not any(parts.values()):
        (_, reason), stems = max(lost.items(), key=lambda item: len(item[1]))
        why = f'"{stems[0].path}" {reason}'
        return [f"fits none of this model's modules ({why}); the picture was drawn without it."]
    sentences = [
        _unloaded(side, reason, stems, len(stems) + _others(side, stems, parts, lost))
        for (side, reason), stems in lost.items()
    ]
    if content.bundled:
        sentences.append("brings embeddings in the same file, which aren't read; put them into embeddings/.")
    return sentences


def _others(
    side: str,
    stems: list[Stem],
    parts: Mapping[str, Mapping[Place, Piece]],
    lost: Mapping[tuple[str, str], list[Stem]],
) -> int:
    """How many modules of the same network the file has beside `stems`."""
    known = len(parts.get(side, {})) if side else sum(map(len, parts.values()))
    return known + sum(len(each) for (where, _), each in lost.items() if where == side and each is not stems)


def _unloaded(side: str, reason: str, stems: list[Stem], total: int) -> str:
    named = ", ".join(f'"{stem.path[:100]}"' for stem in stems[:MOST_NAMED])
    more = f" and {len(stems) - MOST_NAMED} more" if len(stems) > MOST_NAMED else ""
    what = f"{SPOKEN.get(side, side)} modules".strip()
    return f"{len(stems)} of {total} {what} not loaded: {named}{more} {_plural(reason, stems)}."


def _plural(reason: str, stems: list[Stem]) -> str:
    verb, _, rest = reason.partition(" ")
    plural = {"is": "are", "has": "have", "lacks": "lack", "holds": "hold"}.get(verb, verb)
    return reason if len(stems) == 1 else f"{plural} {rest}"


@dataclass(frozen=True)
class _Alphas:
    """What PEFT tells of alpha, in the header instead of in tensors."""

    told: Mapping[str, Any]

    @classmethod
    def of(cls, file: Path, tensors: Iterable[str]) -> _Alphas:
        if any(name.endswith(".alpha") for name in tensors):
            return cls({})
        try:
            told = json.loads(read_header(file).metadata.get(PEFT_METADATA, "{}")[: 2**20])
        except (HeaderError, OSError, ValueError, RecursionError):
            return cls({})
        return cls(told if isinstance(told, dict) else {})

    def at(self, place: Place) -> float | None:
        """Alpha for a module; None: nothing is told."""
        patterns = self.told.get(f"{place.part}.alpha_pattern")
        found = self.told.get(f"{place.part}.lora_alpha")
        for name, value in patterns.items() if isinstance(patterns, dict) else ():
            if place.path == name or place.path.endswith(f".{name}"):
                found = value
        if not isinstance(found, int | float) or self.told.get(f"{place.part}.use_rslora"):
            return None
        return float(found)
