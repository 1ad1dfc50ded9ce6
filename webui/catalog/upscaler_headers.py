"""Upscalers: told by the names of their weights, of which each kind of network has its own."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeVar

from webui.catalog.entry import Identity
from webui.catalog.headers import Header

Value = TypeVar("Value")

PREFIXES = ("module.", "netG.", "generator.")
"""What training programs put before all names."""
MARKS = (
    "model.1.sub.0.RDB1.conv1.0.weight",
    "body.0.rdb1.conv1.weight",
    "RRDB_trunk.0.RDB1.conv1.weight",
    "body.0.RDB1.conv1.weight",
    "layers.0.residual_group.blocks.0.norm1.weight",
    "layers.0.blocks.0.norm1.weight",
    "layers.0.residual_group.td",
    "layers.0.swin1.norm1.weight",
    "block_1.c1_r.sk.weight",
    "m_tail.0.weight",
    "unet1.conv1.conv.0.weight",
    "residual_layer.0.residual_layer.0.layer.0.fn.0.weight",
    "feats.1.lk.conv.weight",
    "feats.1.lk.convs.0.weight",
    "feats.1.lk.mn_conv.weight",
    "feats.0.safm.aggr.weight",
    "gblocks.1.fc1.weight",
    "body.0.body.0.body.0.weight",
)
"""Of ESRGAN (first layout), Real-ESRGAN, BSRGAN (both), SwinIR and HAT, DAT and RGT, ATD, DRCT, SPAN, SCUNet,
Real-CUGAN, OmniSR, PLKSR (three of its kinds), SAFMN, MoSR, RCAN."""
ENDS = ("conv_last.", "upsample.", "upconv1.", "conv_up1.")


def unprefixed(named: Mapping[str, Value]) -> dict[str, Value]:
    """Without what stands before all names alike, as trainers on several GPUs leave it."""
    found = dict(named)
    for prefix in PREFIXES:
        if found and all(name.startswith(prefix) for name in found):
            found = {name.removeprefix(prefix): value for name, value in found.items()}
    return found


def upscaler(header: Header) -> Identity | None:
    """An upscaling network: ESRGAN and Real-ESRGAN (RRDB, SRVGG), SwinIR, HAT, DAT, SPAN and their like."""
    bare = Header(unprefixed(header.tensors))
    compact = bare.has("body.0.weight") and all(name.startswith("body.") for name in bare.tensors)
    general = bare.has("conv_first.weight") and bare.under(*ENDS)
    if not (bare.has(*MARKS) or compact or general):
        return None
    return Identity("upscaler", has_vae=False, has_text_encoder=False)
