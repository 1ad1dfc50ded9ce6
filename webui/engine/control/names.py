"""Names of a ControlNet's weights in the first release's layout -> those of diffusers' ControlNetModel.

Weights stay as they are: the two layouts differ in names alone. What follows a layer's name (`weight`,
`bias`, a Control-LoRA's `up` and `down`) is kept.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

from torch import Tensor

from webui.engine.original import unet_names
from webui.engine.original.unet_names import AROUND

PREFIX = "control_model."
"""Before a ControlNet's names where a file holds a checkpoint, too."""
LAYERS = {original: own for own, original in AROUND.items()} | {"middle_block_out.0": "controlnet_mid_block"}
RESNET = {original: own for own, original in unet_names.RESNET.items()}
RESNETS = re.compile(
    rf"((?:down_blocks\.\d+|mid_block)\.resnets\.\d+)\.({'|'.join(map(re.escape, RESNET))})\b"
)


def own(weights: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """The ControlNet's weights in a file, which may hold a whole checkpoint beside them."""
    inside = {
        name.removeprefix(PREFIX): weight for name, weight in weights.items() if name.startswith(PREFIX)
    }
    return inside or dict(weights)


def layers_in(names: Iterable[str]) -> int:
    """How many layers each level has: what comes before the first block that halves the picture."""
    blocks = [found for name in names if (found := re.match(r"input_blocks\.(\d{1,3})\.0\.(op\.)?", name))]
    halving = [int(found[1]) for found in blocks if found[2]]
    return max(1, min(halving, default=max((int(found[1]) for found in blocks), default=0) + 1) - 1)


def last_hint(names: Iterable[str]) -> int:
    """The number of the last layer that sees the map; 0 if there is none."""
    return max(
        (int(found[1]) for name in names if (found := re.match(r"input_hint_block\.(\d{1,3})\.", name))),
        default=0,
    )


def renamed(weights: Mapping[str, Tensor], layers: int) -> dict[str, Tensor]:
    """`weights` by diffusers' names. `layers`: how many each level has."""
    hint = last_hint(weights)
    return {_renamed(name, layers, hint): weight for name, weight in weights.items()}


def _renamed(name: str, layers: int, hint: int) -> str:
    if found := re.fullmatch(r"input_hint_block\.(\d+)\.(.+)", name):
        return f"controlnet_cond_embedding.{_hint(int(found[1]), hint)}.{found[2]}"
    if found := re.fullmatch(r"zero_convs\.(\d+)\.0\.(.+)", name):
        return f"controlnet_down_blocks.{found[1]}.{found[2]}"
    known = next((old for old in LAYERS if name.startswith(f"{old}.")), None)
    if known:
        name = LAYERS[known] + name[len(known) :]
    elif found := re.fullmatch(r"input_blocks\.(\d+)\.(\d+)\.(.+)", name):
        name = _block(int(found[1]) - 1, found[2], found[3], layers)
    return RESNETS.sub(lambda found: f"{found[1]}.{RESNET[found[2]]}", name)


def _block(number: int, place: str, rest: str, layers: int) -> str:
    """Block `number`, from 0 after the entrance: a layer of a level, or what halves the picture below it."""
    level, layer = divmod(number, layers + 1)
    if rest.startswith("op."):
        return f"down_blocks.{level}.downsamplers.0.conv.{rest.removeprefix('op.')}"
    return f"down_blocks.{level}.{'attentions' if place == '1' else 'resnets'}.{layer}.{rest}"


def _hint(number: int, last: int) -> str:
    """Layers and activations take turns; the first and the last have names of their own."""
    if number in (0, last):
        return "conv_in" if number == 0 else "conv_out"
    return f"blocks.{number // 2 - 1}"
