"""ControlNets, T2I-Adapters and their relatives, by the names and shapes of their tensors."""

from __future__ import annotations

from webui.catalog.entry import Family, Identity, Kind, Layout, Variant
from webui.catalog.headers import Header

HINTS = ("input_hint_block.0.weight", "control_model.input_hint_block.0.weight")
"""The first layer that sees the map, in the original layout, and below in diffusers'."""
DIFFUSERS_HINT = "controlnet_cond_embedding.conv_in.weight"
COLOURS = 3
XL_UNSHUFFLE = 16
"""SDXL's T2I-Adapters look at blocks of so many pixels on a side; those of SD 1.x at half of that."""
REFUSED = {
    "ctrl_to_base": "is a ControlNet-XS, which Darkroom can't use. Get a ControlNet of the same kind.",
    "control_to_base": "is a ControlNet-XS, which Darkroom can't use. Get a ControlNet of the same kind.",
    "motion_modules.": "is a SparseCtrl model, which steers films; Darkroom makes none.",
}
"""Parts of names that only these relatives have."""


def control(header: Header) -> Identity | None:
    """What steers a UNet by a map: a ControlNet, a Control-LoRA, a T2I-Adapter, or what can't be used."""
    recognisers = (_lllite, _control_lora, _transformers, _controlnet, _adapter, _style)
    return next(filter(None, (recogniser(header) for recogniser in recognisers)), None)


def _identity(
    kind: Kind, family: Family, layout: Layout = "", variant: Variant = "", problem: str | None = None
) -> Identity:
    return Identity(kind, family, variant, layout, has_vae=False, has_text_encoder=False, problem=problem)


def _lllite(header: Header) -> Identity | None:
    if not header.under("lllite_"):
        return None
    problem = "is a ControlNet-LLLite, which Darkroom can't use. Get a ControlNet of the same kind."
    return _identity("controlnet", "sdxl", problem=problem)


def _control_lora(header: Header) -> Identity | None:
    """Stability AI's: a ControlNet as low-rank differences from the UNet that it is used with."""
    if not header.has("lora_controlnet"):
        return None
    return _identity("controlnet", _family(header), "original", "control-lora", _unseen(header))


def _transformers(header: Header) -> Identity | None:
    """ControlNets of Flux and SD 3."""
    if not header.under("controlnet_x_embedder.", "controlnet_blocks."):
        return None
    flux = header.under("single_transformer_blocks.") or header.has("controlnet_x_embedder.weight")
    family, name = ("flux", "Flux") if flux else ("sd3", "SD 3")
    problem = f"steers {name}, which Darkroom can't do: it steers SD 1.x, SD 2.x and SDXL."
    return _identity("controlnet", family, "diffusers", problem=problem)


def _controlnet(header: Header) -> Identity | None:
    original = header.under("control_model.", "input_hint_block.")
    if not original and not header.under("controlnet_cond_embedding."):
        return None
    problem = next((text for part, text in REFUSED.items() if header.within(part)), None) or _unseen(header)
    if header.has("difference"):
        problem = "holds differences from SD 1.5 and no whole ControlNet. Get the ControlNet itself."
    variant: Variant = "union" if header.under("control_add_embedding.") else ""
    return _identity("controlnet", _family(header), "original" if original else "diffusers", variant, problem)


def _unseen(header: Header) -> str | None:
    """Why the maps that it wants can't be given to it."""
    hint = header.shape(*HINTS, DIFFUSERS_HINT)
    if len(hint) != 4 or hint[1] == COLOURS:
        return None
    return f"wants maps of {hint[1]} channels; Darkroom gives pictures in {COLOURS} colours."


def _family(header: Header) -> Family:
    """SDXL's are told sizes; SD 2's projections are linear, of two dimensions."""
    if header.under("add_embedding.", "label_emb.", "control_model.label_emb."):
        return "sdxl"
    projection = header.first(".proj_in.weight", ".proj_in.down")
    return "sd2" if len(projection) == 2 else "sd1"


def _adapter(header: Header) -> Identity | None:
    """TencentARC's T2I-Adapters, full and light, in their own names or in diffusers'."""
    original = header.has("body.0.block1.weight", "body.0.body.0.block1.weight")
    diffusers = header.under("adapter.body.", "body.0.resnets.0.block1.")
    if not original and not diffusers:
        return None
    return _identity("t2i-adapter", _adapter_family(header), "diffusers" if diffusers else "original")


def _adapter_family(header: Header) -> Family:
    entrance = header.shape("conv_in.weight", "adapter.conv_in.weight")
    if len(entrance) != 4:
        return "sd1"  # light ones, which are SD 1.x's
    return "sdxl" if entrance[1] in (XL_UNSHUFFLE**2, COLOURS * XL_UNSHUFFLE**2) else "sd1"


def _style(header: Header) -> Identity | None:
    if header.has("style_embedding"):
        problem = "is a T2I style adapter, which Darkroom can't use. An IP-Adapter does the same better."
    elif header.under("transformer_layes.", "task_embedding."):
        problem = "joins T2I-Adapters (CoAdapter fuser), which Darkroom does without: use several units."
    else:
        return None
    return _identity("t2i-adapter", "sd1", problem=problem)
