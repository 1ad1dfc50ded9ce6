"""The pictures of a dataset as latents, each encoded once."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import torch
from PIL import Image, ImageOps
from torch import Tensor

from webui.engine.conditioning import Interrupted
from webui.engine.decoding import Decoder
from webui.engine.protocol import EngineError, Observer
from webui.imaging.masks import flattened
from webui.imaging.reading import PictureError, read_picture


class Latents:
    """Latents in RAM, of every picture and, where `flip` is on, of its mirror image.

    Raises:
        EngineError: a picture can't be read.
        Interrupted: the observer said so.
    """

    def __init__(
        self, files: Sequence[Path], decoder: Decoder, side: int, observer: Observer, *, flip: bool
    ) -> None:
        self._upright: list[Tensor] = []
        self._mirrored: list[Tensor] = []
        for image in squares(files, side, observer):
            self._upright.append(decoder.encode_picture(image).cpu())
            if flip:
                self._mirrored.append(decoder.encode_picture(ImageOps.mirror(image)).cpu())

    def batch(self, pictures: Sequence[int], mirrored: Sequence[bool]) -> Tensor:
        """Those of the pictures with these numbers, shape (batch, channels, height, width)."""
        chosen = zip(pictures, mirrored, strict=True)
        return torch.cat([(self._mirrored if mirror else self._upright)[number] for number, mirror in chosen])


def squares(files: Sequence[Path], side: int, observer: Observer) -> Iterator[Image.Image]:
    """The pictures, RGB, cropped to their middle and brought to `side` pixels; transparent ones on white.

    Raises:
        EngineError: one can't be read; the text names it.
        Interrupted: the observer said so.
    """
    for file in files:
        if observer.interrupted():
            raise Interrupted
        try:
            picture = read_picture(file.read_bytes(), file.name)
        except PictureError as error:
            raise EngineError(str(error)) from error
        except OSError as error:
            raise EngineError(f'The picture "{file.name}" of the dataset can\'t be read any more.') from error
        yield ImageOps.fit(flattened(picture), (side, side), Image.Resampling.LANCZOS)
