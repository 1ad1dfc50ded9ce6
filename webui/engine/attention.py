"""How a network's attention blocks are computed: torch's attention, xformers, in slices; compiled or not."""

from __future__ import annotations

import logging
from typing import Any, Literal, cast

import torch
from diffusers.models.attention_processor import AttnProcessor2_0
from diffusers.models.modeling_utils import ModelMixin
from diffusers.models.unets.unet_2d_condition import UNet2DConditionModel
from torch import Tensor, nn

log = logging.getLogger(__name__)

Attention = Literal["SDPA", "xformers", "Sliced"]


def use(network: nn.Module, kind: Attention, device: torch.device | None = None) -> None:
    """Switch a UNet's attention. `device`: where it will run, if it isn't there yet.

    Other networks (the transformers of SD 3, Flux) know only torch's attention, and keep it.
    """
    if not isinstance(network, UNet2DConditionModel):
        return
    if kind == "Sliced":
        network.set_attention_slice("max")
    elif kind == "SDPA":
        # Not set_default_attn_processor, which is diffusers' own arithmetic instead of torch's.
        network.set_attn_processor(AttnProcessor2_0())
    else:
        use_xformers(network, device)


def use_xformers(unet: UNet2DConditionModel, device: torch.device | None = None) -> bool:
    """Switch `unet` to xformers if a trial call succeeds on `device` (None: where it is now).

    Else it keeps torch's attention, and the log says why.
    """
    try:
        # Importable without a GPU too, where it then fails: only a call tells.
        from xformers.ops import memory_efficient_attention  # pyright: ignore

        query = torch.randn(1, 16, 8, 64, device=device or unet.device, dtype=unet.dtype)
        memory_efficient_attention(query, query, query)
        unet.enable_xformers_memory_efficient_attention()
    except (ImportError, NotImplementedError, RuntimeError, ValueError) as error:
        log.warning("xformers does not work here (%s); torch's attention is used.", str(error).split("\n")[0])
        return False
    return True


def compile_blocks(network: ModelMixin, device: torch.device) -> bool:
    """Compile the blocks that `network` repeats (torch.compile), if a compiler works on `device`.

    They are compiled when they first run, and anew for a new size. Whether it was switched on; the log says
    why not. It can't be taken back: the network is to be loaded anew.
    """
    if reason := _uncompilable(network, device):
        log.warning("The blocks are not compiled: %s", reason)
        return False
    # Not fullgraph: hooks (LoRA, offload, fp8) break the graph, which it would make an error.
    network.compile_repeated_blocks(fullgraph=False)
    return True


def _uncompilable(network: ModelMixin, device: torch.device) -> str | None:
    """Why not, in a sentence, or None. Compiling needs g++ on a CPU and Triton on a GPU: a trial tells."""
    blocks = cast("list[str] | None", getattr(network, "_repeated_blocks", None))
    if not blocks or not any(type(module).__name__ in blocks for module in network.modules()):
        return f"{type(network).__name__} has no blocks that repeat."

    def double(x: Tensor) -> Tensor:
        return x * 2 + 1

    try:
        cast(Any, torch.compile(double))(torch.ones(8, device=device))
    except Exception as error:  # whatever a missing compiler makes torch raise
        return f"torch.compile does not work here ({str(error).strip().splitlines()[0]})."
    return None
