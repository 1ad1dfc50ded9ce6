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
        ValueError: the scheduler's config asks for something unknown.
    """
    config = _scheduler(file)
    zero_snr = config.get("rescale_betas_zero_snr", False) if file.zero_snr is None else file.zero_snr
    alphas = np.cumprod(1 - _betas(config))
    table = NoiseTable.zero_terminal_snr(alphas) if zero_snr else NoiseTable(alphas)
    prediction = file.prediction or config.get("prediction_type", "epsilon")
    if prediction not in ("epsilon", "v_prediction"):
        raise ValueError(f'its scheduler config says prediction_type "{prediction}", which is unknown')
    return table, prediction


def _scheduler(file: ModelFile) -> dict[str, Any]:
    if not file.folder:
        return configs_of(file.identity.family)["scheduler"]
    return json.loads((file.path / "scheduler" / "scheduler_config.json").read_text(encoding="utf-8"))


def _betas(config: dict[str, Any]) -> Any:  # noqa: ANN401
    if trained := config.get("trained_betas"):
        return np.asarray(trained, dtype=np.float64)
    start, end = config["beta_start"], config["beta_end"]
    count = config.get("num_train_timesteps", 1000)
    kind = config.get("beta_schedule", "scaled_linear")
    if kind == "scaled_linear":
        return np.linspace(start**0.5, end**0.5, count) ** 2
    if kind == "linear":
        return np.linspace(start, end, count)
    raise ValueError(f'its scheduler config says beta_schedule "{kind}", which is unknown')
