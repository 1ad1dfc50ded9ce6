"""A loaded checkpoint: its networks, and what must be known to use them."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, TypeVar, cast

import numpy as np
import torch
from diffusers.models.autoencoders.autoencoder_kl import AutoencoderKL
from diffusers.models.unets.unet_2d_condition import UNet2DConditionModel
from transformers import CLIPTextModel
from transformers.utils import logging as transformers_logging

from webui.catalog.checkpoints import Checkpoint
from webui.engine.devices import Placement
from webui.engine.protocol import EngineError
from webui.engine.samplers.schedules import NoiseTable
from webui.prompting.tokens import PromptTokenizer

Prediction = Literal["epsilon", "v_prediction"]
Network = TypeVar("Network", bound=torch.nn.Module)


@dataclass(frozen=True)
class Model:
    """The networks of one checkpoint, on their device, ready to run."""

    checkpoint: Checkpoint
    placement: Placement
    tokenizer: PromptTokenizer
    text_encoder: CLIPTextModel
    unet: UNet2DConditionModel
    vae: AutoencoderKL
    noise_table: NoiseTable
    prediction: Prediction

    @property
    def latent_channels(self) -> int:
        """Channels of a latent picture."""
        return int(cast(Any, self.vae.config).latent_channels)

    @property
    def scale(self) -> int:
        """How many pixels wide one latent is."""
        return 2 ** (len(cast(Any, self.vae.config).block_out_channels) - 1)


def load(checkpoint: Checkpoint, placement: Placement) -> Model:
    """Read a checkpoint in diffusers' folder format from disk; the network is not asked.

    Raises:
        EngineError: the folder's files are damaged or don't belong together.
    """
    # Its progress bars would be printed into the server's log.
    transformers_logging.disable_progress_bar()
    try:
        return _load(checkpoint, placement)
    except Exception as error:  # safetensors and tokenizers raise nothing narrower for damaged files
        reason = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
        raise EngineError(f'The checkpoint "{checkpoint.name}" can\'t be loaded: {reason}') from error


def _load(checkpoint: Checkpoint, placement: Placement) -> Model:
    folder = checkpoint.path
    table, prediction = read_noise(folder / "scheduler" / "scheduler_config.json")
    # Without use_safetensors a missing file is looked for as a pickle.
    local: dict[str, Any] = {"local_files_only": True, "use_safetensors": True}
    unet = UNet2DConditionModel.from_pretrained(folder / "unet", torch_dtype=placement.dtype, **local)
    vae = AutoencoderKL.from_pretrained(folder / "vae", torch_dtype=placement.dtype, **local)
    text_encoder, found = cast(Any, CLIPTextModel).from_pretrained(
        folder / "text_encoder", dtype=placement.dtype, output_loading_info=True, **local
    )
    if missing := sorted(found["missing_keys"]):
        raise ValueError(f"its text encoder's file lacks {len(missing)} of the weights, {missing[0]} for one")
    return Model(
        checkpoint=checkpoint,
        placement=placement,
        tokenizer=PromptTokenizer.from_folder(folder / "tokenizer"),
        text_encoder=_ready(text_encoder, placement),
        unet=_ready(unet, placement),
        vae=_ready(vae, placement),
        noise_table=table,
        prediction=prediction,
    )


def _ready(network: Network, placement: Placement) -> Network:
    return network.eval().requires_grad_(False).to(placement.device)


def read_noise(file: Path) -> tuple[NoiseTable, Prediction]:
    """The noise levels a model was trained on and what it predicts, from its scheduler's config.

    Raises:
        ValueError: the config asks for something unknown.
    """
    config: dict[str, Any] = json.loads(file.read_text(encoding="utf-8"))
    prediction = config.get("prediction_type", "epsilon")
    if prediction not in ("epsilon", "v_prediction"):
        raise ValueError(f'its scheduler config says prediction_type "{prediction}", which is unknown')
    if betas := config.get("trained_betas"):
        return NoiseTable(np.cumprod(1 - np.asarray(betas, dtype=np.float64))), prediction
    kind = config.get("beta_schedule", "scaled_linear")
    makers = {"scaled_linear": NoiseTable.scaled_linear, "linear": NoiseTable.linear}
    if kind not in makers:
        raise ValueError(f'its scheduler config says beta_schedule "{kind}", which is unknown')
    table = makers[kind](config["beta_start"], config["beta_end"], config.get("num_train_timesteps", 1000))
    return table, prediction
