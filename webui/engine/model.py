"""An opened checkpoint of the Stable Diffusion families: its networks, and what must be known to use them."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from typing import Any, cast

from diffusers.models.autoencoders.autoencoder_kl import AutoencoderKL
from diffusers.models.unets.unet_2d_condition import UNet2DConditionModel
from transformers import CLIPTextModel, CLIPTextModelWithProjection

from webui.catalog.entry import Family, ModelFile, Prediction
from webui.engine.devices import Placement
from webui.engine.samplers.schedules import NoiseTable
from webui.prompting.tokens import PromptTokenizer


@dataclass(frozen=True)
class TextEncoder:
    """A text encoder with its tokenizer. `part` is its name among the model's parts."""

    part: str
    tokenizer: PromptTokenizer
    network: CLIPTextModel | CLIPTextModelWithProjection


def _at_hand(_: str) -> AbstractContextManager[None]:
    return nullcontext()


@dataclass(frozen=True)
class Model:
    """The networks of one checkpoint. `on_device(part)` has a part on the device for a block."""

    checkpoint: ModelFile
    placement: Placement
    encoders: tuple[TextEncoder, ...]
    unet: UNet2DConditionModel
    vae: AutoencoderKL
    noise_table: NoiseTable
    prediction: Prediction
    on_device: Callable[[str], AbstractContextManager[None]] = _at_hand

    @property
    def family(self) -> Family:
        """Its architecture."""
        return self.checkpoint.identity.family

    @property
    def latent_channels(self) -> int:
        """Channels of a latent picture."""
        return int(cast(Any, self.vae.config).latent_channels)

    @property
    def extra_channels(self) -> int:
        """Channels that the UNet takes beside the latents: 5 to inpaint, 4 to follow instructions, else 0."""
        return int(cast(Any, self.unet.config).in_channels) - self.latent_channels

    @property
    def scale(self) -> int:
        """How many pixels wide one latent is."""
        return 2 ** (len(cast(Any, self.vae.config).block_out_channels) - 1)
