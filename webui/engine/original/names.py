"""Which network a weight of a file in the original layout belongs to, and what it is called there."""

from __future__ import annotations

from functools import lru_cache

from webui.catalog.backbones import PREFIXES as UNET_PREFIXES
from webui.catalog.backbones import VAES as VAE_PREFIXES

PARTS: dict[str, tuple[str, ...]] = {
    "sd1": ("text_encoder", "unet", "vae"),
    "sd2": ("text_encoder", "unet", "vae"),
    "sdxl": ("text_encoder", "text_encoder_2", "unet", "vae"),
    "sdxl-refiner": ("text_encoder_2", "unet", "vae"),
}
"""Family -> the networks its checkpoints hold."""

TEXT_PREFIXES: dict[str, dict[str, str]] = {
    "sd1": {"cond_stage_model.transformer.": "text_encoder"},
    "sd2": {"cond_stage_model.model.": "text_encoder"},
    "sdxl": {
        "conditioner.embedders.0.transformer.": "text_encoder",
        "conditioner.embedders.1.model.": "text_encoder_2",
    },
    "sdxl-refiner": {"conditioner.embedders.0.model.": "text_encoder_2"},
}
UNET = ("input_blocks.", "middle_block.", "output_blocks.", "time_embed.", "label_emb.", "out.")
VAE = ("encoder.", "decoder.", "quant_conv.", "post_quant_conv.")
CLIP = ("embeddings.", "encoder.", "final_layer_norm.")
OPEN_CLIP = ("token_embedding.", "positional_embedding", "transformer.", "ln_final.", "text_projection")
"""What names begin with inside their network, as first released: OpenAI's CLIP and OpenCLIP."""


def is_open_clip(part: str, family: str) -> bool:
    """Whether a family's text encoder is named as in OpenCLIP, and not as in transformers."""
    return part == "text_encoder_2" or family == "sd2"


def part_of(key: str, family: str) -> str | None:
    """The network that a weight of the file belongs to; None if it isn't needed.

    Not needed are averages kept for training (EMA), noise tables, losses, position numbers and such. A UNet
    or a VAE alone in its file may go without the prefix it has in checkpoints.
    """
    found = _split(key, family)
    return found[0] if found else None


def own_name(key: str, family: str) -> str:
    """The name of a weight inside its network, for a key that `part_of` knows."""
    found = _split(key, family)
    if not found:
        raise ValueError(f"{key} belongs to no part of a checkpoint of the family {family}")
    return found[1]


@lru_cache(2**15)  # the same few thousand names are asked for at each switch
def _split(key: str, family: str) -> tuple[str, str] | None:
    for prefix, part in TEXT_PREFIXES[family].items():
        if key.startswith(prefix):
            return _text(part, key.removeprefix(prefix), family)
    if name := _within(key, UNET_PREFIXES, UNET):
        return "unet", name
    name = _within(key, (*VAE_PREFIXES, ""), VAE)
    return ("vae", name) if name else None


def _within(key: str, prefixes: tuple[str, ...], names: tuple[str, ...]) -> str | None:
    """What follows one of `prefixes` in `key`, if it begins with one of `names`."""
    found = (key.removeprefix(prefix) for prefix in prefixes if key.startswith(prefix))
    return next((name for name in found if name.startswith(names)), None)


def _text(part: str, name: str, family: str) -> tuple[str, str] | None:
    # Some SD 1.x files leave "text_model." out.
    name = name.removeprefix("text_model.")
    known = OPEN_CLIP if is_open_clip(part, family) else CLIP
    return (part, name) if name.startswith(known) and not name.endswith("position_ids") else None
