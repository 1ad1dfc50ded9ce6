"""The names of tensors in LoRA files: which module each is for, and what it is to it.

Names are those of kohya's trainers and LyCORIS (lora_unet_..._to_q.lora_down.weight), of diffusers and PEFT
(unet....to_q.lora_A.weight), of diffusers before it used PEFT (....processor.to_q_lora.down.weight), and of
OneTrainer (dots in place of underscores).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from torch import Tensor

Roles = dict[str, Tensor]
"""What a file has for one module: each tensor by what it is to it."""
Side = Literal["unet", "transformer", "text_encoder", "text_encoder_2", ""]

_ENDINGS = {
    "down": r"\.lora_down\.weight|\.lora_A(?:\.[\w-]+)?\.weight|[._]lora\.down\.weight"
    r"|\.lora_linear_layer\.down\.weight",
    "up": r"\.lora_up\.weight|\.lora_B(?:\.[\w-]+)?\.weight|[._]lora\.up\.weight"
    r"|\.lora_linear_layer\.up\.weight",
    "mid": r"\.lora_mid\.weight",
    "up_bias": r"\.lora_B(?:\.[\w-]+)?\.bias|\.lora_up\.bias",
    "magnitude": r"\.lora_magnitude_vector(?:\.[\w-]+)*",
    "alpha": r"\.alpha",
    "dora_scale": r"\.dora_scale",
    "named": r"\.(?:hada_(?:w[12]_[ab]|t[12])|lokr_(?:w[12](?:_[ab])?|t2)|oft_blocks|oft_diag|rescale"
    r"|diff|diff_b|w_norm|b_norm|on_input)",
    "glora": r"\.(?:a1|a2|b1|b2)\.weight",
    "weight": r"\.weight",
}
_KEY = re.compile(
    "(?P<stem>.+?)(?:" + "|".join(f"(?P<{role}>{ending})" for role, ending in _ENDINGS.items()) + ")"
)
_WRAPPERS = ("base_model_model_", "lycoris_", "oft_", "model_")
_PREFIXES: Mapping[str, Side] = {
    "lora_unet_": "unet",
    "unet_": "unet",
    "diffusion_model_": "unet",
    "lora_transformer_": "transformer",
    "transformer_": "transformer",
    "lora_te1_": "text_encoder",
    "lora_te2_": "text_encoder_2",
    "lora_te_": "text_encoder",
    "text_encoder_2_": "text_encoder_2",
    "text_encoder_": "text_encoder",
    "te1_": "text_encoder",
    "te2_": "text_encoder_2",
    "te_": "text_encoder",
    "text_encoders_clip_l_transformer_": "text_encoder",
    "text_encoders_clip_g_transformer_": "text_encoder_2",
}
_BUNDLED = "bundle_emb."
"""Before the names of embeddings that A1111 can find inside a LoRA."""


@dataclass(frozen=True)
class Stem:
    """A module as a file names it: its path with underscores between, and of which network it is."""

    side: Side
    """Empty: the file doesn't say."""
    path: str


@dataclass
class Content:
    """What a LoRA file holds, by module."""

    modules: dict[Stem, Roles] = field(default_factory=dict[Stem, Roles])
    bundled: bool = False
    """Whether it brings embeddings as well."""


def read_keys(tensors: Mapping[str, Tensor]) -> Content:
    """The tensors of a file, put together by module. What can't be told keeps the end of its name as role."""
    content = Content()
    for name, tensor in tensors.items():
        if name.startswith(_BUNDLED):
            content.bundled = True
            continue
        stem, role = split(name)
        content.modules.setdefault(stem_of(stem), {})[role] = tensor
    return content


def split(name: str) -> tuple[str, str]:
    """The module's name in a tensor's, and what the tensor is to it."""
    found = _KEY.fullmatch(name)
    if not found:
        stem, _, role = name.rpartition(".")
        return stem or name, role
    stem, role = found["stem"], found.lastgroup or ""
    if role == "named":
        return stem, found["named"].removeprefix(".")
    if role == "glora":
        return stem, found["glora"].split(".")[1]
    return stem, role


def stem_of(name: str) -> Stem:
    """The module that `name` stands for, in whatever manner it is written."""
    path = name.replace(".", "_").replace("_processor_", "_")
    wrapper: str | None = ""
    while wrapper is not None:
        path = path.removeprefix(wrapper)
        wrapper = next((each for each in _WRAPPERS if path.startswith(each)), None)
    bare = path.startswith("transformer_blocks_")
    prefix = "" if bare else next((prefix for prefix in _PREFIXES if path.startswith(prefix)), "")
    path = path.removeprefix(prefix).removeprefix("text_model_")
    return Stem(_PREFIXES.get(prefix, ""), f"{path}_0" if path.endswith("_to_out") else path)
