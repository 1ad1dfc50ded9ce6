"""LoRAs at work in a network: each module they touch has one forward around its own, for all of them.

Low-rank ones lie behind one another along the rank, so that any number of LoRAs costs two products:
y = module(x) + up(down(x) * s), where s says how strongly each rank acts, for each row of the call by itself.
Nothing is merged into the weights, a new weight of a LoRA is but another s, and without the forward the
network is what it was, to the bit.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import torch
from torch import Tensor, nn

from webui.engine.adapter import Adapter
from webui.engine.adapters.pieces import Piece
from webui.engine.adapters.places import Place
from webui.engine.adapters.sites import Layers, Site, Weighed

Pieces = Mapping[Place, Piece]
"""What one LoRA does to the modules of one network."""
Strengths = Callable[[str], Tensor]
"""Block -> how strongly each LoRA acts there, shape (rows or 1, LoRAs), in 32 bits on the CPU."""


class Injection(Adapter):
    """`with Injection(unet, loras, device, dtype) as injection:` they act as `weigh` says, at first not.

    Blocks that were compiled run uncompiled inside the `with`.
    """

    def __init__(
        self, network: nn.Module, loras: Sequence[Pieces], device: torch.device, dtype: torch.dtype
    ) -> None:
        """Prepare; nothing is changed yet.

        Args:
            network: the part whose modules they act on.
            loras: what each does to them.
            device: where the network computes.
            dtype: the number format it computes in.
        """
        super().__init__()
        self._network = network
        self._device, self._dtype = device, dtype
        touched: dict[Place, list[tuple[int, Piece]]] = {}
        for number, pieces in enumerate(loras):
            for place, piece in pieces.items():
                touched.setdefault(place, []).append((number, piece))
        self._sites = [
            (place.block, Site(network.get_submodule(place.path), pieces, device, dtype))
            for place, pieces in touched.items()
        ]

    def weigh(self, strengths: Strengths) -> None:
        """Have them act so strongly from now on."""
        tables = {block: strengths(block) for block in {block for block, _ in self._sites}}
        # Most modules of a block have the same ranks.
        known: dict[tuple[str, Layers], Weighed | None] = {}
        for block, site in self._sites:
            key = block, site.layers
            if key not in known:
                known[key] = Weighed.of(tables[block], site.layers, self._device, self._dtype)
            site.weighed = known[key]

    def _change(self) -> None:
        if not self._sites:
            return
        for module in self._network.modules():
            if vars(module).get("_compiled_call_impl"):
                self._set(module, _compiled_call_impl=None)
        for _, site in self._sites:
            site.forward = site.module.forward
            self._set(site.module, forward=site)
