"""Block weights: how strongly a LoRA acts in each block of the UNet.

Blocks are named as in the lora-block-weight extension, by the first releases' numbers: IN00 to IN11, M00,
OUT00 to OUT11, and BASE for the text encoders and what belongs to no block.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass

BASE, MIDDLE = "BASE", "M00"
_ORIGINAL = re.compile(r"(input_blocks|output_blocks)\.(\d+)\.|(middle_block)\.")


def _names(inputs: list[int], outputs: list[int]) -> tuple[str, ...]:
    return (
        BASE,
        *(f"IN{number:02}" for number in inputs),
        MIDDLE,
        *(f"OUT{number:02}" for number in outputs),
    )


LISTS: Mapping[int, tuple[str, ...]] = {
    12: _names([4, 5, 7, 8], [*range(6)]),
    17: _names([1, 2, 4, 5, 7, 8], [*range(3, 12)]),
    20: _names([*range(9)], [*range(9)]),
    26: _names([*range(12)], [*range(12)]),
}
"""How many weights -> the blocks they are for: those with attention of SDXL and SD 1, then all of both."""

Chosen = Callable[[str, int, bool], bool]
"""Of IN or OUT, the block's number, and whether the UNet is SDXL's: whether a preset has the block."""
PRESETS: Mapping[str, Chosen] = {
    "ALL": lambda side, number, xl: True,  # noqa: ARG005
    "NONE": lambda side, number, xl: False,  # noqa: ARG005
    "INS": lambda side, number, xl: side == "IN" and number <= (5 if xl else 3),
    "IND": lambda side, number, xl: side == "IN" and number >= (7 if xl else 5),
    "INALL": lambda side, number, xl: side == "IN",  # noqa: ARG005
    "MIDD": lambda side, number, xl: number <= _deep(xl) if side == "OUT" else number >= (7 if xl else 5),
    "OUTD": lambda side, number, xl: side == "OUT" and number <= _deep(xl),
    "OUTS": lambda side, number, xl: side == "OUT" and number > _deep(xl),
    "OUTALL": lambda side, number, xl: side == "OUT",  # noqa: ARG005
}


def _deep(xl: bool) -> int:
    return 2 if xl else 6


@dataclass(frozen=True)
class BlockWeights:
    """What a weight is multiplied by in each block; 0 where none is told."""

    weights: tuple[tuple[str, float], ...]
    others: float = 0.0

    def at(self, block: str) -> float:
        """The factor in a block, or in BASE. `block` may say of which UNet it is: "XL IN04"."""
        known = dict(self.weights)
        return known.get(block, known.get(block.removeprefix("XL "), self.others))

    @property
    def base(self) -> float:
        """The factor for the text encoders."""
        return self.at(BASE)


def block_of(original: str, *, xl: bool) -> str:
    """The block of a UNet's module, from its name in the first release; those of SDXL begin with "XL "."""
    found = _ORIGINAL.match(original)
    if not found:
        return BASE
    side = {"input_blocks": "IN", "output_blocks": "OUT"}.get(found[1] or "")
    name = f"{side}{int(found[2]):02}" if side else MIDDLE
    return f"XL {name}" if xl else name


def is_block_weights(text: str) -> bool:
    """Whether a tag's unnamed value is of this kind: a preset's name, or numbers with commas between."""
    return "," in text or _is_name(text.strip())


def read_block_weights(text: str) -> BlockWeights:
    """A preset's name (also "ALL0.5"), a block's, or 12, 17, 20 or 26 numbers with commas between.

    Raises:
        ValueError: it is none of these; the text says which.
    """
    text = text.strip()
    if "," not in text:
        return _named(text)
    values = [_factor(value) for value in text[:1000].split(",")]
    if len(values) not in LISTS:
        raise ValueError(f"{len(values)} numbers, where 12, 17, 20 or 26 are known")
    return BlockWeights(tuple(zip(LISTS[len(values)], values, strict=True)))


def _is_name(text: str) -> bool:
    return text in PRESETS or text == "ALL0.5" or text in LISTS[26] or text == "MID"


def _named(text: str) -> BlockWeights:
    if not _is_name(text):
        raise ValueError(f'there is no preset "{text[:40]}"')
    if text == "ALL0.5":
        return BlockWeights((), 0.5)
    if text in PRESETS:
        return BlockWeights(_chosen(text))
    block = MIDDLE if text == "MID" else text
    return BlockWeights(((BASE, 1.0), (block, 1.0)))


def _chosen(preset: str) -> tuple[tuple[str, float], ...]:
    has = PRESETS[preset]
    found = {BASE: float(preset != "NONE")}
    for xl in (False, True):
        for side in ("IN", "OUT"):
            for number in range(12):
                found[f"{'XL ' if xl else ''}{side}{number:02}"] = float(has(side, number, xl))
        found[f"XL {MIDDLE}" if xl else MIDDLE] = float(preset in ("ALL", "MIDD"))
    return tuple(found.items())


def _factor(text: str) -> float:
    try:
        value = float(text.strip()[:40])
    except ValueError as error:
        raise ValueError(f'"{text.strip()[:40]}" is no number') from error
    if not math.isfinite(value):
        raise ValueError(f'"{text.strip()[:40]}" is no number')
    return value
