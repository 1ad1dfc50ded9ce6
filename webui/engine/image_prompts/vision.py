"""CLIP's image encoders: from a file in transformers' or OpenCLIP's layout, and what they are shown."""

from __future__ import annotations

import json
from collections.abc import Mapping
from math import isqrt
from pathlib import Path
from typing import Any, cast

import numpy as np
import torch
from PIL import Image
from torch import Tensor
from transformers import CLIPVisionConfig, CLIPVisionModelWithProjection

from webui.catalog.image_encoders import Shapes, Sight
from webui.engine.original.convert import open_clip_pieces
from webui.engine.original.networks import fill
from webui.engine.weights import WeightsError, counted, load
from webui.imaging.masks import flattened

OPEN_CLIP = "visual."
OPEN_CLIP_ENTRANCE = {
    "visual.class_embedding": "vision_model.embeddings.class_embedding",
    "visual.conv1.weight": "vision_model.embeddings.patch_embedding.weight",
    "visual.ln_pre.weight": "vision_model.pre_layrnorm.weight",
    "visual.ln_pre.bias": "vision_model.pre_layrnorm.bias",
    "visual.ln_post.weight": "vision_model.post_layernorm.weight",
    "visual.ln_post.bias": "vision_model.post_layernorm.bias",
}
MEAN, DEVIATION = (0.48145466, 0.4578275, 0.40821073), (0.26862954, 0.26130258, 0.27577711)
"""Of the colours that CLIP was trained on, in [0, 1]."""
HEADS = {768: 12, 1024: 16, 1280: 16, 1664: 16}
"""Heads of ViT-B, ViT-L, ViT-H and ViT-bigG by their width, which no shape tells."""
QUICK = (768, 1024)
"""The widths of OpenAI's own encoders, whose activation is another than that of LAION's."""
MAX_JSON = 2**20
LONGEST = 4
"""How many times as long as wide a picture is at most before it is made smaller: only its middle is seen."""


def read_vision(file: Path) -> CLIPVisionModelWithProjection:
    """The encoder in a file. A config.json beside it tells what shapes don't, if it is such an encoder's.

    Raises:
        WeightsError: it is damaged or holds no image encoder.
        OSError: it can't be opened.
    """
    weights = _renamed(load(file, lambda name: name.startswith(("vision_model.", "visual"))))
    config = _config({name: tuple(weight.shape) for name, weight in weights.items()}, _told_beside(file))
    with torch.device("meta"):
        network = CLIPVisionModelWithProjection(config)
    return cast(CLIPVisionModelWithProjection, fill(network, weights, "image encoder"))


@torch.inference_mode()
def seen(network: CLIPVisionModelWithProjection, image: Image.Image, sight: Sight) -> Tensor:
    """What `network` sees in nothing and in `image`, RGB or RGBA, as the adapter takes it: two rows.

    Nothing is what adapters have learned as such: a vector of zeros, or what is seen of a grey picture.
    """
    side = int(cast(Any, network.config).image_size)
    pixels = shown(image, side).to(network.device, network.dtype)
    if sight.projected:
        vector = network(pixels).image_embeds
        return torch.cat([torch.zeros_like(vector), vector])
    both = torch.cat([torch.zeros_like(pixels), pixels])
    return network(both, output_hidden_states=True).hidden_states[-2]


def shown(image: Image.Image, side: int) -> Tensor:
    """The middle of a picture as CLIP is shown it, shape (1, 3, side, side)."""
    image = _middle(flattened(image))
    scale = side / min(image.size)
    width, height = (max(side, int(length * scale)) for length in image.size)
    image = image.resize((width, height), Image.Resampling.BICUBIC)
    left, top = (width - side) // 2, (height - side) // 2
    pixels = np.asarray(image.crop((left, top, left + side, top + side)), np.float32) / 255
    normed = (pixels - np.array(MEAN, np.float32)) / np.array(DEVIATION, np.float32)
    return torch.from_numpy(normed).permute(2, 0, 1)[None].contiguous()


def _middle(image: Image.Image) -> Image.Image:
    width, height = (min(length, LONGEST * min(image.size)) for length in image.size)
    left, top = (image.width - width) // 2, (image.height - height) // 2
    return image.crop((left, top, left + width, top + height))


def _renamed(weights: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """By transformers' names."""
    found: dict[str, Tensor] = {}
    for name, weight in weights.items():
        if name == "visual.proj":
            found["visual_projection.weight"] = weight.T.contiguous()
        elif name in OPEN_CLIP_ENTRANCE:
            found[OPEN_CLIP_ENTRANCE[name]] = weight
        elif name.startswith(OPEN_CLIP):
            pieces = open_clip_pieces(name.removeprefix(OPEN_CLIP), weight)
            found |= {f"vision_model.{own}": piece for own, piece in pieces}
        elif not name.endswith("position_ids"):
            found[name] = weight
    return found


def _config(shapes: Shapes, told: Mapping[str, Any]) -> CLIPVisionConfig:
    embeddings = "vision_model.embeddings"
    try:
        width, channels, patch, _ = shapes[f"{embeddings}.patch_embedding.weight"]
        places = shapes[f"{embeddings}.position_embedding.weight"][0]
        inner = shapes["vision_model.encoder.layers.0.mlp.fc1.weight"][0]
        projection = shapes["visual_projection.weight"][0]
    except (KeyError, IndexError, ValueError) as error:
        raise WeightsError("its file holds no CLIP image encoder") from error
    heads = told.get("num_attention_heads")
    fits = isinstance(heads, int) and heads > 0 and width % heads == 0
    activation = told.get("hidden_act")
    usual = "quick_gelu" if width in QUICK else "gelu"
    return CLIPVisionConfig(
        hidden_size=width,
        num_channels=channels,
        patch_size=patch,
        image_size=isqrt(places - 1) * patch,
        intermediate_size=inner,
        projection_dim=projection,
        num_hidden_layers=_layers(shapes),
        num_attention_heads=cast(int, heads) if fits else HEADS.get(width, max(1, width // 64)),
        hidden_act=activation if activation in ("gelu", "quick_gelu") else usual,
    )


def _layers(shapes: Shapes) -> int:
    layers = counted(shapes, r"vision_model\.encoder\.layers\.(\d+)\.")
    if not layers:
        raise WeightsError("its layers are not those of a CLIP image encoder")
    return layers


def _told_beside(file: Path) -> dict[str, Any]:
    try:
        with (file.parent / "config.json").open("rb") as stream:
            told = json.loads(stream.read(MAX_JSON))
    except (OSError, ValueError, RecursionError):
        return {}
    return told if isinstance(told, dict) and told.get("model_type") == "clip_vision_model" else {}
