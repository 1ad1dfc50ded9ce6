"""The modules of a model that a LoRA can act on, by the names that files have for them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal, cast

from torch import nn

from webui.engine.adapters.blocks import BASE, block_of
from webui.engine.adapters.keys import Stem
from webui.engine.original.unet_names import original_name

PlaceKind = Literal["linear", "conv", "norm"]


@dataclass(frozen=True)
class Place:
    """A module: in which part of the model, and where there."""

    part: str
    path: str
    kind: PlaceKind
    shape: tuple[int, ...]
    """Of its weight."""
    block: str = BASE
    """Of the UNet; see `blocks`."""


class Places:
    """All places of some networks, by part. Two of the same `signature` are alike."""

    def __init__(self, networks: Mapping[str, nn.Module], *, xl: bool = False) -> None:
        """`xl`: whether the UNet among them is SDXL's, whose blocks are counted otherwise."""
        self._known: dict[tuple[str, str], Place] = {}
        self.parts = tuple(networks)
        for part, network in networks.items():
            for place, names in _found(part, network, xl=xl):
                self._known |= {(part, name): place for name in names}
        self.signature = hash(tuple(self._known.items()))

    def find(self, stem: Stem) -> Place | None:
        """The place that a file's name stands for; None: there is none of that name."""
        sides = (stem.side,) if stem.side else self.parts
        found = (self._known.get((side, stem.path)) for side in sides)
        return next((place for place in found if place), None)


def _found(part: str, network: nn.Module, *, xl: bool) -> Iterator[tuple[Place, list[str]]]:
    """Each place of a network, and its names."""
    layers, attending = _build(network) if part == "unet" else (0, frozenset[int]())
    for path, module in network.named_modules():
        kind = _kind(module)
        if kind is None:
            continue
        original = original_name(path, layers, attending) if part == "unet" else ""
        shape = tuple(cast(Any, module).weight.shape)
        place = Place(part, path, kind, shape, block_of(original, xl=xl) if original else BASE)
        names = (
            [path.removeprefix("text_model."), original] if original else [path.removeprefix("text_model.")]
        )
        yield place, [name.replace(".", "_") for name in names]


def _kind(module: nn.Module) -> PlaceKind | None:
    if isinstance(module, nn.Linear):
        return "linear"
    if isinstance(module, nn.Conv2d):
        return "conv" if module.groups == 1 else None
    if isinstance(module, nn.LayerNorm | nn.GroupNorm):
        return "norm" if cast(Any, module).weight is not None else None
    return None


def _build(unet: nn.Module) -> tuple[int, frozenset[int]]:
    """Layers of a block, and which of the up blocks attend."""
    layers = cast(Any, unet).config.layers_per_block
    blocks = enumerate(cast(Any, unet).up_blocks)
    attending = frozenset(number for number, block in blocks if getattr(block, "attentions", None))
    return layers if isinstance(layers, int) else layers[0], attending
