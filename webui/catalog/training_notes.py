"""What a network's file tells of its training: kohya's `ss_...` metadata, and modelspec's.

Formats: https://github.com/kohya-ss/sd-scripts (train_network.py), https://github.com/Stability-AI/ModelSpec
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from webui.catalog.headers import Header, HeaderError, read_header
from webui.infotext.pairs import clean

MAX_TAGS = 500
MAX_VALUE = 300
MAX_COUNT = 10**9
MAX_JSON = 2**22
TOLD = {
    "Title": ("modelspec.title", "ss_output_name"),
    "Author": ("modelspec.author",),
    "Trigger": ("modelspec.trigger_phrase",),
    "Usage": ("modelspec.usage_hint",),
    "Network": ("ss_network_module",),
    "Rank": ("ss_network_dim",),
    "Alpha": ("ss_network_alpha",),
    "Base model": ("ss_sd_model_name", "ss_base_model_version", "modelspec.architecture"),
    "Resolution": ("ss_resolution", "modelspec.resolution"),
    "Clip skip": ("ss_clip_skip",),
    "Pictures": ("ss_num_train_images",),
    "Steps": ("ss_steps",),
    "Epochs": ("ss_epoch", "ss_num_epochs"),
    "Learning rate": ("ss_unet_lr", "ss_learning_rate"),
    "Comment": ("ss_training_comment",),
    "Licence": ("modelspec.license",),
}
"""Title -> the keys that tell it; the first that says something counts."""
SAYS_NOTHING = ("", "None", "null")
DOWN = (".lora_down.weight", ".lora_A.weight", ".lora.down.weight", "_lora.down.weight")
VECTORS = ("emb_params", "clip_l", "clip_g", "*")


@dataclass(frozen=True)
class TrainingNotes:
    """Titles and values to show, and the tags of the training pictures, the most frequent first."""

    facts: tuple[tuple[str, str], ...] = ()
    tags: tuple[tuple[str, int], ...] = ()


def read_training_notes(file: Path) -> TrainingNotes:
    """What the header of `file` tells; nothing where it can't be read."""
    try:
        header = read_header(file)
    except (HeaderError, OSError):
        return TrainingNotes()
    facts = {title: _told(header.metadata, keys) for title, keys in TOLD.items()}
    facts["Rank"] = facts["Rank"] or _rank(header)
    facts["Vectors"] = _vectors(header)
    shown = tuple((title, value) for title, value in facts.items() if value)
    return TrainingNotes(shown, tuple(_tags(header.metadata).most_common(MAX_TAGS)))


def _told(metadata: Mapping[str, str], keys: tuple[str, ...]) -> str:
    values = (" ".join(clean(metadata.get(key, "")[: 2 * MAX_VALUE]).split()) for key in keys)
    return next((value[:MAX_VALUE] for value in values if value not in SAYS_NOTHING), "")


def _rank(header: Header) -> str:
    """The ranks of a LoRA's modules, smallest and largest."""
    ranks = {info.shape[0] for name, info in header.tensors.items() if name.endswith(DOWN) and info.shape}
    if not ranks:
        return ""
    return str(min(ranks)) if len(ranks) == 1 else f"{min(ranks)} to {max(ranks)}"


def _vectors(header: Header) -> str:
    """How many tokens an embedding takes of the prompt."""
    shapes = (info.shape for name, info in header.tensors.items() if name.rpartition(".")[2] in VECTORS)
    rows = next((shape[0] if len(shape) > 1 else 1 for shape in shapes), 0)
    return str(rows or "")


def _tags(metadata: Mapping[str, str]) -> Counter[str]:
    """How often each tag was in the captions, over all of the dataset's folders."""
    found = Counter[str]()
    for folder in _mapping(metadata.get("ss_tag_frequency", "")).values():
        for tag, count in _pairs(folder):
            found[tag] += count
    return found


def _mapping(text: str) -> dict[str, Any]:
    try:
        told = json.loads(text) if 0 < len(text) <= MAX_JSON else None
    except (ValueError, RecursionError):
        return {}
    return told if isinstance(told, dict) else {}


def _pairs(folder: object) -> Iterator[tuple[str, int]]:
    for tag, count in folder.items() if isinstance(folder, dict) else ():
        named = " ".join(clean(str(tag)).split())[:MAX_VALUE]
        if named and isinstance(count, int | float) and 1 <= count < MAX_COUNT:
            yield named, int(count)
