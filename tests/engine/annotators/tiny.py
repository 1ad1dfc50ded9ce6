"""Files and folders of preprocessors' networks, with random weights; those of fixed size are real in size."""

from pathlib import Path

import torch
from transformers import (
    BeitConfig,
    ConvNextConfig,
    DepthAnythingConfig,
    DepthAnythingForDepthEstimation,
    Dinov2Config,
    DPTConfig,
    DPTForDepthEstimation,
    SegformerConfig,
    SegformerForSemanticSegmentation,
    UperNetConfig,
    UperNetForSemanticSegmentation,
    ZoeDepthConfig,
    ZoeDepthForDepthEstimation,
)

NECK = {"neck_hidden_sizes": [8, 8, 8, 8], "fusion_hidden_size": 16}
SMALL = {"hidden_size": 32, "num_hidden_layers": 4, "num_attention_heads": 2}


def _depth_anything():
    seen = {"image_size": 56, "patch_size": 14, "out_indices": [1, 2, 3, 4], "reshape_hidden_states": False}
    backbone = Dinov2Config(**SMALL, **seen)
    return DepthAnythingForDepthEstimation(
        DepthAnythingConfig(backbone_config=backbone, reassemble_hidden_size=32, head_hidden_size=8, **NECK)
    )


def _dpt():
    shape = {"intermediate_size": 64, "image_size": 64, "patch_size": 16, "is_hybrid": False}
    return DPTForDepthEstimation(DPTConfig(**SMALL, **shape, **NECK, backbone_out_indices=[0, 1, 2, 3]))


def _zoe():
    seen = {"image_size": 64, "patch_size": 16, "out_indices": [1, 2, 3, 4], "reshape_hidden_states": False}
    backbone = BeitConfig(**SMALL, **seen, intermediate_size=64, use_relative_position_bias=True)
    small = {"bottleneck_features": 16, "num_relative_features": 8}
    return ZoeDepthForDepthEstimation(ZoeDepthConfig(backbone_config=backbone, **NECK, **small))


def _segformer():
    levels = {"depths": [1] * 4, "hidden_sizes": [8, 8, 16, 16], "num_attention_heads": [1, 1, 2, 2]}
    return SegformerForSemanticSegmentation(SegformerConfig(num_labels=150, decoder_hidden_size=16, **levels))


def _upernet():
    features = [f"stage{number}" for number in range(1, 5)]
    backbone = ConvNextConfig(hidden_sizes=[8, 8, 16, 16], depths=[1] * 4, out_features=features)
    config = UperNetConfig(backbone_config=backbone, hidden_size=16, num_labels=150)
    config.auxiliary_in_channels, config.auxiliary_channels = 16, 8
    return UperNetForSemanticSegmentation(config)


LAST = ("head.conv3.bias", "head.head.4.bias")
MAKERS = {
    "depth_anything": _depth_anything,
    "dpt": _dpt,
    "zoedepth": _zoe,
    "segformer": _segformer,
    "upernet": _upernet,
}


def write_folder(folder: Path, kind: str, seed: int = 0) -> torch.nn.Module:
    """As the Hub has it: config.json and model.safetensors."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        network = MAKERS[kind]().eval().requires_grad_(False)
        for name, weight in network.named_parameters():
            # Else next to nothing comes through; and depths below 0 are cut off.
            weight += 0.1 * torch.randn_like(weight) + 3.0 * name.endswith(LAST)
    network.save_pretrained(folder)
    return network


def write_random(file: Path, network: torch.nn.Module, seed: int = 0) -> dict[str, torch.Tensor]:
    """A pickle of weights of the network's names and shapes, which keep the size of what goes through."""
    draw = torch.Generator().manual_seed(seed)
    weights = {
        name: torch.randn(weight.shape, generator=draw) / max(weight[0].numel(), 1) ** 0.5
        for name, weight in network.state_dict().items()
    }
    file.parent.mkdir(parents=True, exist_ok=True)
    torch.save(weights, file)
    return weights
