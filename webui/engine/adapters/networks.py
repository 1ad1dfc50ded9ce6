"""LoRAs on models of the Stable Diffusion families: put on for a walk, weighed at each evaluation."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from typing import Any

import torch
from torch import Tensor

from webui.engine.adapters.bodies import Body
from webui.engine.adapters.tags import LORA_TAGS
from webui.engine.adapters.wardrobe import Tuned, Wardrobe, Worn, by_key, cut, injection
from webui.engine.company import Companion, Given, Tuning, Visit
from webui.engine.model import Model
from webui.prompting.networks import Network


class Networks:
    """Puts on what prompts name with <lora:...>, from `wardrobe`."""

    def __init__(self, wardrobe: Wardrobe) -> None:
        self._wardrobe = wardrobe

    @contextmanager
    def joined(self, visit: Visit) -> Generator[Companion | None]:
        """Have the UNet changed for a walk, as the prompts say; see `company.Join`."""
        body, tell = Body.of(visit.model), visit.observer.notice
        worn = {network: self._wardrobe.worn(body, network, tell) for network in visit.conditioning.networks}
        for network in visit.conditioning.unheard:
            tell(f'"{network.name[:80]}" stands in the negative prompt, where it changes nothing.')
        present = {network: each for network, each in worn.items() if each and each.fit.parts[body.main]}
        if not present:
            yield None
            return
        loras = by_key(present)
        with injection(body, body.main, [each.pieces(body.main) for each in loras]) as injected:
            yield _Wearing(injected.weigh, present, loras, visit.way.steps)

    def wanted(self, model: Model, networks: tuple[Network, ...]) -> Tuning:
        """What `networks` change about the text encoders; see `company.Tuner`."""
        body = Body.of(model)
        named = (network for network in networks if network.kind in LORA_TAGS)
        worn = (self._wardrobe.worn(body, network, _silent) for network in named)
        return tuple(each.tuned for each in worn if each and each.wish.heard and hears(body, each))

    @contextmanager
    def tuned(self, model: Model, tuning: Tuning) -> Generator[None]:
        """Have the text encoders changed for a block; see `company.Tuner`."""
        loras: tuple[Tuned, ...] = tuning if isinstance(tuning, tuple) else ()
        body = Body.of(model)
        fits = [self._wardrobe.fit(body, each.name, each.stamp) for each in loras]
        with ExitStack() as stack:
            for part in body.texts if loras else ():
                pieces = [cut(fit.parts[part], each.rank) for fit, each in zip(fits, loras, strict=True)]
                weights = torch.tensor([[each.weight for each in loras]])
                stack.enter_context(injection(body, part, pieces)).weigh(lambda _, told=weights: told)
            yield


class _Wearing:
    """LoRAs on a UNet for a walk; see `company.Companion`."""

    def __init__(
        self,
        weigh: Callable[[Callable[[str], Tensor]], None],
        worn: Mapping[Network, Worn],
        loras: Sequence[Worn],
        steps: int,
    ) -> None:
        self._weigh = weigh
        self._worn = worn
        self._numbers = {each.key: number for number, each in enumerate(loras)}
        self._steps = steps
        self._now: object = None

    def beside(self, given: Given) -> Mapping[str, Any]:
        """Have each row's own LoRAs act on it."""
        step = 1 + int(given.share * self._steps + 1e-6)
        rows = tuple(self._acting(networks, step) for networks in given.networks)
        alike = rows[:1] if len(set(rows)) == 1 else rows
        if alike != self._now:
            self._weigh(lambda block: self._strengths(alike, block))
            self._now = alike
        return {}

    def _acting(self, networks: Iterable[Network], step: int) -> tuple[Network, ...]:
        present = (network for network in networks if network in self._worn)
        return tuple(network for network in present if self._worn[network].wish.acts(step))

    def _strengths(self, rows: Sequence[tuple[Network, ...]], block: str) -> Tensor:
        """Shape (rows, LoRAs); one that is named twice acts twice."""
        table = torch.zeros(len(rows), len(self._numbers))
        for row, networks in enumerate(rows):
            for network in networks:
                worn = self._worn[network]
                table[row, self._numbers[worn.key]] += worn.wish.at(block)
        return table


def hears(body: Body, worn: Worn) -> bool:
    """Whether a LoRA changes text encoders."""
    return any(worn.fit.parts.get(part) for part in body.texts)


def _silent(_: str) -> None:
    pass
