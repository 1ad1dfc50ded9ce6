"""Configs of networks in single files, told from the shapes of their weights.

So pruned, deepened and future sizes of a family load like those that were published first.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

Shapes = Mapping[str, tuple[int, ...]]
"""The shape of each tensor, by name."""

HEAD = 64
"""Width of an attention head in CLIP and SD 3."""


def count(shapes: Shapes, prefix: str) -> int:
    """How many blocks there are whose names go on with a number behind `prefix`."""
    numbers = {name.removeprefix(prefix).split(".")[0] for name in shapes if name.startswith(prefix)}
    return len(numbers)


def pooled_width(shapes: Shapes) -> int:
    """How wide the pooled text is that a transformer takes, in any layout.

    Raises:
        KeyError: the weight isn't there; of all that follow, too.
    """
    names = ("vector_in.in_layer.weight", "y_embedder.mlp.0.weight")
    return _first(shapes, "time_text_embed.text_embedder.linear_1.weight", *names)[1]


def text_width(shapes: Shapes) -> int:
    """How wide each token of the text is that a transformer takes, in any layout."""
    return _first(shapes, "context_embedder.weight", "txt_in.weight")[1]


def _first(shapes: Shapes, *names: str) -> tuple[int, ...]:
    return next((shapes[name] for name in names if name in shapes), ()) or shapes[names[0]]


def flux(shapes: Shapes) -> dict[str, Any]:
    """Arguments of FluxTransformer2DModel, from diffusers' names."""
    width, channels = shapes["x_embedder.weight"]
    head = shapes["transformer_blocks.0.attn.norm_q.weight"][0]
    return {
        "patch_size": 1,
        "in_channels": channels,
        "num_layers": count(shapes, "transformer_blocks."),
        "num_single_layers": count(shapes, "single_transformer_blocks."),
        "attention_head_dim": head,
        "num_attention_heads": width // head,
        "joint_attention_dim": text_width(shapes),
        "pooled_projection_dim": pooled_width(shapes),
        "guidance_embeds": "time_text_embed.guidance_embedder.linear_1.weight" in shapes,
        # Rotary positions: index, row and column share a head's width.
        "axes_dims_rope": (head // 8, head * 7 // 16, head * 7 // 16),
    }


def sd3(shapes: Shapes) -> dict[str, Any]:
    """Arguments of SD3Transformer2DModel, from diffusers' names."""
    width, channels, patch, _ = shapes["pos_embed.proj.weight"]
    depth = count(shapes, "transformer_blocks.")
    normed = shapes.get("transformer_blocks.0.attn.norm_q.weight")
    head = normed[0] if normed else HEAD
    dual = tuple(n for n in range(depth) if f"transformer_blocks.{n}.attn2.to_q.weight" in shapes)
    return {
        "sample_size": 128,
        "patch_size": patch,
        "in_channels": channels,
        "out_channels": channels,
        "num_layers": depth,
        "attention_head_dim": head,
        "num_attention_heads": width // head,
        "joint_attention_dim": text_width(shapes),
        "caption_projection_dim": shapes["context_embedder.weight"][0],
        "pooled_projection_dim": pooled_width(shapes),
        "pos_embed_max_size": round(shapes["pos_embed.pos_embed"][1] ** 0.5),
        "qk_norm": "rms_norm" if normed else None,
        "dual_attention_layers": dual,
    }


def clip(shapes: Shapes) -> dict[str, Any]:
    """Arguments of CLIPTextConfig, from Hugging Face's names."""
    vocabulary, width = shapes["text_model.embeddings.token_embedding.weight"]
    layers = "text_model.encoder.layers."
    projection = shapes.get("text_projection.weight", (width, width))
    return {
        "vocab_size": vocabulary,
        "hidden_size": width,
        "intermediate_size": shapes[f"{layers}0.mlp.fc1.weight"][0],
        "num_hidden_layers": count(shapes, layers),
        "num_attention_heads": max(1, width // HEAD),
        "max_position_embeddings": shapes["text_model.embeddings.position_embedding.weight"][0],
        "projection_dim": projection[0],
        # OpenAI's CLIP, the narrow one, approximates GELU; OpenCLIP's don't.
        "hidden_act": "quick_gelu" if width <= 768 else "gelu",
        "bos_token_id": vocabulary - 2,
        "eos_token_id": vocabulary - 1,
    }


def t5(shapes: Shapes) -> dict[str, Any]:
    """Arguments of T5Config, from Hugging Face's names; of the encoder alone."""
    query, width = shapes["encoder.block.0.layer.0.SelfAttention.q.weight"]
    buckets, heads = shapes["encoder.block.0.layer.0.SelfAttention.relative_attention_bias.weight"]
    embedding = shapes.get("shared.weight") or shapes["encoder.embed_tokens.weight"]
    gated = "encoder.block.0.layer.1.DenseReluDense.wi_0.weight"
    return {
        "vocab_size": embedding[0],
        "d_model": width,
        "d_kv": query // heads,
        "d_ff": shapes[gated][0],
        "num_heads": heads,
        "num_layers": count(shapes, "encoder.block."),
        "relative_attention_num_buckets": buckets,
        "feed_forward_proj": "gated-gelu",
        "is_encoder_decoder": False,
        "use_cache": False,
    }


def vae(shapes: Shapes, scaling: float, shift: float) -> dict[str, Any]:
    """Arguments of AutoencoderKL for SD 3 and Flux, from the first release's names or from diffusers'."""
    first = count(shapes, "encoder.down.") > 0
    blocks, layer = ("encoder.down.", "block.") if first else ("encoder.down_blocks.", "resnets.")
    depth = count(shapes, blocks)
    widths = [shapes[f"{blocks}{n}.{layer}0.conv1.weight"][0] for n in range(depth)]
    return {
        "in_channels": 3,
        "out_channels": 3,
        "down_block_types": ("DownEncoderBlock2D",) * depth,
        "up_block_types": ("UpDecoderBlock2D",) * depth,
        "block_out_channels": tuple(widths),
        "layers_per_block": count(shapes, f"{blocks}0.{layer}"),
        "latent_channels": shapes["decoder.conv_in.weight"][1],
        "norm_num_groups": min(32, *widths),
        "sample_size": 1024,
        "scaling_factor": scaling,
        "shift_factor": shift,
        "use_quant_conv": False,
        "use_post_quant_conv": False,
        "force_upcast": True,
    }
