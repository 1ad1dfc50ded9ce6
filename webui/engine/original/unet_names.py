"""The modules of a UNet: their paths in diffusers -> their names in the first release."""

from __future__ import annotations

import re

RESNET = {
    "norm1": "in_layers.0",
    "conv1": "in_layers.2",
    "time_emb_proj": "emb_layers.1",
    "norm2": "out_layers.0",
    "conv2": "out_layers.3",
    "conv_shortcut": "skip_connection",
}
AROUND = {
    "conv_in": "input_blocks.0.0",
    "time_embedding.linear_1": "time_embed.0",
    "time_embedding.linear_2": "time_embed.2",
    "add_embedding.linear_1": "label_emb.0.0",
    "add_embedding.linear_2": "label_emb.0.2",
    "conv_norm_out": "out.0",
    "conv_out": "out.2",
    "mid_block.resnets.0": "middle_block.0",
    "mid_block.attentions.0": "middle_block.1",
    "mid_block.resnets.1": "middle_block.2",
}
_LEVEL = re.compile(
    r"(?P<side>down|up)_blocks\.(?P<level>\d+)"
    r"\.(?P<kind>resnets|attentions|downsamplers|upsamplers)\.(?P<layer>\d+)(?:\.(?P<rest>.+))?"
)


def original_name(path: str, layers: int, attending: frozenset[int]) -> str:
    """The first release's name of the module at `path`; empty where it has none.

    Args:
        path: in diffusers' UNet2DConditionModel.
        layers: its `layers_per_block`.
        attending: the up blocks that have attention, behind which upsamplers come.
    """
    for own, original in AROUND.items():
        if path == own or path.startswith(f"{own}."):
            return _inside(original, path.removeprefix(own).removeprefix("."))
    found = _LEVEL.fullmatch(path)
    if not found:
        return ""
    level, layer = int(found["level"]), int(found["layer"])
    place = layer + level * (layers + 1)
    down = found["side"] == "down"
    sampled = 1 + level * (layers + 1) + layers if down else level * (layers + 1) + layers
    names = {
        "resnets": f"{place + down}.0",
        "attentions": f"{place + down}.1",
        "downsamplers": f"{sampled}.0",
        "upsamplers": f"{sampled}.{1 + (level in attending)}",
    }
    rest = found["rest"] or ""
    if found["kind"] == "downsamplers":
        rest = rest.replace("conv", "op")
    return _inside(f"{'input' if down else 'output'}_blocks.{names[found['kind']]}", rest)


def _inside(block: str, rest: str) -> str:
    return f"{block}.{RESNET.get(rest, rest)}" if rest else block
