"""The engine in this process: one device, one loaded checkpoint at a time."""

from __future__ import annotations

import gc
import hashlib
import logging
from collections.abc import Callable
from typing import Any, cast

import torch
from diffusers.models.autoencoders.autoencoder_kl import AutoencoderKL

from webui.catalog.checkpoints import Catalog, Checkpoint
from webui.config import Config
from webui.engine import devices, generation, previews
from webui.engine.attention import use_xformers
from webui.engine.denoiser import Denoiser
from webui.engine.encoding import PromptEncoder
from webui.engine.generation import Studio
from webui.engine.model import load
from webui.engine.protocol import EngineError, Observer, Order
from webui.infotext import ModelIdentity

log = logging.getLogger(__name__)


class LocalEngine:
    """Implements `protocol.Engine`. Not thread-safe: one worker owns it."""

    def __init__(self, config: Config, catalog: Catalog) -> None:
        self._config = config
        self._catalog = catalog
        self._placement = devices.choose(config)
        self._studio: Studio | None = None

    def warm_up(self, checkpoint: Checkpoint | None, report: Callable[[str], None]) -> None:
        """Load `checkpoint` and run each of its networks once: a process's first run is the slowest."""
        if checkpoint is None:
            return
        report(f"loading {checkpoint.name}")
        studio = self._open(checkpoint)
        report(f"warming up {checkpoint.name}")
        with torch.inference_mode():
            _run_once(studio)

    def draw(self, order: Order, observer: Observer) -> None:
        """Draw every picture of `order`; see `protocol.Engine.draw`."""
        try:
            observer.phase("loading the checkpoint")
            generation.draw(self._open(order.checkpoint), order, observer)
        except (torch.OutOfMemoryError, MemoryError) as error:
            raise EngineError(_too_large(order)) from error
        except RuntimeError as error:
            # On the CPU torch has no exception of its own for this, and its words differ between systems.
            if "DefaultCPUAllocator" in str(error):
                raise EngineError(_too_large(order)) from error
            raise
        finally:
            if self._placement.device.type == "cuda":
                torch.cuda.empty_cache()

    def _open(self, checkpoint: Checkpoint) -> Studio:
        if self._studio and self._studio.model.checkpoint.path == checkpoint.path:
            return self._studio
        self._studio = None
        gc.collect()
        self._studio = self._load(checkpoint)
        return self._studio

    @torch.inference_mode()
    def _load(self, checkpoint: Checkpoint) -> Studio:
        model = load(checkpoint, self._placement)
        if self._config.xformers:
            use_xformers(model.unet)
        file = self._config.cache_dir / "previews" / f"{_fingerprint(model.vae)}.safetensors"
        return Studio(
            model,
            ModelIdentity(checkpoint.path.name, self._catalog.short_hash(checkpoint)),
            PromptEncoder(model),
            previews.load_or_fit(model.vae, model.scale, file),
        )


def _run_once(studio: Studio) -> None:
    model = studio.model
    side = int(cast(Any, model.unet.config).sample_size)
    latents = torch.zeros(1, model.latent_channels, side, side, device=model.placement.device)
    clean = Denoiser(model, studio.encoder.encode("", ""), 2.0, 1)(latents, 1.0)
    studio.preview.fitting(clean)(clean)
    generation.decode(model, torch.zeros_like(latents))


def _fingerprint(vae: AutoencoderKL) -> str:
    """Tells one VAE's weights from another's by a few of them."""
    weights = cast(Any, vae.decoder.conv_in).weight.detach().float().cpu().numpy()
    return hashlib.sha256(weights.tobytes()).hexdigest()[:16]


def _too_large(order: Order) -> str:
    params = order.params
    return (
        f"There isn't enough memory for {params.width}x{params.height} in batches of {params.batch_size}. "
        "Lower the width, the height or the batch size."
    )
