"""What a tag asks for: <lora:name:te:unet:dyn> with A1111's names, and lora-block-weight's."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache

from webui.engine.adapters.blocks import BlockWeights, is_block_weights, read_block_weights
from webui.prompting.networks import Network

LORA_TAGS = ("lora", "lyco")
MOST = 1000.0
"""The largest weight that is taken, whatever its sign: beyond it there is only noise."""
NAMED = ("te", "unet", "dyn", "lbw", "start", "stop", "step")


@dataclass(frozen=True)
class Wish:
    """How one LoRA is to be applied."""

    name: str
    te: float = 1.0
    """The weight in the text encoders."""
    unet: float = 1.0
    rank: int | None = None
    """How many of its ranks are used, the first ones; None: all."""
    blocks: BlockWeights | None = None
    """What the weight is multiplied by in each block; None: by 1 everywhere."""
    start: float = 0.0
    """The first step, from 1, in which the UNet has it."""
    stop: float = math.inf
    """The first step in which the UNet no longer has it."""

    def at(self, block: str) -> float:
        """The weight in a block of the UNet, as `blocks.block_of` names it."""
        return self.unet * (self.blocks.at(block) if self.blocks else 1.0)

    @property
    def heard(self) -> float:
        """The weight in the text encoders."""
        return self.te * (self.blocks.base if self.blocks else 1.0)

    @property
    def selective(self) -> bool:
        """Whether the UNet has it in some blocks or steps only, or not everywhere alike."""
        return self.blocks is not None or self.start > 1 or self.stop < math.inf

    def acts(self, step: int) -> bool:
        """Whether the UNet has it in this step, counted from 1."""
        return self.start <= step < self.stop


@lru_cache(256)
def read_tag(network: Network) -> tuple[Wish, tuple[str, ...]]:
    """What a tag asks for, and sentences on what in it can't be understood: that counts as left out."""
    reading = _Reading(network)
    named = dict(network.named)
    places = [arg for arg in network.args if not is_block_weights(arg)]
    presets = [arg for arg in network.args if is_block_weights(arg)]
    te = reading.weight(named.get("te") or _at(places, 0), 1.0)
    unet = reading.weight(named.get("unet") or _at(places, 1), te)
    start, stop = reading.span(named)
    wish = Wish(
        network.name,
        te,
        unet,
        reading.rank(named.get("dyn") or _at(places, 2)),
        reading.blocks(named.get("lbw") or _at(presets, 0)),
        start,
        stop,
    )
    for name in named.keys() - set(NAMED):
        reading.complain(f'knows no "{name}="')
    return wish, tuple(reading.problems)


class _Reading:
    """Reads the values of one tag, and keeps what it can't understand."""

    def __init__(self, network: Network) -> None:
        self._tag = f"<{network.kind}:{network.name[:80]}>"
        self.problems: list[str] = []

    def complain(self, problem: str) -> None:
        self.problems.append(f"{self._tag} {problem}; that was left out.")

    def weight(self, text: str | None, otherwise: float) -> float:
        value = otherwise if text is None else self._number(text)
        if value is None or abs(value) > MOST:
            self.complain(f'has the weight "{str(text)[:40]}", which is no number up to {MOST:g}')
            return 1.0
        return value

    def rank(self, text: str | None) -> int | None:
        if text is None:
            return None
        value = self._number(text)
        if value is None or value < 1 or value != int(value):
            self.complain(f'has the rank "{text[:40]}", which is no whole number from 1')
            return None
        return int(value)

    def blocks(self, text: str | None) -> BlockWeights | None:
        if text is None:
            return None
        try:
            return read_block_weights(text)
        except ValueError as error:
            self.complain(f"has block weights that can't be read ({error})")
            return None

    def span(self, named: dict[str, str]) -> tuple[float, float]:
        """First step, and first step no longer: of start=, stop= and step=first-last."""
        start, stop = named.get("start"), named.get("stop")
        if "step" in named:
            start, _, stop = named["step"].partition("-")
        return self._step("start", start, 0.0), self._step("stop", stop, math.inf)

    def _step(self, name: str, text: str | None, otherwise: float) -> float:
        value = otherwise if text is None else self._number(text)
        if value is None:
            self.complain(f'has the {name} "{str(text)[:40]}", which is no number of a step')
            return otherwise
        return value

    def _number(self, text: str) -> float | None:
        try:
            value = float(text[:40])
        except ValueError:
            return None
        return value if math.isfinite(value) else None


def _at(values: list[str], place: int) -> str | None:
    return values[place] if place < len(values) else None
