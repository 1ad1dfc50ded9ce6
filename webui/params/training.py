"""What a training run is asked for: the Train tab's fields."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from webui.params.noise import MAX_SEED

TrainKind = Literal["LoRA", "Textual inversion"]
Modules = Literal["Attention", "Transformer blocks", "Transformer blocks and convolutions"]
LearningRateSchedule = Literal["Constant", "Cosine"]
RATES: dict[str, float] = {"LoRA": 1e-4, "Textual inversion": 5e-3}
"""The learning rates that are usual."""
NAME = r"^\w[\w .\-]*$"
"""Of a run or a dataset: the name of a file or folder that every system takes."""


class TrainParams(BaseModel):
    """A run that teaches the checkpoint something from a dataset. Its pictures are samples on the way."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    kind: TrainKind = Field(default="LoRA", title="Train", description="What is to be made.")
    name: str = Field(
        min_length=1,
        max_length=100,
        pattern=NAME,
        title="Name",
        description="The file's name, and what is written in prompts.",
    )
    dataset: str = Field(
        min_length=1,
        max_length=100,
        pattern=NAME,
        title="Dataset",
        description="A folder of pictures with captions.",
    )
    trigger: str = Field(
        default="", max_length=200, title="Trigger words", description="Put before every caption."
    )
    steps: int = Field(default=500, ge=1, le=100_000, title="Training steps", description="How long.")
    batch_size: int = Field(
        default=2, ge=1, le=64, title="Training batch size", description="Pictures in each step."
    )
    learning_rate: float = Field(
        default_factory=lambda given: RATES.get(given.get("kind", ""), 1e-4),
        gt=0,
        le=1,
        title="Learning rate",
        description="How far each step goes.",
    )
    lr_scheduler: LearningRateSchedule = Field(
        default="Constant",
        title="Learning rate schedule",
        description="Whether the rate stays, or falls to 0 along a cosine.",
    )
    warmup: int = Field(
        default=0, ge=0, le=100_000, title="Warmup steps", description="Over so many the rate rises."
    )
    min_snr_gamma: float = Field(
        default=0.0,
        ge=0,
        le=20,
        title="Min-SNR gamma",
        description="Limits how much low noise counts (5 is usual). 0: every noise counts the same.",
    )
    rank: int = Field(
        default=8, ge=1, le=320, title="Network rank", description="Of a LoRA: how much it can hold."
    )
    alpha: float = Field(
        default=8.0, gt=0, le=320, title="Network alpha", description="Of a LoRA: its scale is alpha / rank."
    )
    modules: Modules = Field(
        default="Transformer blocks",
        title="Network modules",
        description="Of a LoRA: which of the UNet's layers it changes.",
    )
    train_text_encoder: bool = Field(
        default=False, title="Train text encoder", description="Of a LoRA: the text encoder, too."
    )
    vectors: int = Field(
        default=2, ge=1, le=75, title="Vectors per token", description="Of an embedding: its length."
    )
    initial_text: str = Field(
        default="*", max_length=200, title="Initialization text", description="What an embedding begins as."
    )
    resolution: int = Field(
        default=512,
        ge=64,
        le=2048,
        multiple_of=8,
        title="Resolution",
        description="Pictures are cropped to a square of so many pixels.",
    )
    flip: bool = Field(default=False, title="Flip at random", description="Mirror half of the pictures.")
    caption_dropout: float = Field(
        default=0.05, ge=0, le=1, title="Caption dropout", description="The share of captions left out."
    )
    sample_every: int = Field(
        default=100, ge=0, le=100_000, title="Sample every N steps", description="0: no sample pictures."
    )
    save_every: int = Field(
        default=100, ge=0, le=100_000, title="Save every N steps", description="For going on; 0: at the end."
    )
    resume: bool = Field(
        default=True, title="Resume", description="Go on where a run of that name has stopped."
    )
    seed: int = Field(default=0, ge=0, le=MAX_SEED, title="Training seed", description="Of noise and order.")

    @property
    def told(self) -> dict[str, Any]:
        """What a run can't go on without being the same: all that shapes it but how long it is."""
        return self.model_dump(exclude={"steps", "sample_every", "save_every", "resume"})
