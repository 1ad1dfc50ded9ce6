"""Which networks go with which checkpoints, from what their headers tell. Nothing here reads a disk."""

from __future__ import annotations

from webui.catalog.catalog import Catalog
from webui.catalog.entry import CLASSIC, Family, Kind, ModelFile

STEERING: tuple[Kind, ...] = ("controlnet", "t2i-adapter", "ip-adapter")
"""The kinds of models that ControlNet units may name."""
NAMES: dict[Family, str] = {
    "sd1": "SD 1.x",
    "sd2": "SD 2.x",
    "sdxl": "SDXL",
    "sdxl-refiner": "SDXL's refiner",
    "sd3": "SD 3",
    "flux": "Flux",
    "other": "another family",
    "": "an unknown family",
}
KINDS = {
    "controlnet": "ControlNet",
    "t2i-adapter": "T2I-Adapter",
    "ip-adapter": "IP-Adapter",
    "lora": "LoRA",
    "embedding": "embedding",
}


def control_models(catalog: Catalog) -> list[ModelFile]:
    """All that ControlNet units may name, the unusable ones too."""
    return [file for kind in STEERING for file in catalog.files(kind)]


def steerable(checkpoint: ModelFile) -> str | None:
    """Why `checkpoint` can't be steered by control images, in a sentence; None: it can."""
    family = checkpoint.identity.family
    if family in CLASSIC and family != "sdxl-refiner":
        return None
    return (
        f'"{checkpoint.name}" is {NAMES[family]}, which control images can\'t steer here. '
        "Choose a checkpoint of SD 1.x, SD 2.x or SDXL."
    )


def goes_with(model: ModelFile, checkpoint: ModelFile) -> str | None:
    """Why `model` (a ControlNet, an adapter, a LoRA) can't be used with `checkpoint`; None: it can be.

    What isn't told by the one or the other is taken to go.
    """
    steers = model.kind in STEERING
    return (
        model.problem
        or (steerable(checkpoint) if steers else None)
        or _family(model, checkpoint)
        or _width(model, checkpoint)
    )


def _family(model: ModelFile, checkpoint: ModelFile) -> str | None:
    mine, theirs = model.identity.family, checkpoint.identity.family
    if not mine or mine == theirs:
        return None
    return (
        f'The {_kind(model)} "{model.name}" is for {NAMES[mine]}, and "{checkpoint.name}" is '
        f"{NAMES[theirs]}. Choose one for {NAMES[theirs]}."
    )


def _width(model: ModelFile, checkpoint: ModelFile) -> str | None:
    """Small models are of the same family, but narrower."""
    mine, theirs = model.identity, checkpoint.identity
    pairs = ((mine.context, theirs.context), (mine.channels, theirs.channels))
    if all(one == other or not one or not other for one, other in pairs):
        return None
    return (
        f'The {_kind(model)} "{model.name}" was made for a UNet of another width than that of '
        f'"{checkpoint.name}". Choose one that was made for that.'
    )


def _kind(model: ModelFile) -> str:
    return KINDS.get(model.kind, "network")
