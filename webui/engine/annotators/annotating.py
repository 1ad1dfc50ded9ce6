"""What a preprocessor's network is to those who run it."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from PIL import Image

from webui.imaging.preprocessors.preprocessor import Options

if TYPE_CHECKING:
    import torch


class Annotating(Protocol):
    """A network that makes a map of a picture. A torch module, where it is our own."""

    def to(self, device: torch.device, /) -> Any:  # noqa: ANN401
        """Have the weights on a device."""
        ...

    def parameters(self) -> Iterable[torch.Tensor]:
        """Its weights."""
        ...

    def annotated(self, image: Image.Image, options: Options, /) -> Image.Image:
        """The map, RGB or L, of a picture, RGB; of its size, or to be brought to it."""
        ...


Read = Callable[[Path], Annotating]
"""Reads a network from its file. Raises WeightsError or OSError where it can't be used."""
