"""Preprocessors that the optional package controlnet-aux runs."""

from __future__ import annotations

import importlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

from PIL import Image

from webui.engine.annotators.annotating import Annotating
from webui.imaging.preprocessors.preprocessor import Options

if TYPE_CHECKING:
    import torch

PACKAGE = "controlnet_aux"


@dataclass(frozen=True)
class Detector:
    """One of the package's classes; `asked` is what it is called with beside the picture."""

    name: str
    files: Mapping[str, str]
    """Its files' names by the arguments that take them."""
    asked: Mapping[str, Any] = field(default_factory=dict[str, Any])
    thresholds: tuple[str, ...] = ()
    """The arguments that take the preprocessor's two numbers."""


def installed() -> bool:
    """Whether the package is there; it isn't imported yet."""
    return find_spec(PACKAGE) is not None


class AuxiliaryAnnotating:
    """A detector that has been loaded."""

    def __init__(self, loaded: Any, detector: Detector) -> None:  # noqa: ANN401
        self._loaded = loaded
        self._detector = detector

    def to(self, device: Any, /) -> None:  # noqa: ANN401
        """Have the weights on a device."""
        if hasattr(self._loaded, "to"):
            self._loaded.to(device)

    def parameters(self) -> Iterator[torch.Tensor]:
        """The weights of the networks that it holds."""
        for held in vars(self._loaded).values():
            network = getattr(held, "model", held)  # those for poses are wrapped once more
            if hasattr(network, "parameters"):
                yield from network.parameters()

    def annotated(self, image: Image.Image, options: Options) -> Image.Image:
        """The map of a picture, computed at its own size."""
        side = min(image.size)
        numbers = zip(self._detector.thresholds, (options.threshold_a, options.threshold_b), strict=False)
        asked = {**self._detector.asked, **dict(numbers), "detect_resolution": side, "image_resolution": side}
        return self._loaded(image, output_type="pil", **asked).convert("RGB")


def read_auxiliary(detector: Detector, file: Path) -> Annotating:
    """The detector whose files lie beside `file`.

    Raises:
        Exception: whatever the package raises where it doesn't work.
    """
    kind = getattr(importlib.import_module(PACKAGE), detector.name)
    return AuxiliaryAnnotating(kind.from_pretrained(str(file.parent), **detector.files), detector)
