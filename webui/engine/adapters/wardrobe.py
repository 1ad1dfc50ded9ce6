"""The LoRAs that tags name: found in the catalog, read, fitted to a model, and put on its networks."""

from __future__ import annotations

import weakref
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from torch import nn

from webui.catalog.catalog import Catalog
from webui.catalog.entry import ModelFile
from webui.engine.adapters.bodies import Body
from webui.engine.adapters.fitting import Fit
from webui.engine.adapters.injection import Injection, Pieces
from webui.engine.adapters.library import LoraLibrary, Stamp, stamp_of
from webui.engine.adapters.names import find_lora
from webui.engine.adapters.pieces import LowRank
from webui.engine.adapters.places import Places
from webui.engine.adapters.tags import LORA_TAGS, Wish, read_tag
from webui.engine.protocol import Resident
from webui.engine.weights import WeightsError
from webui.prompting.networks import Network


@dataclass(frozen=True)
class Tuned:
    """What a LoRA changes about text encoders."""

    name: str
    stamp: Stamp
    rank: int | None
    weight: float


@dataclass(frozen=True, eq=False)
class Worn:
    """A LoRA that is put on, and how its tag wishes it."""

    name: str
    """Its file's."""
    stamp: Stamp
    fit: Fit
    wish: Wish

    @property
    def key(self) -> tuple[Stamp, int | None]:
        """The same for those that differ in their weights alone."""
        return self.stamp, self.wish.rank

    @property
    def tuned(self) -> Tuned:
        """What it changes about text encoders."""
        return Tuned(self.name, self.stamp, self.wish.rank, self.wish.heard)

    def pieces(self, part: str) -> Pieces:
        """What it does to a part of the model."""
        return cut(self.fit.parts.get(part, {}), self.wish.rank)


class Wardrobe:
    """Fits LoRAs to models. For the drawing thread, but for `residents` and `unload`."""

    def __init__(self, catalog: Catalog, budget: Callable[[], int]) -> None:
        """`budget`: how many bytes of files that have been read to keep."""
        self._library = LoraLibrary(budget)
        self._places: weakref.WeakKeyDictionary[nn.Module, Places] = weakref.WeakKeyDictionary()
        self.residents: Callable[[], tuple[Resident, ...]] = self._library.residents
        self.unload: Callable[[str | None], None] = self._library.unload
        self._catalog = catalog

    def find(self, name: str) -> ModelFile | None:
        """The LoRA that a tag means by `name`; None: there is none."""
        return find_lora(self._catalog.files("lora"), name)

    def worn(self, body: Body, network: Network, tell: Callable[[str], None]) -> Worn | None:
        """The LoRA that a tag names; None: there is none that can be used, which `tell` hears."""
        if network.kind not in LORA_TAGS:
            tell(_unknown_kind(network))
            return None
        wish, problems = read_tag(network)
        for problem in problems:
            tell(problem)
        file = self.find(wish.name)
        if file is None:
            tell(f'There is no LoRA "{wish.name[:100]}"; the picture was drawn without it.')
            return None
        if refusal := body.refusal(wish.name, file):
            tell(refusal)
            return None
        try:
            stamp = stamp_of(file.path)
            fit = self.fit(body, file.name, stamp)
        except (WeightsError, OSError) as error:
            tell(_unreadable(wish.name, error))
            return None
        for notice in fit.notices:
            tell(f'LoRA "{wish.name}": {notice}')
        return Worn(file.name, stamp, fit, wish) if fit.count else None

    def fit(self, body: Body, name: str, stamp: Stamp) -> Fit:
        """A file fitted to a model.

        Raises:
            WeightsError, OSError: it can't be read.
        """
        main = body.networks[body.main]
        if main not in self._places:
            self._places[main] = body.places()
        return self._library.fit(name, stamp.path, self._places[main], body.placement.dtype, body.convert)


def injection(body: Body, part: str, loras: Sequence[Pieces]) -> Injection:
    """LoRAs on one part of a model."""
    return Injection(body.networks[part], loras, body.placement.device, body.placement.dtype)


def cut(pieces: Pieces, rank: int | None) -> Pieces:
    """With the first `rank` ranks alone; None: as they are."""
    if rank is None:
        return pieces
    low = {place: piece.cut(rank) for place, piece in pieces.items() if isinstance(piece, LowRank)}
    return {**pieces, **low}


def by_key(worn: Mapping[Network, Worn]) -> list[Worn]:
    """One of each that differ in more than their weights."""
    return list({each.key: each for each in worn.values()}.values())


def _unknown_kind(network: Network) -> str:
    if network.kind == "hypernet":
        return f'Hypernetworks aren\'t applied: "{network.name[:80]}" was left out.'
    return f"<{network.kind[:40]}:{network.name[:80]}> names nothing that can be applied; it was left out."


def _unreadable(name: str, error: Exception) -> str:
    # The system's words name the path on disk, which is nobody's business on the other end of the network.
    reason = (error.strerror or "it can't be read") if isinstance(error, OSError) else str(error)
    return f'LoRA "{name}" can\'t be used: {reason.rstrip(".")}. The picture was drawn without it.'
