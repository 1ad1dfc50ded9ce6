"""What lies beside a checkpoint and may stand in for what it lacks."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from webui.catalog.entry import ModelFile


@dataclass(frozen=True)
class Beside:
    """Where to find what a single file lacks."""

    text_encoders: tuple[ModelFile, ...] = ()
    """All that there are (clip_l, clip_g, t5xxl); those that fit are told by their weights' shapes."""
    vae: ModelFile | None = None
    """Decodes instead of the file's own."""
    t5_tokenizer: Path | None = None
    """A folder with T5's tokenizer.json or spiece.model."""
