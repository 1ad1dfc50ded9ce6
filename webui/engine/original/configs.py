"""diffusers' configs of a checkpoint in the original layout: its family's, adapted to the shapes in the file.

Pruned and distilled models (SSD-1B, Segmind Vega, KOALA) differ from their family in what can be seen:
channels, levels, layers. What can't be seen (heads, norm groups, activation, scaling) is the family's.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Any

from webui.engine.original.names import PARTS, is_open_clip, own_name, part_of
from webui.engine.original.unet_shape import unet_config

FAMILIES = Path(__file__).parents[1] / "families"
HEAD_WIDTH = 64
VIT_H_LAYERS = 24

Shapes = Mapping[str, tuple[int, ...]]
Config = dict[str, Any]


def configs_of(family: str) -> dict[str, Config]:
    """Part or "scheduler" -> its config as the family's first release has it."""
    files = sorted((FAMILIES / family).glob("*.json"))
    return {file.stem: json.loads(file.read_text(encoding="utf-8")) for file in files}


def configs(family: str, shapes: Shapes) -> dict[str, Config]:
    """The family's configs, adapted to a file. `shapes`: every weight of the file by its name there.

    A part that the file doesn't hold has the family's config, and so has what its shapes leave open.
    """
    own: dict[str, dict[str, tuple[int, ...]]] = {part: {} for part in PARTS[family]}
    for key, shape in shapes.items():
        if part := part_of(key, family):
            own[part][own_name(key, family)] = shape
    found = configs_of(family)
    for part in PARTS[family]:
        if own[part]:
            found[part] |= _reader(part, family)(own[part], found[part])
    if own["unet"]:
        found["unet"] |= _size_numbers(found, family)
    return found


def _reader(part: str, family: str) -> Callable[[Shapes, Config], Config]:
    if part == "unet":
        return unet_config
    if part == "vae":
        return _vae_config
    return partial(_open_clip_config, part) if is_open_clip(part, family) else _clip_config


def _vae_config(shapes: Shapes, base: Config) -> Config:
    """In the original layout or in diffusers'."""
    pattern = re.compile(r"encoder\.(?:down|down_blocks)\.(\d+)\.(?:block|resnets)\.(\d+)\.conv1\.weight")
    widths: dict[int, int] = {}
    layers = 0
    for name, shape in shapes.items():
        if found := pattern.fullmatch(name):
            widths[int(found[1])] = shape[0]
            layers = max(layers, 1 + int(found[2]))
    if not widths:
        return {}  # so much is missing that it can't be told; loading says what
    latents = shapes.get("decoder.conv_in.weight")
    return {
        "block_out_channels": [widths[level] for level in sorted(widths)],
        "down_block_types": ["DownEncoderBlock2D"] * len(widths),
        "up_block_types": ["UpDecoderBlock2D"] * len(widths),
        "layers_per_block": layers,
        "latent_channels": latents[1] if latents else base["latent_channels"],
        "use_quant_conv": "quant_conv.weight" in shapes,
        "use_post_quant_conv": "post_quant_conv.weight" in shapes,
    }


def _clip_config(shapes: Shapes, base: Config) -> Config:
    names = ("embeddings.token_embedding.weight", "embeddings.position_embedding.weight")
    return _text_config(shapes, base, *names, "encoder.layers", "mlp.fc1")


def _open_clip_config(part: str, shapes: Shapes, base: Config) -> Config:
    names = ("token_embedding.weight", "positional_embedding")
    config = _text_config(shapes, base, *names, "transformer.resblocks", "mlp.c_fc")
    projection = shapes.get("text_projection")
    if part == "text_encoder_2":
        return config | ({"projection_dim": projection[1]} if projection else {})
    # SD 2.x listens to the last layer but one. Its files hold the last too, unless diffusers wrote them.
    whole = projection is not None or config["num_hidden_layers"] == VIT_H_LAYERS
    return config | {"num_hidden_layers": config["num_hidden_layers"] - whole}


def _text_config(shapes: Shapes, base: Config, tokens: str, positions: str, layers: str, mlp: str) -> Config:
    vocabulary, width = shapes.get(tokens, (base["vocab_size"], base["hidden_size"]))
    numbers = [
        int(found[1]) for name in shapes if (found := re.match(rf"{re.escape(layers)}\.(\d+)\.", name))
    ]
    middle = shapes.get(f"{layers}.0.{mlp}.weight")
    return {
        "vocab_size": vocabulary,
        "hidden_size": width,
        "num_attention_heads": max(1, width // HEAD_WIDTH),
        "num_hidden_layers": 1 + max(numbers) if numbers else base["num_hidden_layers"],
        "intermediate_size": middle[0] if middle else base["intermediate_size"],
        "max_position_embeddings": shapes[positions][0]
        if positions in shapes
        else base["max_position_embeddings"],
    }


def _size_numbers(found: dict[str, Config], family: str) -> Config:
    """How wide each of SDXL's size numbers is: they are told to the UNet behind the pooled prompt."""
    told = found["unet"].get("projection_class_embeddings_input_dim")
    if not told:
        return {}
    count = 5 if family == "sdxl-refiner" else 6
    return {"addition_time_embed_dim": (told - found["text_encoder_2"]["projection_dim"]) // count}
