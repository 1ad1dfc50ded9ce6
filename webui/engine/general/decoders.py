"""Preview decoders for every VAE that can encode; see `webui.engine.previews`."""

from __future__ import annotations

import hashlib
import logging
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import torch
from torch import Tensor

from webui.engine.general.kinds import Pipeline, Vae
from webui.engine.general.latents import encoded
from webui.engine.previews import PreviewDecoder, load_or_fit

log = logging.getLogger(__name__)
PROBE = 64
"""Side, in pixels, of the picture that shows how large a VAE's latents are."""


class _AsKL:
    """Any VAE as `previews.fit` asks an AutoencoderKL, its latents being those that transformers know."""

    def __init__(self, vae: Vae) -> None:
        self._vae = vae
        self.device, self.dtype = vae.device, vae.dtype
        self.config = SimpleNamespace(shift_factor=None, scaling_factor=1.0)

    def encode(self, pictures: Tensor) -> SimpleNamespace:
        latents = encoded(self._vae, pictures)
        return SimpleNamespace(latent_dist=SimpleNamespace(mode=lambda: latents))


@torch.no_grad()
def preview_decoder(pipeline: Pipeline, folder: Path) -> PreviewDecoder | None:
    """The decoder for what `pipeline` samples, fitted on the device where its VAE is; kept in `folder`.

    None: it has no VAE, or one that can't encode.
    """
    vae = getattr(pipeline, "vae", None)
    # Ideogram 4 orders the channels of its patches in its own way, which is told nowhere.
    if vae is None or type(pipeline).__name__.startswith("Ideogram"):
        return None
    try:
        probe = torch.zeros(1, 3, PROBE, PROBE, device=vae.device, dtype=vae.dtype)
        scale = PROBE // encoded(vae, probe).shape[-1]
        return load_or_fit(cast(Any, _AsKL(vae)), scale, folder / f"{fingerprint(vae)}.safetensors")
    except torch.OutOfMemoryError:
        raise
    except (AttributeError, TypeError, ValueError, RuntimeError) as error:
        log.warning("No previews for %s: %s", type(vae).__name__, error)
        return None


def fingerprint(vae: Vae) -> str:
    """Tells one VAE from another by its config and the first of its weights."""
    config = {name: value for name, value in vae.config.items() if not name.startswith("_")}
    told = hashlib.sha256(repr(sorted(config.items())).encode())
    told.update(next(vae.parameters()).detach().float().cpu().numpy().tobytes())
    return told.hexdigest()[:16]


def on(decoder: PreviewDecoder, device: torch.device) -> PreviewDecoder:
    """The decoder on `device`."""
    return replace(decoder, weight=decoder.weight.to(device), bias=decoder.bias.to(device))
