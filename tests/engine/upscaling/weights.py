"""Weights of upscalers under the names that published files have, random."""

from itertools import pairwise

import torch
from safetensors.torch import save_file

from webui.catalog.entry import ModelFile

FIRST, BSRGAN, REAL = "first", "bsrgan", "real"


def esrgan(
    layout=REAL, *, width=8, growth=4, blocks=2, doublings=2, unshuffle=1, channels=3, plus=False, seed=0
):
    """An RRDBNet's weights. `growth` of all published ones is 32."""
    random = torch.Generator().manual_seed(seed)
    weights = {}

    def conv(name, out, channels, side=3, bias=True):
        spread = 1.3 / (channels * side * side) ** 0.5
        weights[f"{name}.weight"] = torch.randn(out, channels, side, side, generator=random) * spread
        if bias:
            weights[f"{name}.bias"] = torch.randn(out, generator=random) * 0.05

    names = names_of(layout, blocks, doublings)
    conv(names["first"], width, channels * unshuffle**2)
    for block in range(blocks):
        for dense in (1, 2, 3):
            for number in range(1, 6):
                out = width if number == 5 else growth
                conv(names["dense"](block, dense, number), out, width + (number - 1) * growth)
            if plus:
                conv(names["plus"](block, dense), growth, width, 1, bias=False)
    for name in (names["trunk"], *names["doublings"], names["hr"]):
        conv(name, width, width)
    conv(names["last"], channels, width)
    return weights


def names_of(layout, blocks, doublings):
    """What each layer is called."""
    if layout == FIRST:
        end = 2 + 3 * doublings
        return {
            "first": "model.0",
            "dense": lambda block, dense, number: f"model.1.sub.{block}.RDB{dense}.conv{number}.0",
            "plus": lambda block, dense: f"model.1.sub.{block}.RDB{dense}.conv1x1",
            "trunk": f"model.1.sub.{blocks}",
            "doublings": [f"model.{3 * number}" for number in range(1, doublings + 1)],
            "hr": f"model.{end}",
            "last": f"model.{end + 2}",
        }
    real = layout == REAL
    body, rdb = ("body", "rdb") if real else ("RRDB_trunk", "RDB")
    return {
        "first": "conv_first",
        "dense": lambda block, dense, number: f"{body}.{block}.{rdb}{dense}.conv{number}",
        "plus": lambda block, dense: f"{body}.{block}.{rdb}{dense}.conv1x1",
        "trunk": "conv_body" if real else "trunk_conv",
        "doublings": [f"{'conv_up' if real else 'upconv'}{number}" for number in range(1, doublings + 1)],
        "hr": "conv_hr" if real else "HRconv",
        "last": "conv_last",
    }


def compact(*, width=8, convolutions=3, scale=4, channels=3, seed=0):
    """The weights of an SRVGGNetCompact."""
    random = torch.Generator().manual_seed(seed)
    sizes = [channels, *[width] * (convolutions + 1), channels * scale**2]
    weights = {}
    for number, (before, after) in enumerate(pairwise(sizes)):
        spread = 0.7 / (before * 9) ** 0.5
        weights[f"body.{2 * number}.weight"] = torch.randn(after, before, 3, 3, generator=random) * spread
        weights[f"body.{2 * number}.bias"] = torch.randn(after, generator=random) * 0.05
        if number <= convolutions:
            weights[f"body.{2 * number + 1}.weight"] = torch.rand(after, generator=random) * 0.5
    return weights


def write(file, content) -> ModelFile:
    """A file of upscaler's weights, as the catalog lists it."""
    file.parent.mkdir(parents=True, exist_ok=True)
    if file.suffix == ".safetensors":
        save_file(content, file)
    else:
        torch.save(content, file)
    return ModelFile(file.name, file, kind="upscaler", modified=file.stat().st_mtime)
