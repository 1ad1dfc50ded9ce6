"""Settings: what the Settings tab edits, kept in a file, in force from the next job on."""

from __future__ import annotations

import json
import logging
import threading
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

log = logging.getLogger(__name__)

Choice = Literal["Automatic", "On", "Off"]


class Settings(BaseModel):
    """Everything that can be set while the server runs. `title` and `description` are the page's."""

    model_config = ConfigDict(frozen=True, extra="ignore", allow_inf_nan=False)

    precision: Literal["Automatic", "fp16", "bf16", "fp32"] = Field(
        default="Automatic",
        title="Precision",
        description="Automatic: half precision on a GPU, on a CPU what a trial showed to be best.",
    )
    channels_last: Choice = Field(
        default="Automatic",
        title="Channels last",
        description="The order of weights in memory. Automatic: what a short trial showed to be quicker.",
    )
    attention: Literal["Automatic", "xformers", "SDPA", "Sliced"] = Field(
        default="Automatic",
        title="Cross attention optimization",
        description="xformers needs a GPU; Sliced is slower and rarely needs less memory.",
    )
    compile_blocks: bool = Field(
        default=False,
        title="Compile the UNet's blocks",
        description="torch.compile: the first picture of each size takes a minute longer, others are faster.",
    )
    memory_mode: Literal["Automatic", "Keep all loaded", "Model offload", "Group offload"] = Field(
        default="Automatic",
        title="VRAM use",
        description="Model offload keeps only the part that works on the GPU, group offload a few layers.",
    )
    fp8_storage: Choice = Field(
        default="Automatic",
        title="fp8 weights",
        description="Keep weights in 8 bits and compute in 16: half the memory, slightly other pictures.",
    )
    vae_tiling: Choice = Field(
        default="Automatic",
        title="VAE tiling",
        description="Decode large pictures in tiles. Automatic: where memory would not suffice otherwise.",
    )
    ram_budget: float | None = Field(
        default=None,
        ge=0,
        le=4096,
        title="RAM for models, GiB",
        description="Beyond it loaded models are let go, the longest unused first. Empty: by what there is.",
    )
    vram_budget: float | None = Field(
        default=None,
        ge=0,
        le=4096,
        title="VRAM for models, GiB",
        description="The same for the GPU's memory. Empty: by what there is.",
    )
    lora_cache: float = Field(
        default=1.0,
        ge=0,
        le=64,
        title="RAM for LoRAs, GiB",
        description="LoRAs that have been read are kept, so that switching back to one takes no time.",
    )
    idle_unload: int = Field(
        default=0,
        ge=0,
        le=100_000,
        title="Unload after idle minutes",
        description="Let loaded models go when nothing has been drawn for so long; 0: never.",
    )
    preload: bool = Field(
        default=True,
        title="Preload the next job's checkpoint",
        description="Read it from disk while the current job draws.",
    )
    train_turn: int = Field(
        default=30,
        ge=0,
        le=100_000,
        title="A training's turn, seconds",
        description="While other jobs wait, training pauses for them so often. 0: it runs to its end.",
    )
    control_net_unit_count: int = Field(
        default=3,
        ge=1,
        le=10,
        title="Multi-ControlNet: ControlNet unit number",
        description="How many ControlNet units the tabs have. In force after the page is loaded anew.",
    )
    ESRGAN_tile: int = Field(
        default=192,
        ge=0,
        le=2048,
        title="Tile size for upscalers",
        description="Pixels on a side of what a network enlarges at once: less takes less memory. 0: all.",
    )
    ESRGAN_tile_overlap: int = Field(
        default=8,
        ge=0,
        le=256,
        title="Tile overlap for upscalers",
        description="Pixels around each tile that its neighbours see, too. Too few show as seams.",
    )
    samples_format: Literal["png", "jpg", "webp", "avif"] = Field(
        default="png",
        title="File format for images",
        description="PNG keeps every pixel. All of them carry the infotext.",
    )
    grid_format: Literal["png", "jpg", "webp", "avif"] = Field(
        default="png", title="File format for grids", description="Of scripts such as X/Y/Z plot."
    )
    jpeg_quality: int = Field(
        default=80,
        ge=1,
        le=100,
        title="Quality for saved jpeg, webp and avif images",
        description="Higher: larger files, nearer to the picture.",
    )
    webp_lossless: bool = Field(
        default=False,
        title="Use lossless compression for webp images",
        description="Every pixel as it was drawn, in a smaller file than PNG.",
    )
    enable_pnginfo: bool = Field(
        default=True,
        title="Write infotext to metadata of the generated image",
        description="Prompt and settings travel in the file, for anyone who has it.",
    )
    save_txt: bool = Field(
        default=False,
        title="Create a text file with infotext next to every generated image",
        description="The same text, beside the picture.",
    )
    keep_inputs_days: int = Field(
        default=30,
        ge=0,
        le=100_000,
        title="Keep uploaded pictures for days",
        description="At the start those are removed that no job has used for so long. 0: none.",
    )
    t5_tokenizer: str = Field(
        default="",
        title="T5 tokenizer folder",
        description=(
            "For SD 3 and Flux in single files: a folder with T5's tokenizer.json. "
            "Empty: the one from the Models tab."
        ),
    )


class SettingsStore:
    """The settings and their file. Thread-safe; what is read is a value that never changes."""

    def __init__(self, file: Path) -> None:
        self._file = file
        self._lock = threading.Lock()
        self._settings = _read(file)

    def get(self) -> Settings:
        """The settings as they are now."""
        return self._settings

    def update(self, changes: dict[str, Any]) -> Settings:
        """Change some fields and keep them.

        Raises:
            ValidationError: a value can't be used; nothing has been changed.
            OSError: the file can't be written; nothing has been changed.
        """
        with self._lock:
            settings = Settings.model_validate({**self._settings.model_dump(), **changes})
            unfinished = self._file.with_suffix(".part")
            self._file.parent.mkdir(parents=True, exist_ok=True)
            unfinished.write_text(settings.model_dump_json(indent=2), encoding="utf-8")
            unfinished.replace(self._file)
            self._settings = settings
        return settings


def _read(file: Path) -> Settings:
    try:
        kept = json.loads(file.read_text(encoding="utf-8"))
        if not isinstance(kept, dict):
            raise ValueError("it holds no JSON object")
    except FileNotFoundError:
        return Settings()
    except (OSError, ValueError, RecursionError) as error:
        log.warning("%s can't be used, so that everything is as at first: %s", file, error)
        return Settings()
    return _usable(kept, file)


def _usable(kept: dict[str, Any], file: Path) -> Settings:
    """The settings that `kept` tells, less what can't be used."""
    try:
        return Settings.model_validate(kept)
    except ValidationError as error:
        reasons = {str(told["loc"][0]): told["msg"] for told in error.errors() if told["loc"]}
    for name, reason in reasons.items():
        log.warning("%s tells a %s that can't be used, so that it is as at first: %s", file, name, reason)
    return Settings.model_validate({name: value for name, value in kept.items() if name not in reasons})
