"""Parts of models: VAEs, text encoders, ControlNets, adapters, embeddings, hypernetworks."""

from __future__ import annotations

import re
from dataclasses import replace

from webui.catalog.entry import Family, Identity, Kind, Layout
from webui.catalog.headers import Header

HYPERNETWORK = re.compile(r"\d+\.[01]\.linear")
WIDTHS: dict[int, Family] = {768: "sd1", 1024: "sd2", 1280: "sdxl", 2048: "sdxl"}
VAE_MIDDLES = (
    "first_stage_model.encoder.mid.block_1.",
    "first_stage_model.decoder.mid.block_1.",
    "encoder.mid.block_1.",
    "decoder.mid.block_1.",
)


def _part(kind: Kind, family: Family = "", layout: Layout = "", problem: str | None = None) -> Identity:
    vae, encoder = kind == "vae", kind == "text-encoder"
    return Identity(kind, family, "", layout, has_vae=vae, has_text_encoder=encoder, problem=problem)


def controlnet(header: Header) -> Identity | None:
    """A ControlNet in the original or in diffusers' layout."""
    if header.under("control_model.input_hint_block.", "input_hint_block.", "control_model.input_blocks."):
        return _part("controlnet", _control_family(header, "label_emb."), "original")
    if header.under("controlnet_cond_embedding."):
        return _part("controlnet", _control_family(header, "add_embedding."), "diffusers")
    if header.under("controlnet_x_embedder.", "controlnet_blocks."):
        return _part("controlnet", "flux" if header.under("single_transformer_blocks.") else "", "diffusers")
    return None


def _control_family(header: Header, size_embedding: str) -> Family:
    if header.under(size_embedding, f"control_model.{size_embedding}"):
        return "sdxl"
    return "sd2" if len(header.first(".proj_in.weight")) == 2 else "sd1"


def adapter(header: Header) -> Identity | None:
    """A T2I-Adapter or an IP-Adapter."""
    if header.under("ip_adapter.") or header.has("image_proj.proj.weight", "image_proj.latents"):
        context = header.first("to_k_ip.weight")[1:]
        return _part("ip-adapter", WIDTHS.get(context[0], "") if context else "")
    if header.under("adapter.body.", "body.0.block1.") or header.has("body.0.resnets.0.block1.weight"):
        return _part("t2i-adapter", layout="diffusers" if header.under("adapter.") else "original")
    return None


def embedding(header: Header) -> Identity | None:
    """A textual inversion: A1111's .pt, its .safetensors form, SDXL's pair, or diffusers' single vector."""
    if header.under("string_to_param."):
        return _part("embedding", _width(header, next(iter(header.tensors))))
    if header.has("clip_g") and header.has("clip_l"):
        return _part("embedding", "sdxl")
    if header.has("emb_params"):
        return _part("embedding", _width(header, "emb_params"))
    first = next(iter(header.tensors))
    single = len(header.tensors) == 1 and 1 <= len(header.shape(first)) <= 2
    if single and not first.endswith((".weight", ".bias")):
        return _part("embedding", _width(header, first))
    return None


def _width(header: Header, name: str) -> Family:
    shape = header.shape(name)
    return WIDTHS.get(shape[-1], "") if shape else ""


def hypernetwork(header: Header) -> Identity | None:
    """A1111's hypernetwork: a pair of small networks for each width of the UNet's context."""
    return _part("hypernetwork") if any(map(HYPERNETWORK.match, header.tensors)) else None


def vae(header: Header) -> Identity | None:
    """A VAE alone, in the original layout (with or without its prefix in checkpoints) or in diffusers'."""
    if header.under(*VAE_MIDDLES):
        return _vae(header, "original")
    if header.under("decoder.mid_block.resnets.") and header.has("decoder.conv_in.weight"):
        films = len(header.shape("decoder.conv_in.weight")) == 5
        problem = "is the VAE of a video model; Darkroom makes no films." if films else None
        return _vae(header, "diffusers", problem)
    if header.has("decoder.layers.2.conv.0.weight"):
        return _part("other", problem="is a TAESD preview decoder, which Darkroom has no need of.")
    return None


def _vae(header: Header, layout: Layout, problem: str | None = None) -> Identity:
    entrance = header.shape("decoder.conv_in.weight", "first_stage_model.decoder.conv_in.weight")
    channels = entrance[1] if len(entrance) == 4 else 0
    return replace(_part("vae", layout=layout, problem=problem), latent_channels=channels)


def text_encoder(header: Header) -> Identity | None:
    """A text encoder alone: CLIP (transformers' or OpenCLIP's names), T5, or a language model."""
    clip = (
        "text_model.encoder.layers.",
        "text_model.embeddings.",
        "embeddings.token_embedding.",
        "transformer.resblocks.",
    )
    t5 = ("encoder.block.0.layer.0.SelfAttention.", "model.layers.0.self_attn.")
    if header.under(*clip, *t5) or header.within(".transformer.text_model.embeddings."):
        return _part("text-encoder")
    if header.under("vision_model.", "visual."):
        return _part("other", problem="is a CLIP vision encoder, which Darkroom doesn't use.")
    return None
