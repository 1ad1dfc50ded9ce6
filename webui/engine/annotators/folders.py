"""Networks in transformers' folder format: config.json and .safetensors, read without running any code."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
import transformers
from torch import nn
from transformers.utils import logging

from webui.engine.annotators.needs import CONFIG, MAX_JSON
from webui.engine.weights import WeightsError

MAX_NUMBER, MAX_LAYERS, MAX_ITEMS = 2**16, 256, 1024
"""What a config may ask for at most; larger numbers would only cost memory and time."""
LAYERS = ("layer", "depth")
CODE = ("attn_implementation", "experts_implementation", "auto_map", "quantization")
"""Parts of names of what could have other code fetched and run."""
LABELS = ("id2label", "label2id")


def model_type(folder: Path) -> str:
    """What the folder's config says that it is; "" if there is none."""
    try:
        told = _read(folder)
    except (OSError, ValueError, RecursionError):
        return ""
    return str(told.get("model_type", ""))


def load_network(folder: Path, kinds: Mapping[str, str]) -> nn.Module:
    """The network in a folder. `kinds`: transformers' class for each model type that may be.

    Raises:
        WeightsError: the folder is damaged, or holds another network.
        OSError: it can't be read.
    """
    try:
        told = _read(folder)
        kind: Any = getattr(transformers, kinds[str(told.get("model_type"))])
        config = kind.config_class.from_dict(_checked(told))
        logging.disable_progress_bar()
        network, info = kind.from_pretrained(
            folder,
            config=config,
            local_files_only=True,
            use_safetensors=True,
            dtype=torch.float32,
            output_loading_info=True,
        )
    except (WeightsError, OSError, MemoryError):
        raise
    except Exception as error:  # transformers raises all kinds for a config that doesn't fit
        reason = str(error).strip().partition("\n")[0][:200] or type(error).__name__
        raise WeightsError(f"its folder is damaged ({reason})") from error
    if missing := sorted(info["missing_keys"]):
        raise WeightsError(f"its file lacks {len(missing)} of the weights, {missing[0]} for one")
    return network.eval().requires_grad_(False)


def _read(folder: Path) -> dict[str, Any]:
    with (folder / CONFIG).open("rb") as stream:
        told = json.loads(stream.read(MAX_JSON))
    if not isinstance(told, dict):
        raise ValueError(f"{CONFIG} does not hold a JSON object")
    return told


def _checked(told: dict[str, Any]) -> dict[str, Any]:
    """The config without what could run code.

    Raises:
        WeightsError: it asks for a network beyond all measure.
    """
    kept = {
        name: value
        for name, value in told.items()
        if name not in LABELS and not any(part in name for part in CODE)
    }
    if labels := told.get("id2label"):
        kept["num_labels"] = len(labels)
    return {name: _value(name, value) for name, value in kept.items()}


def _value(name: str, value: Any) -> Any:  # noqa: ANN401
    if isinstance(value, dict):
        return _checked(value)
    if isinstance(value, list):
        if len(value) > MAX_ITEMS:
            raise WeightsError(f"its config holds far too many {name}")
        return [_value(name, each) for each in value]
    limit = MAX_LAYERS if any(part in name for part in LAYERS) else MAX_NUMBER
    if isinstance(value, (int, float)) and not -limit <= value <= limit:
        raise WeightsError(f"its config asks for {name} = {value}, which no such network needs")
    return value
