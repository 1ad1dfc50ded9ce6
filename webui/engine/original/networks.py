"""Networks without memory of their own, to be given the weights of a file."""

from __future__ import annotations

import inspect
import logging
from collections.abc import Mapping
from typing import Any, cast

import torch
from diffusers.models.autoencoders.autoencoder_kl import AutoencoderKL
from diffusers.models.modeling_utils import ModelMixin
from diffusers.models.unets.unet_2d_condition import UNet2DConditionModel
from torch import Tensor, nn
from transformers import CLIPTextConfig, CLIPTextModel, CLIPTextModelWithProjection

from webui.engine.weights import WeightsError

log = logging.getLogger(__name__)


def build(part: str, config: dict[str, Any]) -> nn.Module:
    """The network of a part on torch's meta device: it has shapes, and neither memory nor values.

    `part`: unet, vae, text_encoder (CLIPTextModel) or text_encoder_2 (CLIPTextModelWithProjection).
    `config`: as in a diffusers folder's `<part>/config.json`.

    Raises:
        WeightsError: it is a VAE whose latents are scaled in a way that isn't known here.
    """
    with torch.device("meta"):
        network = _made(part, config)
    return network.eval().requires_grad_(False)


def _made(part: str, config: dict[str, Any]) -> nn.Module:
    if part == "unet":
        return cast(nn.Module, UNet2DConditionModel.from_config(config))
    if part == "vae":
        return _vae(config)
    kind = CLIPTextModelWithProjection if part == "text_encoder_2" else CLIPTextModel
    # Only CLIP's own fields: those that all of transformers' configs have can name an attention kernel,
    # which it would fetch and import.
    known = inspect.get_annotations(CLIPTextConfig)
    own = {name: value for name, value in config.items() if name in known}
    return cast(Any, kind)(CLIPTextConfig.from_dict(own))


def _vae(config: dict[str, Any]) -> nn.Module:
    for name in ("latents_mean", "latents_std"):
        if config.get(name) is not None:
            raise WeightsError(
                f"its vae scales each channel of latents by itself ({name}), which isn't known"
            )
    return cast(nn.Module, AutoencoderKL.from_config(config))


def renamed(network: nn.Module, weights: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Weights of a diffusers folder by the names that the installed libraries use.

    Older folders name a VAE's attention otherwise, begin CLIP's names with "text_model.", and keep position
    numbers.
    """
    found = {name: weight for name, weight in weights.items() if not name.endswith("position_ids")}
    if isinstance(network, ModelMixin):
        cast(Any, network)._fix_state_dict_keys_on_load(found)
    elif not hasattr(network, "text_model"):
        found = {name.removeprefix("text_model."): weight for name, weight in found.items()}
    return found


def fill(network: nn.Module, weights: Mapping[str, Tensor], part: str) -> nn.Module:
    """`network` with `weights` in place: not copied, in the number format they have. Returns it.

    Weights that the network doesn't know are left out and told in the log.

    Raises:
        WeightsError: weights are missing or of another shape.
    """
    what = part.replace("_", " ")
    try:
        found = network.load_state_dict(weights, strict=False, assign=True)
    except RuntimeError as error:
        reason = str(error).strip().splitlines()[-1].strip()
        raise WeightsError(f"its {what} does not fit: {reason}") from error
    if missing := sorted(found.missing_keys):
        raise WeightsError(f"its {what} lacks {len(missing)} of the weights, {missing[0]} for one")
    if extra := sorted(found.unexpected_keys):
        log.warning("%d weights of a %s were left out, %s for one", len(extra), what, extra[0])
    settle(network)
    return network


def settle(network: nn.Module) -> None:
    """Give values to what is in no file: CLIP's position numbers.

    Raises:
        RuntimeError: something else is still without values.
    """
    for path, module in network.named_modules():
        for name, buffer in module.named_buffers(recurse=False):
            if buffer.is_meta and name == "position_ids":
                setattr(module, name, torch.arange(buffer.shape[-1]).expand(buffer.shape))
            elif buffer.is_meta:
                raise RuntimeError(f"{path}.{name} is in no file and has no values")
