"""Tiny networks with random weights, built as diffusers builds each family's real ones."""

from dataclasses import dataclass, field

import torch
from diffusers.models.autoencoders.autoencoder_kl import AutoencoderKL
from diffusers.models.unets.unet_2d_condition import UNet2DConditionModel
from transformers import CLIPTextConfig, CLIPTextModel, CLIPTextModelWithProjection

INPUTS = {"": 4, "inpaint": 9, "pix2pix": 8}
SCALING = {"sd1": 0.18215, "sd2": 0.18215, "sdxl": 0.13025, "sdxl-refiner": 0.13025}
TEXT_WIDTH, TEXT_WIDTH_2 = 8, 16
TIME_WIDTH = 32  # of one of SDXL's size numbers
SIZES = {"sdxl": 6, "sdxl-refiner": 5}  # how many numbers an SDXL UNet is told beside the prompt


@dataclass(frozen=True)
class Networks:
    """One checkpoint's networks by their part's name, and their family."""

    family: str
    parts: dict[str, torch.nn.Module] = field(default_factory=dict)


def make(family: str, variant: str = "", seed: int = 0) -> Networks:
    """All networks of a tiny checkpoint; the same seed gives the same weights."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        parts = {"unet": _unet(family, INPUTS[variant]), "vae": make_vae(family)}
        if family != "sdxl-refiner":
            parts["text_encoder"] = _text_encoder(family)
        if family.startswith("sdxl"):
            parts["text_encoder_2"] = _text_encoder_2()
    return Networks(family, {name: part.eval().requires_grad_(False) for name, part in parts.items()})


def make_vae(family: str) -> AutoencoderKL:
    """A VAE of the usual four levels, so that a latent is 8 pixels wide."""
    vae = AutoencoderKL(
        block_out_channels=(32, 64, 32, 32),
        down_block_types=("DownEncoderBlock2D",) * 4,
        up_block_types=("UpDecoderBlock2D",) * 4,
        layers_per_block=1,
        sample_size=64,
        scaling_factor=SCALING[family],
    )
    with torch.no_grad():
        vae.decoder.conv_out.weight *= 3  # otherwise all pictures are nearly grey
    return vae


def _unet(family: str, inputs: int) -> UNet2DConditionModel:
    common = {"in_channels": inputs, "layers_per_block": 1, "sample_size": 8}
    if family in ("sd1", "sd2"):
        heads = {"sd1": 8, "sd2": [1, 1]}[family]
        return UNet2DConditionModel(
            **common,
            block_out_channels=(32, 64),
            down_block_types=("CrossAttnDownBlock2D", "DownBlock2D"),
            up_block_types=("UpBlock2D", "CrossAttnUpBlock2D"),
            attention_head_dim=heads,
            cross_attention_dim={"sd1": TEXT_WIDTH, "sd2": TEXT_WIDTH_2}[family],
            use_linear_projection=family == "sd2",
        )
    return UNet2DConditionModel(
        **common,
        block_out_channels=(32, 64),
        down_block_types=("DownBlock2D", "CrossAttnDownBlock2D"),
        up_block_types=("CrossAttnUpBlock2D", "UpBlock2D"),
        attention_head_dim=[1, 1],
        transformer_layers_per_block=[1, 2],
        cross_attention_dim=TEXT_WIDTH_2 + (TEXT_WIDTH if family == "sdxl" else 0),
        use_linear_projection=True,
        addition_embed_type="text_time",
        addition_time_embed_dim=TIME_WIDTH,
        projection_class_embeddings_input_dim=TEXT_WIDTH_2 + SIZES[family] * TIME_WIDTH,
    )


def _text_encoder(family: str) -> torch.nn.Module:
    """SD 1.x: CLIP ViT-L. SD 2.x: OpenCLIP ViT-H less its last layer. SDXL: ViT-L."""
    if family == "sd2":
        return CLIPTextModel(_clip(TEXT_WIDTH_2, layers=23, hidden_act="gelu"))
    return CLIPTextModel(_clip(TEXT_WIDTH, layers=2, hidden_act="quick_gelu"))


def _text_encoder_2() -> torch.nn.Module:
    """OpenCLIP ViT-bigG. With ten layers or more tools take a file for SDXL."""
    return CLIPTextModelWithProjection(_clip(TEXT_WIDTH_2, layers=10, hidden_act="gelu"))


def _clip(width: int, layers: int, hidden_act: str) -> CLIPTextConfig:
    return CLIPTextConfig(
        hidden_size=width,
        intermediate_size=4 * width,
        num_hidden_layers=layers,
        num_attention_heads=1,
        projection_dim=width,
        hidden_act=hidden_act,
    )
