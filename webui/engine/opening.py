"""From loaded parts to something that draws."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any, cast

import torch
from diffusers.models.autoencoders.autoencoder_kl import AutoencoderKL
from torch import nn

from webui.catalog.entry import CLASSIC, Family, ModelFile
from webui.engine.adapters.wardrobe import Wardrobe
from webui.engine.company import NOBODY, Company
from webui.engine.decoding import Decoder
from webui.engine.devices import Placement, is_out_of_memory
from webui.engine.general.beside import Beside
from webui.engine.generation import ClassicStudio
from webui.engine.model import Model, TextEncoder
from webui.engine.noise import noise_of
from webui.engine.parts import unloadable
from webui.engine.protocol import EngineError
from webui.engine.studio import Studio
from webui.infotext import ModelIdentity
from webui.prompting.tokens import END, PromptTokenizer

TOKENIZERS = {"text_encoder": "tokenizer", "text_encoder_2": "tokenizer_2"}


@dataclass(frozen=True)
class Opening:
    """What a studio is made of. `on_device` has a part on the device for a block."""

    file: ModelFile
    beside: Beside
    networks: dict[str, nn.Module]
    placement: Placement
    on_device: Callable[[str], AbstractContextManager[None]]
    decoder: Callable[[], Decoder]
    identity: Callable[[], ModelIdentity]
    previews: Path
    """The folder where fitted preview decoders are kept."""
    company: Company = NOBODY
    wardrobe: Wardrobe | None = None
    """LoRAs, for diffusers' pipelines; None: there are none."""


def open_studio(opening: Opening) -> Studio:
    """The studio of a checkpoint whose parts are loaded.

    Raises:
        EngineError: its tokenizer or its scheduler's config can't be used.
    """
    try:
        return _classic(opening) if opening.file.identity.family in CLASSIC else _general(opening)
    except EngineError:
        raise
    except Exception as error:  # tokenizers raises nothing narrower for a damaged vocabulary
        if is_out_of_memory(error):
            raise
        raise unloadable(opening.file, error) from error


def _general(opening: Opening) -> Studio:
    # Here and not above: diffusers' pipelines take seconds to import.
    from webui.engine.general import loading
    from webui.engine.general.decoders import preview_decoder
    from webui.engine.general.loras import PipelineLoras, body_of
    from webui.engine.general.placing import placed
    from webui.engine.general.studio import GeneralStudio

    pipeline = loading.build(opening.file, opening.networks, opening.beside)
    with opening.on_device("vae") if "vae" in opening.networks else nullcontext():
        decoder = preview_decoder(pipeline, opening.previews)
    placing = partial(placed, opening.networks, opening.placement.device, opening.on_device)
    body = body_of(pipeline, opening.file.identity.family, opening.placement)
    loras = PipelineLoras(opening.wardrobe, body) if opening.wardrobe and body else None
    return GeneralStudio(pipeline, opening.identity, decoder, placing, loras, opening.company)


def _classic(opening: Opening) -> ClassicStudio:
    file, networks = opening.file, opening.networks
    table, prediction = noise_of(file)
    encoders = [
        TextEncoder(part, _tokenizer(file, part), cast(Any, networks[part]))
        for part in TOKENIZERS
        if part in networks
    ]
    vae = cast(AutoencoderKL, networks["vae"])
    model = Model(
        checkpoint=file,
        placement=opening.placement,
        encoders=tuple(encoders),
        unet=cast(Any, networks["unet"]),
        vae=vae,
        noise_table=table,
        prediction=prediction,
        on_device=opening.on_device,
    )
    if _untold(model) and predicts_v(model):
        model = replace(model, prediction="v_prediction")
    decoder = opening.decoder()
    kept = opening.previews / f"{_fingerprint(vae)}.safetensors"
    return ClassicStudio(
        model, opening.identity, decoder, partial(decoder.fit_preview, kept), opening.company
    )


def _untold(model: Model) -> bool:
    """Whether nothing tells what the UNet predicts: single SD 2.x files are of both kinds."""
    file = model.checkpoint
    return model.family == "sd2" and not file.folder and file.prediction is None and not model.extra_channels


def _tokenizer(file: ModelFile, part: str) -> PromptTokenizer:
    if file.folder:
        return PromptTokenizer.from_folder(file.path / TOKENIZERS[part])
    return PromptTokenizer.clip(padding=_padding(file.identity.family, part))


def _padding(family: Family, part: str) -> str:
    """SD 1.x and SDXL's first encoder fill up with the end token, OpenCLIP's encoders with "!"."""
    return END if part == "text_encoder" and family in ("sd1", "sdxl") else "!"


def _fingerprint(vae: AutoencoderKL) -> str:
    """Tells one VAE's weights from another's by a few of them."""
    weights = cast(Any, vae.decoder.conv_in).weight.detach().float().cpu().numpy()
    return hashlib.sha256(weights.tobytes()).hexdigest()[:16]


@torch.inference_mode()
def predicts_v(model: Model) -> bool:
    """Whether an SD 2.x UNet predicts v, which its file does not tell: found by asking it.

    At the last timestep v is nearly minus the picture. Given grey latents as if they were noise, a UNet that
    predicts noise gives about the same back, one that predicts v far less.
    """
    device, dtype = model.placement.device, model.placement.dtype
    width = int(cast(Any, model.unet.config).cross_attention_dim)
    grey = torch.full((1, model.latent_channels, 8, 8), 0.5, device=device, dtype=dtype)
    heard = torch.full((1, 2, width), 0.5, device=device, dtype=dtype)
    with model.on_device("unet"):
        out = model.unet(grey, torch.tensor([999], device=device), heard, return_dict=False)[0]
    return float((out - grey).float().mean()) < -1
