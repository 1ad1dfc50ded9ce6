"""The Stable Diffusion families' parts: from a single file or a diffusers folder to networks.

Networks are built without memory of their own (torch's meta device) and take the mapped weights as they lie
in the file. Only a change of number format or of memory layout copies them, once.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import partial
from pathlib import Path

from torch import nn

from webui.catalog.entry import ModelFile
from webui.engine import original
from webui.engine.weights import WeightsError, load_folder, load_with_shapes

Maker = Callable[[], nn.Module]


def makers(file: ModelFile) -> dict[str, Maker]:
    """Part -> what builds it, for a checkpoint. Nothing is read before a maker is called."""
    family = file.identity.family
    if file.folder:
        return {part: partial(_from_folder, file.path / part, part) for part in original.PARTS[family]}
    return {part: partial(_from_file, file.path, part, family) for part in original.PARTS[family]}


def vae_maker(file: ModelFile, family: str) -> Maker:
    """What builds the VAE in a file of its own, to be used with a checkpoint of `family`."""
    return partial(original.vae_alone, file.path, family)


def _from_file(file: Path, part: str, family: str) -> nn.Module:
    # Each part maps the file for itself: a mapping is given back as a whole, once nothing is left of it.
    own, shapes = load_with_shapes(file, lambda name: original.part_of(name, family) == part)
    if not own:
        raise WeightsError(f"its file holds no {part.replace('_', ' ')}")
    config = original.configs(family, shapes)[part]
    return original.fill(original.build(part, config), original.convert(part, family, own, config), part)


def _from_folder(folder: Path, part: str) -> nn.Module:
    config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    network = original.build(part, config)
    return original.fill(network, original.renamed(network, load_folder(folder)), part)
