"""How wide a UNet is, or the one that something was made for: small models are of a family, but narrower."""

from __future__ import annotations

from webui.catalog.backbones import PREFIXES
from webui.catalog.headers import Header

CONTEXT = (
    ".attn2.to_k.weight", ".attn2.to_k.down", "attn2_to_k.lora_down.weight", "attn2.to_k.lora_A.weight",
    "attn2.to_k.lora.down.weight",
)  # fmt: skip
"""What begins with the width of the text that cross-attention listens to: UNets, Control-LoRAs, LoRAs."""
UNETS = ("input_blocks.0.0.weight", "conv_in.weight")
FIRST_LEVELS = (
    *(prefix + name for prefix in PREFIXES for name in UNETS),
    "control_model.input_blocks.0.0.weight",
    "zero_convs.0.0.weight",
    "adapter.conv_in.weight",
    "adapter.body.0.out_conv.weight",
    "body.0.out_conv.weight",
)
"""What gives the first level's features: in UNets, ControlNets, Control-LoRAs and T2I-Adapters."""


def context(header: Header) -> int:
    """How wide the text is that it listens to; 0: it doesn't tell."""
    shape = header.first(*CONTEXT)
    return shape[1] if len(shape) > 1 else 0


def channels(header: Header) -> int:
    """How many features the first level has; 0: it doesn't tell."""
    shape = header.shape(*FIRST_LEVELS)
    return shape[0] if len(shape) == 4 else 0
