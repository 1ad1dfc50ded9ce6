"""A file of an upscaler -> a network that enlarges."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from webui.catalog.entry import ModelFile
from webui.catalog.upscaler_headers import unprefixed
from webui.engine.protocol import EngineError
from webui.engine.upscaling import others
from webui.engine.upscaling.compact import CompactShape, SRVGGNetCompact
from webui.engine.upscaling.layouts import renamed
from webui.engine.upscaling.rrdb import RRDBNet, RRDBShape
from webui.engine.weights import WeightsError, load, size_of

GREATEST_SCALE = 16


@dataclass(frozen=True)
class Network:
    """What enlarges: `run` takes pictures (batch, channels, height, width) in [0, 1]."""

    module: nn.Module
    scale: int
    channels: int
    """3, or 1: then each colour is enlarged by itself."""
    half: bool
    """Whether it may compute in 16 bits."""
    run: Callable[[Tensor], Tensor]

    @property
    def size(self) -> int:
        """Bytes of its weights."""
        return size_of([*self.module.parameters(), *self.module.buffers()])


def read_network(file: ModelFile) -> Network:
    """The network in a file, on the CPU in the file's number format: ours, else spandrel's if it is there.

    Raises:
        EngineError: the file is damaged, or none of a kind that can be run here.
    """
    try:
        weights = unprefixed(load(file.path))
    except (WeightsError, OSError) as error:
        raise EngineError(f'The upscaler "{file.stem}" can\'t be loaded: {error}.') from error
    network = build(weights)
    if network is None and (described := others.describe(weights)):
        network = Network(*described)
    if network is None:
        raise EngineError(_unknown(file))
    if network.channels not in (1, 3) or not 1 <= network.scale <= GREATEST_SCALE:
        raise EngineError(f'"{file.stem}" is an upscaler of another kind of pictures. Choose another.')
    network.module.eval().requires_grad_(False)
    return network


def build(weights: Mapping[str, Tensor]) -> Network | None:
    """One of our own networks with these weights, told by their names and shapes; None if it is none."""
    ours = renamed(weights)
    shapes = {name: tuple(weight.shape) for name, weight in ours.items()}
    shape = RRDBShape.of(shapes) or CompactShape.of(shapes)
    if shape is None:
        return None
    with torch.device("meta"):
        module = RRDBNet(shape) if isinstance(shape, RRDBShape) else SRVGGNetCompact(shape)
    try:
        module.load_state_dict(ours, assign=True)
    except RuntimeError:
        # It has other layers than those that it was told by.
        return None
    return Network(module, shape.scale, shape.channels, half=True, run=module)


def _unknown(file: ModelFile) -> str:
    if others.spandrel() is not None:
        return f'"{file.stem}" is no upscaler that Darkroom or spandrel knows. Choose another.'
    return (
        f'"{file.stem}" is neither an ESRGAN nor a compact network. For other kinds of upscalers install '
        "spandrel and torchvision into Darkroom's environment, or choose another."
    )
