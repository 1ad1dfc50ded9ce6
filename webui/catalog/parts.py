"""Parts of models: VAEs, text encoders, IP-Adapters, embeddings, hypernetworks."""

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


def ip_adapter(header: Header) -> Identity | None:
    """An IP-Adapter: base, plus, full-face; or one that is given a face's measures, which can't be used."""
    if not header.under("ip_adapter."):
        return None
    matrix = header.first(".to_k_ip.weight")
    context = matrix[1] if len(matrix) == 2 else 0
    deep = header.has("image_proj.proj.0.weight") and header.has("image_proj.norm.weight")
    by_face = deep or header.has("image_proj.perceiver_resampler.proj_in.weight")
    problem = (
        "is a FaceID IP-Adapter, which needs insightface's face recognition. Take one without FaceID, such "
        "as plus-face."
    )
    found = _part("ip-adapter", WIDTHS.get(context, ""), problem=problem if by_face else None)
    return replace(found, context=context)


def embedding(header: Header) -> Identity | None:
    """A textual inversion: A1111's .pt, its .safetensors form, SDXL's pair, or diffusers' single vector."""
    if header.under("string_to_param."):
        return _taught(header, next(name for name in header.tensors if name.startswith("string_to_param.")))
    if header.has("clip_g") and header.has("clip_l"):
        return _taught(header, "clip_l", "clip_g")
    if header.has("emb_params"):
        return _taught(header, "emb_params")
    first = next(iter(header.tensors))
    single = len(header.tensors) == 1 and 1 <= len(header.shape(first)) <= 2
    if single and not first.endswith((".weight", ".bias")):
        return _taught(header, first)
    return None


def _taught(header: Header, *names: str) -> Identity:
    """An embedding whose vectors for each text encoder are the tensors of these names."""
    shapes = [header.shape(name) for name in names]
    width = sum(shape[-1] for shape in shapes if shape)
    vectors = shapes[0][0] if len(shapes[0]) > 1 else 1
    return replace(_part("embedding", WIDTHS.get(width, "")), context=width, vectors=vectors)


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
    return None


def image_encoder(header: Header) -> Identity | None:
    """CLIP's image encoder alone, by transformers' or OpenCLIP's names: what IP-Adapters see with."""
    if header.under("vision_model.encoder.layers.", "visual.transformer.resblocks."):
        return _part("clip-vision")
    return None
