"""FreeU (Si et al., arXiv:2309.11497): the UNet's deep features weigh more, its skip connections less."""

from __future__ import annotations

from diffusers.models.unets.unet_2d_condition import UNet2DConditionModel

from webui.engine.adapter import Adapter

SMALLEST = 1e-9
"""What stands for 0, which diffusers takes for "off"."""


class FreeU(Adapter):
    """`with FreeU(unet, b1, b2, s1, s2):` the two deepest levels of its way up are weighed anew.

    `b1` and `b2` scale half of the channels that come from below, in the deepest level and the one above it;
    `s1` and `s2` scale the lowest frequencies of what comes across. Where all four are 1, only rounding
    changes. diffusers computes it: the paper's first version, which weighs all places of the picture alike.
    """

    def __init__(self, unet: UNet2DConditionModel, b1: float, b2: float, s1: float, s2: float) -> None:
        super().__init__()
        self._unet = unet
        self._weights = {"b1": b1, "b2": b2, "s1": s1, "s2": s2}

    def _change(self) -> None:
        weights = {name: max(weight, SMALLEST) for name, weight in self._weights.items()}
        for block in self._unet.up_blocks:
            # So that these attributes, of which diffusers leaves some behind, are what they were afterwards.
            self._set(block, **weights)
        self._unet.enable_freeu(**weights)
