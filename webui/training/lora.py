"""LoRA (Hu et al., arXiv:2106.09685): small changes to a UNet, and to text encoders, put in by peft."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, cast

import torch
from torch import Tensor, nn

from webui.engine.encoding import PromptEncoder
from webui.engine.model import Model
from webui.params.training import Modules, TrainParams
from webui.training.captions import Restless

ATTENTION = (".to_q", ".to_k", ".to_v", ".to_out.0")
TEXT = (".q_proj", ".k_proj", ".v_proj", ".out_proj", ".fc1", ".fc2")
ENCODERS = {"text_encoder": "lora_te", "text_encoder_2": "lora_te2"}
"""What kohya's names begin with; SDXL's first encoder is `lora_te1`."""


class Lora:
    """A new LoRA in a model's own networks; it changes nothing before it has been trained.

    `encoder` encodes the prompts of samples.
    """

    def __init__(self, model: Model, train: TrainParams, encoder: PromptEncoder) -> None:
        self._train = train
        self._places: dict[str, nn.Module] = {}
        networks: dict[str, nn.Module] = {"lora_unet": model.unet}
        if train.train_text_encoder:
            networks |= {_prefix(model, each.part): each.network for each in model.encoders}
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(train.seed)
            for prefix, network in networks.items():
                self._places |= _injected(prefix, network, train)
        self.parameters: dict[str, nn.Parameter] = {
            f"{name}.{half}": parameter
            for name, place in self._places.items()
            for half, parameter in _halves(place)
        }
        for parameter in self.parameters.values():
            parameter.data = parameter.data.float()
            parameter.requires_grad_(True)
        self.silence = ""
        self.fresh = (lambda: PromptEncoder(model)) if train.train_text_encoder else None
        if train.train_text_encoder:
            encoder.vocabulary = Restless(model)

    def caption(self, caption: str) -> str:
        """The trigger words before the caption."""
        return ", ".join(filter(None, (self._train.trigger.strip(), caption)))

    def tensors(self) -> dict[str, Tensor]:
        """In kohya's layout: `lora_down` (rank, in, ...), `lora_up` (out, rank, ...) and `alpha`, in fp16."""
        found: dict[str, Tensor] = {}
        for name, place in self._places.items():
            halves = dict(_halves(place))
            found[f"{name}.lora_down.weight"] = halves["down"].detach().half().cpu().contiguous()
            found[f"{name}.lora_up.weight"] = halves["up"].detach().half().cpu().contiguous()
            found[f"{name}.alpha"] = torch.tensor(self._train.alpha, dtype=torch.float16)
        return found


def _prefix(model: Model, part: str) -> str:
    sdxl = model.family.startswith("sdxl")
    return "lora_te1" if sdxl and part == "text_encoder" else ENCODERS[part]


def _injected(prefix: str, network: nn.Module, train: TrainParams) -> dict[str, nn.Module]:
    """The layers that have a LoRA now, under the names that kohya gives them."""
    # Here and not above: peft takes a second to import.
    from peft import LoraConfig, inject_adapter_in_model

    chosen = list(_unet_layers(network, train.modules) if prefix == "lora_unet" else _text_layers(network))
    config = LoraConfig(r=train.rank, lora_alpha=cast(Any, train.alpha), target_modules=chosen)
    inject_adapter_in_model(config, network)
    layers = dict(network.named_modules())
    return {_name(prefix, layer): layers[layer] for layer in chosen}


def _name(prefix: str, layer: str) -> str:
    own = layer if prefix == "lora_unet" or layer.startswith("text_model.") else f"text_model.{layer}"
    return f"{prefix}_{own.replace('.', '_')}"


def _unet_layers(unet: nn.Module, modules: Modules) -> Iterator[str]:
    for name, layer in unet.named_modules():
        inside = ".attentions." in f".{name}"
        if modules == "Attention":
            wanted = inside and ".attn" in name and name.endswith(ATTENTION)
        else:
            wanted = inside or (modules != "Transformer blocks" and "_block" in name)
        if wanted and isinstance(layer, nn.Linear | nn.Conv2d):
            yield name


def _text_layers(encoder: nn.Module) -> Iterator[str]:
    for name, layer in encoder.named_modules():
        if isinstance(layer, nn.Linear) and name.endswith(TEXT):
            yield name


def _halves(place: nn.Module) -> list[tuple[str, nn.Parameter]]:
    layer = cast(Any, place)
    return [("down", layer.lora_A["default"].weight), ("up", layer.lora_B["default"].weight)]
