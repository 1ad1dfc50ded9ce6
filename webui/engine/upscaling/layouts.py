"""Names of weights in files of RRDBNets: the first ESRGAN's, BSRGAN's -> Real-ESRGAN's, which we use."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import TypeVar

FIRST_BLOCK = re.compile(r"model\.1\.sub\.(\d+)\.RDB([123])\.conv([1-5])\.0\.(weight|bias)")
FIRST_PLUS = re.compile(r"model\.1\.sub\.(\d+)\.RDB([123])\.conv1x1\.weight")
FIRST_OTHER = re.compile(r"model\.(?:1\.sub\.)?(\d{1,3})\.(weight|bias)")
BSRGAN_BLOCK = re.compile(r"RRDB_trunk\.(\d+)\.RDB([123])\.(conv(?:[1-5]|1x1)\.(?:weight|bias))")
BSRGAN = {"trunk_conv": "conv_body", "HRconv": "conv_hr"}
BSRGAN_DOUBLING = re.compile(r"upconv(\d)\.(weight|bias)")

Value = TypeVar("Value")


def renamed(weights: Mapping[str, Value]) -> dict[str, Value]:
    """The weights under the names that `rrdb` uses; what is unknown keeps its own."""
    if "model.0.weight" in weights:
        return _from_first(weights)
    return {_from_bsrgan(name): value for name, value in weights.items()}


def _from_first(weights: Mapping[str, Value]) -> dict[str, Value]:
    """Of ESRGAN's first layout, where all layers are numbered.

    They are the first convolution, the trunk with its own at the end, a triple (enlarging, convolution,
    activation) for each doubling, and convolution, activation, convolution.
    """
    last = max((int(found[1]) for name in weights if (found := _outer(name))), default=0)
    names = {last: "conv_last", last - 2: "conv_hr", 0: "conv_first"}
    names |= {3 * number: f"conv_up{number}" for number in range(1, (last - 4) // 3 + 1)}
    return {_first_name(name, names): value for name, value in weights.items()}


def _outer(name: str) -> re.Match[str] | None:
    return None if name.startswith("model.1.") else FIRST_OTHER.fullmatch(name)


def _first_name(name: str, names: Mapping[int, str]) -> str:
    if found := FIRST_BLOCK.fullmatch(name):
        return f"body.{found[1]}.rdb{found[2]}.conv{found[3]}.{found[4]}"
    if found := FIRST_PLUS.fullmatch(name):
        return f"body.{found[1]}.rdb{found[2]}.conv1x1.weight"
    if found := _outer(name):
        return f"{names.get(int(found[1]), name)}.{found[2]}"
    found = FIRST_OTHER.fullmatch(name)
    return f"conv_body.{found[2]}" if found else name


def _from_bsrgan(name: str) -> str:
    if found := BSRGAN_BLOCK.fullmatch(name):
        return f"body.{found[1]}.rdb{found[2]}.{found[3]}"
    if found := BSRGAN_DOUBLING.fullmatch(name):
        return f"conv_up{found[1]}.{found[2]}"
    layer, _, rest = name.partition(".")
    return f"{BSRGAN.get(layer, layer)}.{rest}" if rest else name
