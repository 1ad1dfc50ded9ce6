"""A UNet's config, as diffusers knows it, from the shapes of its weights in the original layout."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

HEAD_WIDTH = 64
TRANSFORMER = re.compile(
    r"((?:input_blocks|output_blocks)\.\d+|middle_block)\.1\.transformer_blocks\.(\d+)\."
)

Shapes = Mapping[str, tuple[int, ...]]
Depths = dict[str, int]


def unet_config(shapes: Shapes, base: dict[str, Any]) -> dict[str, Any]:
    """What the shapes tell: channels, levels, layers, depths, inputs. `base`: the family's config."""
    levels = _levels(shapes)
    widths = [_width(shapes, level) for level in levels]
    if not all(widths):
        return {}  # so much is missing that it can't be told; loading says what
    layers = len(levels[0])
    depths = _depths(shapes)
    down = [[depths.get(f"input_blocks.{block}", 0) for block in level] for level in levels]
    numbers = [range(at * (layers + 1), (at + 1) * (layers + 1)) for at in range(len(levels))]
    up = [[depths.get(f"output_blocks.{block}", 0) for block in level] for level in numbers]
    return {
        "block_out_channels": widths,
        "layers_per_block": layers,
        "down_block_types": ["CrossAttnDownBlock2D" if any(level) else "DownBlock2D" for level in down],
        "up_block_types": ["CrossAttnUpBlock2D" if any(level) else "UpBlock2D" for level in up],
        **_middle(shapes, depths),
        **_transformers(down, up, depths.get("middle_block", 0)),
        **_inputs(shapes, base),
        "attention_head_dim": _heads(base["attention_head_dim"], widths),
    }


def _levels(shapes: Shapes) -> list[list[int]]:
    """The numbers of the input blocks of each level. A level ends with a block that halves the picture."""
    found = {int(name.split(".")[1]) for name in shapes if name.startswith("input_blocks.")}
    levels: list[list[int]] = [[]]
    for number in sorted(found - {0}):
        if f"input_blocks.{number}.0.op.weight" in shapes:
            levels.append([])
        else:
            levels[-1].append(number)
    return levels


def _width(shapes: Shapes, level: list[int]) -> int:
    name = f"input_blocks.{level[0]}.0.out_layers.3.weight" if level else ""
    return shapes[name][0] if name in shapes else 0


def _depths(shapes: Shapes) -> Depths:
    """Block -> how many transformer layers it has."""
    depths: Depths = {}
    for name in shapes:
        if found := TRANSFORMER.match(name):
            depths[found[1]] = max(depths.get(found[1], 0), 1 + int(found[2]))
    return depths


def _middle(shapes: Shapes, depths: Depths) -> dict[str, Any]:
    if "middle_block" in depths:
        return {"mid_block_type": "UNetMidBlock2DCrossAttn"}
    only_resnet = any(name.startswith("middle_block.") for name in shapes)
    return {"mid_block_type": "UNetMidBlock2D" if only_resnet else None}


def _transformers(down: list[list[int]], up: list[list[int]], middle: int) -> dict[str, Any]:
    """Transformer layers of each level: one number where its blocks are alike, else one for each block."""
    below = [_one_or_all(level) for level in down]
    if not any(down[-1]):
        below[-1] = middle or 1  # diffusers takes the middle's from the last level
    above = [_one_or_all(level) for level in up]
    alike = all(
        isinstance(level, int) and (level == other or not any(blocks))
        for level, other, blocks in zip(above, reversed(below), up, strict=True)
    )
    return {
        "transformer_layers_per_block": below,
        "reverse_transformer_layers_per_block": None if alike else above,
    }


def _one_or_all(level: list[int]) -> int | list[int]:
    return max(level[0], 1) if len(set(level)) == 1 else level


def _inputs(shapes: Shapes, base: dict[str, Any]) -> dict[str, Any]:
    listening = (shape[1] for name, shape in shapes.items() if name.endswith(".attn2.to_k.weight"))
    projections = (len(shape) for name, shape in shapes.items() if name.endswith(".1.proj_in.weight"))
    found: dict[str, Any] = {
        "cross_attention_dim": next(listening, base["cross_attention_dim"]),
        "use_linear_projection": next(projections, 2 if base["use_linear_projection"] else 4) == 2,
    }
    if "input_blocks.0.0.weight" in shapes:
        found["in_channels"] = shapes["input_blocks.0.0.weight"][1]
    if "out.2.weight" in shapes:
        found["out_channels"] = shapes["out.2.weight"][0]
    if "label_emb.0.0.weight" in shapes:
        found["projection_class_embeddings_input_dim"] = shapes["label_emb.0.0.weight"][1]
    return found


def _heads(known: int | list[int], widths: list[int]) -> int | list[int]:
    """What diffusers calls attention_head_dim is the number of heads: eight in SD 1.x, later by width."""
    return known if isinstance(known, int) else [max(1, width // HEAD_WIDTH) for width in widths]
