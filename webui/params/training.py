"""What a training run is asked for: the Train tab's fields."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from webui.params.noise import MAX_SEED

TrainKind = Literal["LoRA", "Textual inversion"]


class TrainParams(BaseModel):
    """A run that teaches the checkpoint something from a dataset. Its pictures are samples on the way."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    kind: TrainKind = Field(default="LoRA", title="Train", description="What is to be made.")
    name: str = Field(
        min_length=1,
        max_length=100,
        pattern=r"^[\w][\w .\-]*$",
        title="Name",
        description="The file's name, and what is written in prompts.",
    )
    dataset: str = Field(
        min_length=1, max_length=200, title="Dataset", description="A folder of pictures with captions."
    )
    trigger: str = Field(
        default="", max_length=200, title="Trigger words", description="Put before every caption."
    )
    steps: int = Field(default=500, ge=1, le=100_000, title="Training steps", description="How long.")
    batch_size: int = Field(
        default=2, ge=1, le=64, title="Training batch size", description="Pictures in each step."
    )
    learning_rate: float = Field(
        default=1e-4, gt=0, le=1, title="Learning rate", description="How far each step goes."
    )
    rank: int = Field(
        default=8, ge=1, le=320, title="Network rank", description="Of a LoRA: how much it can hold."
    )
    alpha: float = Field(
        default=8.0, gt=0, le=320, title="Network alpha", description="Of a LoRA: its scale is alpha / rank."
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
