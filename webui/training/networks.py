"""A checkpoint's networks for training alone: those that the engine draws with are never changed."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import Any, cast

import torch
from diffusers.models.autoencoders.autoencoder_kl import AutoencoderKL
from torch import nn

from webui.catalog.entry import ModelFile
from webui.engine.decoding import Decoder
from webui.engine.devices import Placement
from webui.engine.general.beside import Beside
from webui.engine.generation import ClassicStudio
from webui.engine.held import Form
from webui.engine.opening import Opening, open_studio
from webui.engine.parts import wanted_of
from webui.infotext import ModelIdentity

NO_PREVIEWS = Path()
"""Samples are drawn without previews, so that no preview decoder is looked for."""


def own_studio(file: ModelFile, placement: Placement, vae: ModelFile | None = None) -> ClassicStudio:
    """What draws with networks of `file` that nothing else uses. The VAE is in 32 bits.

    Raises:
        EngineError: a part can't be loaded; the text says why.
    """
    beside = Beside(vae=vae)
    networks = {
        wanted.key.part: nn.Module.to(wanted.make(wanted.key.form), placement.device).requires_grad_(False)
        for wanted in wanted_of(file, beside, placement.device, lambda part: _form(part, placement))
    }
    own_vae = cast(AutoencoderKL, networks["vae"])
    studio = open_studio(
        Opening(
            file=file,
            beside=beside,
            networks=networks,
            placement=placement,
            on_device=lambda _: nullcontext(),
            decoder=lambda: _decoder(own_vae),
            identity=lambda: ModelIdentity(file.stem, file.short_hash),
            previews=NO_PREVIEWS,
        )
    )
    assert isinstance(studio, ClassicStudio)
    if placement.device.type == "cuda":
        # Activations of a whole UNet would take most of a GPU's memory.
        cast(Any, studio.model.unet).enable_gradient_checkpointing()
    return studio


def _form(part: str, placement: Placement) -> Form:
    return Form(torch.float32 if part == "vae" else placement.dtype)


def _decoder(vae: AutoencoderKL) -> Decoder:
    @contextmanager
    def lend(dtype: torch.dtype) -> Generator[AutoencoderKL]:
        assert dtype == torch.float32
        yield vae

    return Decoder(lend, torch.float32, lambda: False)
