"""Models that diffusers' own pipelines draw with, from folders and from single files."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import torch
from torch import nn

from webui.catalog.entry import ModelFile
from webui.engine.general import folders, single
from webui.engine.general.beside import Beside
from webui.engine.general.kinds import Pipeline


def parts(file: ModelFile, beside: Beside | None = None) -> Mapping[str, Callable[[torch.dtype], nn.Module]]:
    """For each network of the model, by diffusers' name, what loads it on the CPU in a number format.

    `beside`: where to look for what a single file lacks. The network is never asked.

    Raises:
        EngineError: something is missing; the text says what, and where it goes. Loading may raise it, too.
    """
    return folders.parts(file) if file.folder else single.parts(file, beside or Beside())


def build(file: ModelFile, modules: dict[str, nn.Module], beside: Beside | None = None) -> Pipeline:
    """The pipeline around `modules` (from `parts`), which are used as they are: not copied, cast or moved.

    Raises:
        EngineError: a tokenizer or an optional package is missing.
    """
    return folders.build(file, modules) if file.folder else single.build(file, modules, beside or Beside())
