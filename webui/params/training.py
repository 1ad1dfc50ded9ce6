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
NAME_WISH = 'may hold letters, digits, spaces, ".", "-" and "_", and begins with a letter or digit'
"""The same in words, to be put after what it is called."""


class TrainParams(BaseModel):
    """A run that teaches the checkpoint something from a dataset. Its pictures are samples on the way."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    kind: TrainKind = Field(
        default="LoRA",
        title="Train",
        description="A LoRA for a style, a thing or a person; a textual inversion is tiny and learns less.",
    )
    name: str = Field(
        min_length=1,
        max_length=100,
        pattern=NAME,
        title="Name",
        description="What the file is called; with it you ask for what was learned in prompts.",
    )
    dataset: str = Field(
        min_length=1,
        max_length=100,
        pattern=NAME,
        title="Dataset",
        description="A folder of pictures with captions.",
    )
    trigger: str = Field(
        default="",
        max_length=200,
        title="Trigger words",
        description="One or two rare words that are to stand for it; they are put before every caption.",
    )
    steps: int = Field(
        default=500,
        ge=1,
        le=100_000,
        title="Training steps",
        description="How long it learns: if it shows too little, ask for more; too many copy your pictures.",
    )
    batch_size: int = Field(
        default=2,
        ge=1,
        le=64,
        title="Training batch size",
        description="Pictures looked at in each step: more is steadier, slower and needs more memory.",
    )
    learning_rate: float = Field(
        default_factory=lambda given: RATES.get(given.get("kind", ""), 1e-4),
        gt=0,
        le=1,
        title="Learning rate",
        description="How far each step goes: lower it if samples turn to noise, raise it if nothing shows.",
    )
    lr_scheduler: LearningRateSchedule = Field(
        default="Constant",
        title="Learning rate schedule",
        description="Cosine lets the learning rate fall to 0 at the end, which often looks cleaner.",
    )
    warmup: int = Field(
        default=0,
        ge=0,
        le=100_000,
        title="Warmup steps",
        description="So many steps the learning rate takes to rise to its value; 0 is fine for most.",
    )
    min_snr_gamma: float = Field(
        default=0.0,
        ge=0,
        le=20,
        title="Min-SNR gamma",
        description="Try 5 if fine detail is learned before the whole: low noise then counts less. 0: off.",
    )
    rank: int = Field(
        default=8,
        ge=1,
        le=320,
        title="Network rank",
        description="How much the LoRA can hold: 4 to 16 for one thing or style, more makes a larger file.",
    )
    alpha: float = Field(
        default=8.0,
        gt=0,
        le=320,
        title="Network alpha",
        description="How strongly it learns: the same as the rank is safe, half of it is gentler.",
    )
    modules: Modules = Field(
        default="Transformer blocks",
        title="Network modules",
        description="Which parts of the model it changes: the middle one suits most, convolutions a style.",
    )
    train_text_encoder: bool = Field(
        default=False,
        title="Train text encoder",
        description="Also learn what the words mean: helps with new names, and overdoes it sooner.",
    )
    vectors: int = Field(
        default=2,
        ge=1,
        le=75,
        title="Vectors per token",
        description="How much the new word can hold: 2 to 8; it takes the room of so many in a prompt.",
    )
    initial_text: str = Field(
        default="*",
        max_length=200,
        title="Initialization text",
        description='A word that comes close, such as "cat": the new one begins as that. *: as nothing much.',
    )
    resolution: int = Field(
        default=512,
        ge=64,
        le=2048,
        multiple_of=8,
        title="Resolution",
        description="Pictures get as many pixels as a square of this side: less is faster, and loses detail.",
    )
    buckets: bool = Field(
        default=True,
        title="Enable buckets",
        description="Pictures keep nearly all of their shape; off: they are cropped to squares.",
    )
    flip: bool = Field(
        default=False,
        title="Flip at random",
        description="Mirror half of the pictures, as if there were more; not for faces or writing.",
    )
    caption_dropout: float = Field(
        default=0.05,
        ge=0,
        le=1,
        title="Caption dropout",
        description="The share of captions left out, so that it shows without words, too; 0.05 is usual.",
    )
    sample_every: int = Field(
        default=100,
        ge=0,
        le=100_000,
        title="Sample every N steps",
        description="How often a sample picture is drawn, which takes time. 0: never.",
    )
    save_every: int = Field(
        default=100,
        ge=0,
        le=100_000,
        title="Save every N steps",
        description="How often all is kept, for going on after a crash. 0: at the end only.",
    )
    resume: bool = Field(
        default=True,
        title="Resume",
        description="Go on where a run of that name has stopped. Off: begin anew, and replace what it made.",
    )
    seed: int = Field(
        default=0,
        ge=0,
        le=MAX_SEED,
        title="Training seed",
        description="Another number gives another chance with all else the same; it seldom matters.",
    )

    @property
    def told(self) -> dict[str, Any]:
        """What a run can't go on without being the same: all that shapes it but how long it is."""
        return self.model_dump(exclude={"steps", "sample_every", "save_every", "resume"})
