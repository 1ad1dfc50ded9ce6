"""What draws, and what is changed about it."""

from __future__ import annotations

from pydantic import BaseModel, Field


class ModelParams(BaseModel):
    """Checkpoints by name, and options of their networks."""

    checkpoint: str = Field(
        default="", title="Checkpoint", description="The model that draws; empty: the default one."
    )
    vae: str = Field(
        default="Automatic",
        title="SD VAE",
        description="What makes a picture of latents. Automatic: the file beside the checkpoint or its own.",
    )
    clip_skip: int = Field(
        default=1,
        ge=1,
        le=12,
        title="Clip skip",
        description="Which of the text encoder's last layers to listen to; 1: the last. Anime models want 2.",
    )
    step_cache: int = Field(
        default=1,
        ge=1,
        le=5,
        title="Step cache",
        description="Compute the UNet's deep layers each Nth step only: faster, with other details. 1: off.",
    )
    token_merging_ratio: float = Field(
        default=0.0,
        ge=0,
        le=0.9,
        title="Token merging ratio",
        description="How many alike parts of a picture are computed as one: faster, coarser. 0: off.",
    )
    refiner_checkpoint: str = Field(
        default="", title="Refiner", description="A second checkpoint that finishes the picture. Empty: none."
    )
    refiner_switch_at: float = Field(
        default=0.8,
        gt=0,
        le=1,
        title="Switch at",
        description="The share of the way at which the refiner takes over. 1: never.",
    )
    tiling: bool = Field(
        default=False, title="Tiling", description="A picture whose edges meet, to be repeated as a pattern."
    )
    freeu: bool = Field(
        default=False,
        title="FreeU",
        description="Weighs the UNet's parts anew: often more contrast and fewer errors, at no cost.",
    )
    freeu_b1: float = Field(
        default=1.01, ge=0, le=2, title="FreeU B1", description="Weight of the deepest features."
    )
    freeu_b2: float = Field(
        default=1.02, ge=0, le=2, title="FreeU B2", description="Weight of the features one level up."
    )
    freeu_s1: float = Field(
        default=0.99, ge=0, le=4, title="FreeU S1", description="Weight of the deepest skip connections."
    )
    freeu_s2: float = Field(
        default=0.95, ge=0, le=4, title="FreeU S2", description="Weight of the skip connections one level up."
    )
