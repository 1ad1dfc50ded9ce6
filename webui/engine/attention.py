"""xformers attention, only where it works."""

from __future__ import annotations

import logging

import torch
from diffusers.models.unets.unet_2d_condition import UNet2DConditionModel

log = logging.getLogger(__name__)


def use_xformers(unet: UNet2DConditionModel) -> bool:
    """Switch `unet` to xformers if a trial call succeeds on its device; else it keeps torch's attention."""
    try:
        # Importable without a GPU too, where it then fails: only a call tells.
        from xformers.ops import memory_efficient_attention  # pyright: ignore

        query = torch.randn(1, 16, 8, 64, device=unet.device, dtype=unet.dtype)
        memory_efficient_attention(query, query, query)
        unet.enable_xformers_memory_efficient_attention()
    except (ImportError, NotImplementedError, RuntimeError, ValueError) as error:
        log.warning("xformers does not work here (%s); torch's attention is used.", str(error).split("\n")[0])
        return False
    return True
