"""Control networks as parts of the cache: what is to be had, for which checkpoint, and what makes it."""

from __future__ import annotations

import json
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import torch
from torch import nn

from webui.catalog.entry import ModelFile
from webui.catalog.headers import read_header
from webui.engine import classic, original
from webui.engine.control.controlnets import control_lora, controlnet
from webui.engine.control.t2i_adapters import t2i_adapter
from webui.engine.held import Form, Wanted
from webui.engine.lending import wanted_beside
from webui.engine.parts import DISK_BYTES, in_form

KINDS = ("controlnet", "t2i-adapter")
"""The kinds of files that steer by residuals."""
POOLED = "shuffle"
"""In the name of a ControlNet that follows what its picture holds, wherever. Its weights don't tell."""


def wanted_of(file: ModelFile, checkpoint: ModelFile, form: Form, device: torch.device) -> Wanted:
    """The network of `file` as it is to be used with `checkpoint`, held like its UNet, which has `form`.

    Raises (when it is made):
        EngineError: it can't be loaded, or doesn't fit; the text says why.
    """
    form = replace(form, fp8=False, compiled=False, streamed=form.streamed and _streams(file))
    own = wanted_beside(file, file.kind, partial(_made, file, checkpoint, form.dtype), form)

    def make(form: Form) -> nn.Module:
        return in_form(own.make(form), form, device)

    # The same file gives another network to a UNet with other heads or, for a Control-LoRA, other weights.
    stamp = hash((own.key.stamp, checkpoint.path, checkpoint.size, checkpoint.modified))
    return replace(
        own,
        key=replace(own.key, stamp=stamp),
        make=make,
        size=partial(size_of, file, checkpoint, form.dtype.itemsize),
    )


def _streams(file: ModelFile) -> bool:
    """Whether its layers can go to the GPU one by one: a ControlNet Union reads some without calling them."""
    return file.kind == "controlnet" and file.identity.variant != "union"


def _made(file: ModelFile, checkpoint: ModelFile, dtype: torch.dtype, path: Path) -> nn.Module:
    if file.kind == "t2i-adapter":
        return t2i_adapter(path)
    if file.identity.variant == "control-lora":
        return control_lora(path, classic.makers(checkpoint)["unet"](), dtype)
    return controlnet(path, unet_config(checkpoint), pooled=POOLED in file.stem.lower())


def unet_config(checkpoint: ModelFile) -> dict[str, Any]:
    """The config of a checkpoint's UNet."""
    if checkpoint.folder:
        return json.loads((checkpoint.path / "unet" / "config.json").read_text(encoding="utf-8"))
    # The catalog's way to look into a file: no weight is read.
    shapes = {name: tensor.shape for name, tensor in read_header(checkpoint.path).tensors.items()}
    return original.configs(checkpoint.identity.family, shapes)["unet"]


def size_of(file: ModelFile, checkpoint: ModelFile, itemsize: int) -> int:
    """About how many bytes the network of `file` takes, with numbers of `itemsize` bytes.

    A Control-LoRA makes a ControlNet of the UNet's first half.
    """
    if file.identity.variant == "control-lora":
        return checkpoint.size // 3 * itemsize // DISK_BYTES.get(checkpoint.identity.dtype, 2)
    return file.size * itemsize // DISK_BYTES.get(file.identity.dtype, 2)
