"""What a trained network's file tells of itself: kohya's `ss_...` keys and modelspec's.

Formats: https://github.com/kohya-ss/sd-scripts (train_network.py), https://github.com/Stability-AI/ModelSpec
"""

from __future__ import annotations

import json
import time
from collections import Counter

from webui.catalog.entry import Prediction
from webui.engine.protocol import Training
from webui.training.runs import MARK, Card

VERSIONS = {"sd1": "sd_v1", "sd2": "sd_v2", "sdxl": "sdxl_base_v1-0", "sdxl-refiner": "sdxl_base_v1-0"}
ARCHITECTURES = {
    "sd1": "stable-diffusion-v1",
    "sd2": "stable-diffusion-v2-768-v",
    "sdxl": "stable-diffusion-xl-v1-base",
    "sdxl-refiner": "stable-diffusion-xl-v1-refiner",
}


def metadata_of(training: Training, card: Card, prediction: Prediction) -> dict[str, str]:
    """The header of the file that `training` makes, in which everything is text."""
    train, file = training.train, training.order.checkpoint
    family, lora = file.identity.family, train.kind == "LoRA"
    told: dict[str, object] = {
        MARK: card.id,
        "ss_output_name": train.name,
        "ss_base_model_version": VERSIONS[family],
        "ss_sd_model_name": file.name,
        "ss_v2": family == "sd2",
        "ss_num_train_images": len(training.pictures),
        "ss_steps": card.step,
        "ss_max_train_steps": train.steps,
        "ss_learning_rate": train.learning_rate,
        "ss_lr_scheduler": train.lr_scheduler.lower(),
        "ss_batch_size_per_device": train.batch_size,
        "ss_resolution": f"({train.resolution}, {train.resolution})",
        "ss_enable_bucket": train.buckets,
        "ss_caption_dropout_rate": train.caption_dropout,
        "ss_clip_skip": training.order.params.clip_skip,
        "ss_seed": train.seed,
        "ss_tag_frequency": json.dumps({train.dataset: _tags(training)}),
        "modelspec.sai_model_spec": "1.0.0",
        "modelspec.architecture": f"{ARCHITECTURES[family]}/{'lora' if lora else 'textual-inversion'}",
        "modelspec.title": train.name,
        "modelspec.date": time.strftime("%Y-%m-%dT%H:%M:%S"),
        "modelspec.prediction_type": "v" if prediction == "v_prediction" else "epsilon",
        "modelspec.resolution": f"{train.resolution}x{train.resolution}",
    }
    if lora:
        told |= {
            "ss_network_module": "networks.lora",
            "ss_network_dim": train.rank,
            "ss_network_alpha": train.alpha,
        }
        told["modelspec.trigger_phrase"] = train.trigger
    return {key: str(value) for key, value in told.items()}


def _tags(training: Training) -> dict[str, int]:
    """How often each part of the captions, by their commas, is said."""
    said = Counter(
        tag.strip() for picture in training.pictures for tag in picture.caption.split(",") if tag.strip()
    )
    return dict(said.most_common())
