"""Latents as a VAE has them and as a transformer has them: scaled, and often packed."""

from __future__ import annotations

import inspect

import torch
import torch.nn.functional as F
from torch import Tensor

from webui.engine.general.kinds import Pipeline, Vae


def unpacked(pipeline: Pipeline, latents: Tensor, width: int, height: int) -> Tensor | None:
    """Latents (batch, channels, rows, columns) from what `pipeline` samples for pictures of that size.

    Pipelines have them so, with a time axis of one frame, or as a row of tokens. None: it can't be done.
    """
    if latents.ndim == 3:
        latents = _from_tokens(pipeline, latents, width, height)
    if latents.ndim == 5:
        latents = latents[:, :, 0]
    return latents if latents.ndim == 4 else None


def _from_tokens(pipeline: Pipeline, tokens: Tensor, width: int, height: int) -> Tensor:
    scale = int(getattr(pipeline, "vae_scale_factor", 8))
    if hasattr(pipeline, "_unpack_latents"):
        known = {
            "latents": tokens,
            "height": height,
            "width": width,
            "vae_scale_factor": scale,
            "patch_size": getattr(pipeline.transformer.config, "patch_size", 2),
        }
        wanted = inspect.signature(pipeline._unpack_latents).parameters
        return pipeline._unpack_latents(**{name: known[name] for name in wanted})
    if hasattr(pipeline, "_unpack_latents_with_ids"):
        # Flux 2 decodes from four channels for each of the VAE's: the tokens are one picture, row by row.
        return tokens.transpose(1, 2).unflatten(2, (height // (2 * scale), width // (2 * scale)))
    return tokens


def encoded(vae: Vae, pictures: Tensor) -> Tensor:
    """What a transformer would have to predict for `vae` to decode it to `pictures`.

    Pictures are (batch, 3, height, width) in [-1, 1]; latents (batch, channels, rows, columns).

    Raises:
        AttributeError: it is a VAE of an unknown kind.
    """
    # Qwen-Image's VAE is one for videos, and asks for a time axis.
    video = "temperal_downsample" in vae.config
    code = vae.encode(pictures.unsqueeze(2) if video else pictures)
    raw = code.latent if hasattr(code, "latent") else code.latent_dist.mode()
    return normalized(vae, raw.squeeze(2) if video else raw)


def normalized(vae: Vae, latents: Tensor) -> Tensor:
    """The VAE's own latents (batch, channels, rows, columns) as the transformer knows them."""
    if hasattr(vae, "bn"):  # Flux 2
        patches = F.pixel_unshuffle(latents, 2)
        mean, variance = vae.bn.running_mean.view(1, -1, 1, 1), vae.bn.running_var.view(1, -1, 1, 1)
        return (patches - mean) / torch.sqrt(variance + vae.config.batch_norm_eps)
    config = vae.config
    scale = config.get("scaling_factor") or 1.0
    if config.get("latents_mean") is not None:
        mean, std = (
            latents.new_tensor(config[key]).view(1, -1, 1, 1) for key in ("latents_mean", "latents_std")
        )
        return (latents - mean) * scale / std
    return (latents - (config.get("shift_factor") or 0.0)) * scale
