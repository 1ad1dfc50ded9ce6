"""What is drawn with: checkpoints, and UNets and transformers alone."""

from __future__ import annotations

from webui.catalog.entry import CLASSIC, COMPLETED, Family, Identity, Kind, Variant
from webui.catalog.headers import Header

PREFIXES = ("model.diffusion_model.", "diffusion_model.", "")
"""Before a backbone's names: in checkpoints, in some files that are saved from them, and alone."""
CLASSIC_TEXT_ENCODERS = ("cond_stage_model.", "conditioner.")
TEXT_ENCODERS = ("cond_stage_model.", "conditioner.", "text_encoders.", "text_encoder.", "te.")
VAES = ("first_stage_model.", "vae.")
VARIANTS: dict[int, Variant] = {4: "", 9: "inpaint", 8: "pix2pix"}
FLUX_TOOLS = {384: "Flux Fill model, which fills in a", 128: "Flux Depth or Canny model, which follows a"}
"""BFL's models that take a picture beside the latents, by their input channels."""
QUANTIZED = {
    "scaled fp8": (".scale_weight", ".weight_scale"),
    "bitsandbytes' 4 or 8 bits": (".absmax", ".SCB"),
    "Nunchaku's 4 bits": (".qweight",),
}
"""Ways of packing weights, by the endings of what lies beside them, that SD 3 and Flux can't be read in."""

OTHERS = {
    "Flux 2": ("single_stream_modulation.lin.weight",),
    "Flux 3": ("early_stream_modulations.image.lin.weight",),
    "Chroma": ("distilled_guidance_layer.in_proj.bias",),
    "HiDream": ("double_stream_blocks.0.block.adaLN_modulation.1.bias",),
    "AuraFlow": ("double_layers.0.attn.w1q.weight",),
    "Z-Image": ("layers.0.adaLN_modulation.0.weight",),
    "Lumina": ("cap_embedder.0.weight",),
    "Sana": ("blocks.0.cross_attn.q_linear.weight",),
    "Qwen-Image": ("txt_in.text_norm.weight", "transformer_blocks.0.img_mlp.net.0.proj.weight"),
    "Krea 2": ("txtfusion.projector.weight",),
    "Stable Cascade": ("clip_txt_mapper.weight", "down_blocks.1.0.channelwise.0.weight"),
    "PixArt": ("t_block.1.weight", "adaln_single.linear.weight"),
    "Kolors": ("encoder_hid_proj.weight",),
}
"""Tensors that only these architectures have, less the prefix; from diffusers' single_file_utils."""
VIDEO = {
    "LTX-Video": ("patchify_proj.weight",),
    "Mochi": ("blocks.0.attn.qkv_x.weight",),
    "HunyuanVideo": ("txt_in.individual_token_refiner.blocks.0.adaLN_modulation.1.bias",),
    "Wan": ("head.modulation",),
    "Cosmos": ("net.x_embedder.proj.1.weight",),
}


def video(header: Header) -> Identity | None:
    """A model that makes films."""
    if header.within("motion_modules.", "temporal_transformer."):
        return Identity("other", problem="is an AnimateDiff motion module; Darkroom makes no films.")
    for name, marks in VIDEO.items():
        if any(header.has(prefix + mark) for prefix in PREFIXES for mark in marks):
            return Identity(
                "diffusion-model", "other", problem=f"is a {name} model; Darkroom makes no films."
            )
    return None


def backbone(header: Header) -> Identity | None:
    """A checkpoint, or a UNet or transformer alone, in the original or in diffusers' layout."""
    for prefix in PREFIXES:
        if found := _other(header, prefix) or _original(header, prefix):
            return found
    return _diffusers(header)


def _other(header: Header, prefix: str) -> Identity | None:
    for name, marks in OTHERS.items():
        if header.has(*(prefix + mark for mark in marks)):
            problem = f"is a {name} model, which Darkroom reads only in diffusers' folder format."
            return _whole(header, prefix, "other", problem=problem)
    return None


def _original(header: Header, prefix: str) -> Identity | None:
    if header.under(f"{prefix}joint_blocks."):
        return _whole(header, prefix, "sd3", problem=_packed(header, prefix))
    if header.under(f"{prefix}double_blocks.") and header.has(f"{prefix}img_in.weight"):
        variant, problem = _flux_inputs(header.shape(f"{prefix}img_in.weight"))
        return _whole(header, prefix, "flux", variant, problem or _packed(header, prefix))
    entrance = header.shape(f"{prefix}input_blocks.0.0.weight")
    if len(entrance) != 4 or not header.under(f"{prefix}output_blocks."):
        return None
    variant, problem = _inputs(entrance[1])
    if header.under("noise_augmentor."):
        problem = "is an unCLIP model, which draws from pictures and not from text."
    return _whole(header, prefix, _unet_family(header, prefix), variant, problem)


def _inputs(channels: int) -> tuple[Variant, str | None]:
    """The variant that takes so many input channels, or why none does."""
    if channels in VARIANTS:
        return VARIANTS[channels], None
    return (
        "",
        f"takes {channels} input channels (a depth or upscaling model), which Darkroom can't draw with.",
    )


def _flux_inputs(entrance: tuple[int, ...]) -> tuple[Variant, str | None]:
    """The variant that a Flux transformer's first matrix tells, and why none is drawn with."""
    channels = entrance[1] if len(entrance) == 2 else 0
    tool = FLUX_TOOLS.get(channels)
    problem = f"is a {tool} given picture; Darkroom draws from text alone." if tool else None
    return "inpaint" if channels == 384 else "", problem


def _packed(header: Header, prefix: str) -> str | None:
    """Why the weights behind `prefix` can't be read, if they can't."""
    names = [name for name in header.tensors if name.startswith(prefix)]
    for packing, endings in QUANTIZED.items():
        if any(name.endswith(endings) for name in names):
            return f"is in {packing}, which Darkroom can't read yet. Get it in bf16, fp16 or plain fp8."
    return None


def _whole(
    header: Header, prefix: str, family: Family, variant: Variant = "", problem: str | None = None
) -> Identity:
    has_vae = header.under(*VAES)
    has_text_encoder = header.under(*(CLASSIC_TEXT_ENCODERS if family in CLASSIC else TEXT_ENCODERS))
    whole = prefix and (has_vae or has_text_encoder)
    if whole and family in CLASSIC and not has_text_encoder:
        problem = problem or "holds no text encoder. Get the whole checkpoint."
    kind: Kind = "checkpoint" if whole or family in COMPLETED else "diffusion-model"
    return Identity(
        kind,
        family,
        variant,
        "original",
        has_vae=has_vae,
        has_text_encoder=has_text_encoder,
        problem=problem,
    )


def _unet_family(header: Header, prefix: str) -> Family:
    """SDXL alone is told its size (label_emb); SD 2 alone has a linear proj_in, of two dimensions."""
    if header.under("conditioner.embedders.1."):
        return "sdxl"
    if header.under("conditioner.embedders.0.model."):
        return "sdxl-refiner"
    if header.under(f"{prefix}label_emb."):
        return _xl(header.first(".attn2.to_k.weight"))
    if header.under("cond_stage_model.model."):
        return "sd2"
    if header.under("cond_stage_model.transformer."):
        return "sd1"
    return "sd2" if len(header.first(".proj_in.weight")) == 2 else "sd1"


def _xl(context: tuple[int, ...]) -> Family:
    return "sdxl-refiner" if context[1:] == (1280,) else "sdxl"


def _diffusers(header: Header) -> Identity | None:
    if header.has("conv_in.weight") and header.under("down_blocks.0.resnets.") and header.under("time_emb"):
        return _diffusers_unet(header)
    if not header.under("transformer_blocks.0."):
        return None
    if header.under("time_text_embed.text_embedder."):
        if header.under("single_transformer_blocks.") and header.has("x_embedder.weight"):
            variant, problem = _flux_inputs(header.shape("x_embedder.weight"))
            return _alone("flux", variant, problem or _packed(header, ""))
        if header.has("transformer_blocks.0.attn.add_k_proj.weight") and header.under("pos_embed."):
            return _alone("sd3", problem=_packed(header, ""))
    return _alone("other", problem="is a transformer of a family that Darkroom doesn't know.")


def _diffusers_unet(header: Header) -> Identity:
    variant, problem = _inputs(header.shape("conv_in.weight")[1])
    if header.under("add_embedding."):
        family = _xl(header.first(".attn2.to_k.weight"))
    else:
        family = "sd2" if len(header.first(".proj_in.weight")) == 2 else "sd1"
    return _alone(family, variant, problem)


def _alone(family: Family, variant: Variant = "", problem: str | None = None) -> Identity:
    return Identity(
        "checkpoint" if family in COMPLETED else "diffusion-model",
        family,
        variant,
        "diffusers",
        has_vae=False,
        has_text_encoder=False,
        problem=problem,
    )
