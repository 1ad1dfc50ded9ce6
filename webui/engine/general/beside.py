"""What lies beside a checkpoint and may stand in for what it lacks, and where a network's weights lie."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import nn

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


@dataclass(frozen=True)
class Making:
    """What loads a network in a number format, from the file `path`; `count`: how many numbers it has."""

    path: Path
    count: int
    make: Callable[[torch.dtype], nn.Module]

    def __call__(self, dtype: torch.dtype) -> nn.Module:
        """The network, on the CPU."""
        return self.make(dtype)
