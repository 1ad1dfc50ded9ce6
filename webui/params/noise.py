"""Where a picture's noise comes from."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, Field

MAX_SEED = 2**53 - 1  # the largest whole number that JavaScript keeps exactly

RandomSource = Literal["CPU", "GPU", "NV"]


class NoiseParams(BaseModel):
    """Seeds, and what makes noise of them."""

    seed: int = Field(
        default=-1,
        ge=-1,
        le=MAX_SEED,
        title="Seed",
        description="The same seed gives the same picture; -1: a random one.",
    )
    subseed: int = Field(
        default=-1,
        ge=-1,
        le=MAX_SEED,
        title="Variation seed",
        description="The seed of a second noise to mix in; -1: a random one.",
    )
    subseed_strength: float = Field(
        default=0.0,
        ge=0,
        le=1,
        title="Variation strength",
        description="How much of the variation seed's noise is mixed in. 0: none; 1: it alone.",
    )
    seed_resize_from_w: int = Field(
        default=0,
        ge=-1,
        le=8192,
        title="Resize seed from width",
        description="Keep the composition that the seed gives at this width. 0: off.",
    )
    seed_resize_from_h: int = Field(
        default=0,
        ge=-1,
        le=8192,
        title="Resize seed from height",
        description="Keep the composition that the seed gives at this height. 0: off.",
    )
    rng: RandomSource = Field(
        default="CPU",
        title="Random number generator source",
        description="CPU: the same on every machine. NV, GPU: the noise of NVIDIA GPUs, A1111's default.",
    )
    ensd: int = Field(
        default=0,
        ge=-MAX_SEED,
        le=MAX_SEED,
        title="Eta noise seed delta",
        description="Added to the seed for the noise of ancestral samplers. 31337 for NovelAI's pictures.",
    )
