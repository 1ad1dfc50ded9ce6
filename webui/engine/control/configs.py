"""A ControlNet's config, as diffusers knows it, from the shapes of its weights and the UNet's config.

Shapes tell levels, widths and depths. What can't be seen in them (heads, groups of norms, activation) is as
in the UNet whose copy it began as.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from webui.engine.original.unet_shape import HEAD_WIDTH
from webui.engine.weights import WeightsError, counted

Shapes = Mapping[str, tuple[int, ...]]
Config = dict[str, Any]

AS_IN_THE_UNET = (
    "act_fn", "addition_time_embed_dim", "downsample_padding", "flip_sin_to_cos", "freq_shift", "norm_eps",
    "norm_num_groups", "num_attention_heads", "upcast_attention",
)  # fmt: skip
HINT_LEVELS = 4
"""The map is halved between them, so that eight of its pixels become one latent."""


def controlnet(shapes: Shapes, unet: Config) -> Config:
    """The config of a ControlNetModel, from shapes by diffusers' names and its UNet's config.

    Raises:
        WeightsError: the shapes are no ControlNet's.
    """
    levels = _count(shapes, r"down_blocks\.(\d+)\.")
    widths = [_side(shapes, f"down_blocks.{level}.resnets.0.conv1.weight", 0) for level in range(levels)]
    depths = [_depth(shapes, rf"down_blocks\.{level}\.attentions\.\d+") for level in range(levels)]
    middle = _depth(shapes, r"mid_block\.attentions\.\d+")
    if not depths[-1]:
        depths[-1] = middle  # diffusers takes the middle's from the last level
    entrance = "add_embedding.linear_1.weight"
    return {
        **{name: unet[name] for name in AS_IN_THE_UNET if name in unet},
        "in_channels": _side(shapes, "conv_in.weight", 1),
        "conditioning_channels": _side(shapes, "controlnet_cond_embedding.conv_in.weight", 1),
        "conditioning_embedding_out_channels": _hints(shapes),
        "block_out_channels": widths,
        "layers_per_block": _count(shapes, r"down_blocks\.0\.resnets\.(\d+)\."),
        "down_block_types": [_kind(shapes, level) for level in range(levels)],
        "mid_block_type": "UNetMidBlock2DCrossAttn" if middle else "UNetMidBlock2D",
        "transformer_layers_per_block": [depth or 1 for depth in depths],
        "attention_head_dim": _heads(unet.get("attention_head_dim", 8), widths),
        "cross_attention_dim": _first(shapes, ".attn2.to_k.weight", unet.get("cross_attention_dim", 768)),
        "use_linear_projection": any(
            len(shape) == 2 for name, shape in shapes.items() if name.endswith(".proj_in.weight")
        ),
        "addition_embed_type": "text_time" if entrance in shapes else None,
        "projection_class_embeddings_input_dim": shapes[entrance][1] if entrance in shapes else None,
    }


def union(shapes: Shapes, unet: Config) -> Config:
    """The config of a ControlNetUnionModel (xinsir's ControlNet++): what `controlnet` gives, and its own.

    Raises:
        WeightsError: as `controlnet`.
    """
    kinds, width = _pair(shapes, "task_embedding")
    told = _side(shapes, "control_add_embedding.linear_1.weight", 1)
    config = controlnet(shapes, unet)
    config.pop("mid_block_type")
    return config | {
        "num_control_type": kinds,
        "num_trans_channel": width,
        "num_trans_layer": _count(shapes, r"transformer_layes\.(\d+)\."),
        "num_proj_channel": _side(shapes, "spatial_ch_projs.weight", 0),
        "addition_time_embed_dim": told // max(kinds, 1),
    }


def _count(shapes: Shapes, pattern: str) -> int:
    """How many different numbers `pattern` finds in the names; they must count from 0."""
    found = counted(shapes, pattern)
    if not found:
        raise WeightsError("its layers are not those of a ControlNet")
    return found


def _side(shapes: Shapes, name: str, axis: int) -> int:
    shape = shapes.get(name, ())
    if len(shape) <= axis:
        raise WeightsError(f"it lacks {name}")
    return shape[axis]


def _pair(shapes: Shapes, name: str) -> tuple[int, int]:
    return _side(shapes, name, 0), _side(shapes, name, 1)


def _depth(shapes: Shapes, block: str) -> int:
    """How many transformer layers a block's attentions have."""
    pattern = re.compile(rf"{block}\.transformer_blocks\.(\d+)\.")
    return len({match[1] for name in shapes if (match := pattern.match(name))})


def _kind(shapes: Shapes, level: int) -> str:
    attends = any(name.startswith(f"down_blocks.{level}.attentions.") for name in shapes)
    return "CrossAttnDownBlock2D" if attends else "DownBlock2D"


def _first(shapes: Shapes, ending: str, otherwise: int) -> int:
    found = (shape[1] for name, shape in shapes.items() if name.endswith(ending) and len(shape) > 1)
    return next(found, otherwise)


def _heads(known: int | list[int], widths: list[int]) -> int | list[int]:
    """What diffusers calls attention_head_dim is the number of heads, in SD 2 and SDXL of each level."""
    if isinstance(known, int) or len(known) == len(widths):
        return known
    return [max(1, width // HEAD_WIDTH) for width in widths]


def _hints(shapes: Shapes) -> list[int]:
    """How wide the layers are that see the map: pairs of which the second one halves it."""
    blocks = _count(shapes, r"controlnet_cond_embedding\.blocks\.(\d+)\.")
    names = ["conv_in", *(f"blocks.{number}" for number in range(1, blocks, 2))]
    widths = [_side(shapes, f"controlnet_cond_embedding.{name}.weight", 0) for name in names]
    if len(widths) != HINT_LEVELS:
        raise WeightsError("it sees its map at another scale than a latent's eight pixels")
    return widths
