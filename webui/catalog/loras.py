"""LoRAs and their relatives, by the names that their trainers give."""

from __future__ import annotations

from webui.catalog.entry import Family, Identity
from webui.catalog.headers import Header
from webui.infotext.pairs import clean

MARKS = (
    ".lora_down.", ".lora_up.", ".lora_A.", ".lora_B.", ".lora.down.", ".lora.up.", "_lora.down.",
    "_lora.up.", ".hada_w1_a", ".hada_w2_a", ".lokr_w1", ".lokr_w2", ".oft_blocks", ".oft_diag",
    ".dora_scale", ".on_input", ".diff_b", "lycoris_",
)  # fmt: skip
"""kohya's, PEFT's and diffusers' LoRA; LyCORIS' LoHa, LoKr, OFT, IA3, GLoRA and full; DoRA."""
METADATA: tuple[tuple[str, Family], ...] = (
    ("flux", "flux"),
    ("sd3", "sd3"),
    ("stable-diffusion-3", "sd3"),
    ("xl", "sdxl"),
    ("sd_v2", "sd2"),
    ("stable-diffusion-v2", "sd2"),
    ("sd_v1", "sd1"),
    ("stable-diffusion-v1", "sd1"),
)
"""Parts of `ss_base_model_version` (kohya's trainer) and `modelspec.architecture`."""
ALIAS = "ss_output_name"
LONGEST = 200
"""Letters of an alias."""
CONTEXT: dict[int, Family] = {768: "sd1", 1024: "sd2", 2048: "sdxl"}
CROSS_ATTENTION = (
    "attn2_to_k.lora_down.weight", "attn2.to_k.lora_down.weight", "attn2.to_k.lora_A.weight",
    "attn2.to_k.lora.down.weight", "attn2.processor.to_k_lora.down.weight", "attn2_to_k.hada_w1_b",
)  # fmt: skip
SDXL = (
    "label_emb", "add_embedding", "input_blocks_4_1_transformer_blocks_1_",
    "attentions_0_transformer_blocks_1_", "attentions.0.transformer_blocks.1.",
)  # fmt: skip
"""Modules that SD 1 and 2 don't have: sizes embedded, and more than one layer in a transformer."""


def lora(header: Header) -> Identity | None:
    """A LoRA of any make."""
    if not header.under("lora_unet_", "lora_te", "lora_prior_") and not header.within(*MARKS):
        return None
    alias = " ".join(clean(header.metadata.get(ALIAS, "")[:LONGEST]).split())
    return Identity("lora", _family(header), has_vae=False, has_text_encoder=False, alias=alias)


def _family(header: Header) -> Family:
    if header.within("double_blocks", "single_transformer_blocks", "single_blocks"):
        return "flux"
    if header.within("joint_blocks", ".add_k_proj", "_add_k_proj"):
        return "sd3"
    if header.under("lora_te1_", "lora_te2_", "text_encoder_2.") or header.within(*SDXL):
        return "sdxl"
    told = " ".join(
        header.metadata.get(key, "") for key in ("ss_base_model_version", "modelspec.architecture")
    )
    for part, family in METADATA:
        if part in told.lower():
            return family
    return CONTEXT.get(next(iter(header.first(*CROSS_ATTENTION)[1:]), 0), "")
