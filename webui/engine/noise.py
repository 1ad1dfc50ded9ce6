"""The noise a checkpoint was trained on, and what it predicts: from its files and from what people set."""

from __future__ import annotations

import json
from typing import Any

import numpy as np

from webui.catalog.entry import ModelFile, Prediction
from webui.engine.original import configs_of
from webui.engine.samplers.schedules import NoiseTable


def noise_of(file: ModelFile) -> tuple[NoiseTable, Prediction]:
    """The noise table and the prediction type of a checkpoint.

    What a person set comes first, then what the file tells, then the scheduler's config.

    Raises:
        ValueError: the scheduler's config asks for something unknown, or tells of other noise than betas.
    """
    config = _scheduler(file)
    zero_snr = config.get("rescale_betas_zero_snr", False) if file.zero_snr is None else file.zero_snr
    table = _table(config)
    prediction = file.prediction or config.get("prediction_type", "epsilon")
    if prediction not in ("epsilon", "v_prediction"):
        raise ValueError(f'its scheduler config says prediction_type "{prediction}", which is unknown')
    return table.to_zero_terminal_snr() if zero_snr else table, prediction


def _scheduler(file: ModelFile) -> dict[str, Any]:
    """The folder's config; the family's for single files, and for folders that lack it."""
    told = file.path / "scheduler" / "scheduler_config.json"
    if not (file.folder and told.is_file()):
        return configs_of(file.identity.family)["scheduler"]
    config = json.loads(told.read_text(encoding="utf-8"))
    if not isinstance(config, dict):
        raise ValueError("its scheduler config holds no JSON object")
    return config


def _table(config: dict[str, Any]) -> NoiseTable:
    if str(config.get("_class_name")).startswith("EDM") or "sigma_data" in config:
        raise ValueError("it was trained in the EDM formulation, which Darkroom can't draw with")
    if trained := config.get("trained_betas"):
        return NoiseTable(np.cumprod(1 - np.asarray(trained, dtype=np.float64)))
    if "beta_start" not in config or "beta_end" not in config:
        raise ValueError("its scheduler config lacks beta_start or beta_end, which tell the noise it knows")
    kind = config.get("beta_schedule", "scaled_linear")
    makers = {"scaled_linear": NoiseTable.scaled_linear, "linear": NoiseTable.linear}
    if kind not in makers:
        raise ValueError(f'its scheduler config says beta_schedule "{kind}", which is unknown')
    return makers[kind](config["beta_start"], config["beta_end"], config.get("num_train_timesteps", 1000))
