"""Which files hold a component's weights in a folder of diffusers' format."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

STEMS = ("diffusion_pytorch_model", "model")
"""diffusers' name and transformers' name."""
VARIANTS = ("", "fp16", "bf16", "fp32")
PICKLES = (".bin", ".ckpt", ".pt")


@dataclass(frozen=True)
class Weights:
    """The .safetensors files of one component; several where they are cut into shards, in order."""

    files: tuple[Path, ...]
    variant: str = ""
    """What `from_pretrained(variant=...)` wants to hear: "fp16" for `model.fp16.safetensors`."""


def find_weights(component: Path) -> Weights | None:
    """The weights in the folder `component`, the full ones before their variants; None if there are none.

    A list of shards counts only if every shard is there.
    """
    for variant in VARIANTS:
        for stem in STEMS:
            file = component / _named(stem, variant, "safetensors")
            if file.is_file():
                return Weights((file,), variant)
            for index in _indexes(stem, variant):
                if shards := _shards(component / index):
                    return Weights(shards, variant)
    return None


def without_weights(component: Path) -> str:
    """What a person is to know of a component without usable weights, as an end of a sentence."""
    try:
        names = sorted(entry.name for entry in component.iterdir())
    except OSError:
        names = []
    if any("safetensors.index" in name for name in names):
        return f"shards of {component.name}'s weights are missing"
    if pickle := next((name for name in names if name.endswith(PICKLES)), None):
        return f"{component.name} has its weights in {pickle} only; convert them to .safetensors"
    expected = "model" if component.name.startswith("text_encoder") else STEMS[0]
    return f"{component.name}/{expected}.safetensors is missing"


def _named(stem: str, variant: str, ending: str) -> str:
    return ".".join(filter(None, (stem, variant, ending)))


def _indexes(stem: str, variant: str) -> tuple[str, ...]:
    """Both spellings: of diffusers and transformers now, and of diffusers before."""
    now = _named(stem, "safetensors.index", f"{variant}.json" if variant else "json")
    return (now, _named(stem, variant, "safetensors.index.json")) if variant else (now,)


def _shards(index: Path) -> tuple[Path, ...]:
    try:
        names = sorted(set(json.loads(index.read_text(encoding="utf-8"))["weight_map"].values()))
        shards = tuple(index.parent / name for name in names)
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return ()
    inside = all(shard.parent == index.parent and shard.is_file() for shard in shards)
    return shards if inside else ()
