"""What the class named in a folder's model_index.json draws, as far as its name tells."""

from __future__ import annotations

from webui.catalog.entry import Family, Variant

NO_PICTURES = (
    "Video", "Animate", "Audio", "Music", "Dance", "Speech", "ShapE", "Allegro", "Latte", "Mochi", "LTX",
    "Wan", "SkyReels", "ToWorld", "I2VGen", "EasyAnimate", "Helios", "ConsisID", "LongCat",
)  # fmt: skip
NO_TEXT = (
    "Upscale", "Variation", "UnCLIP", "Marigold", "Depth2Img", "DDPM", "DDIM", "Prior",
    "Unconditional", "RePaint", "LDMSuperResolution", "ControlNet",
)  # fmt: skip
"""Parts of names. The class for ImageNet's kinds of things is called just DiTPipeline."""


def refusal(pipeline: str) -> str | None:
    """Why a pipeline of that class makes no pictures from text, as what follows its name in a sentence."""
    if not pipeline.endswith("Pipeline"):
        return "which is no pipeline that Darkroom knows"
    if any(part in pipeline for part in NO_PICTURES):
        return "which makes no pictures but films or sound"
    if pipeline == "DiTPipeline" or any(part in pipeline for part in NO_TEXT):
        return "which doesn't draw from text alone"
    return None


def family(pipeline: str) -> Family:
    """The architecture that its class tells; "sd1" stands for SD 2 too, "sdxl" for the refiner too."""
    if pipeline.startswith("StableDiffusionXL"):
        return "sdxl"
    if pipeline.startswith("StableDiffusion3"):
        return "sd3"
    if pipeline.startswith("Flux") and not pipeline.startswith(("Flux2", "Flux3")):
        return "flux"
    plain = ("StableDiffusionPipeline", "StableDiffusionImg2ImgPipeline", "StableDiffusionSafePipeline")
    return "sd1" if pipeline in plain or variant(pipeline) else "other"


def variant(pipeline: str) -> Variant:
    """Which inputs its class tells."""
    if not pipeline.startswith(("StableDiffusion", "Flux")):
        return ""
    if "InstructPix2Pix" in pipeline:
        return "pix2pix"
    return "inpaint" if "Inpaint" in pipeline or "Fill" in pipeline else ""
