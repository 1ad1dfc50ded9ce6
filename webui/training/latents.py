"""The pictures of a dataset as latents, each encoded once."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

import torch
from PIL import Image, ImageOps
from torch import Tensor

from webui.engine.conditioning import Interrupted
from webui.engine.decoding import Decoder
from webui.engine.protocol import EngineError, Observer
from webui.imaging.masks import flattened
from webui.imaging.reading import PictureError, read_picture
from webui.training.buckets import Size, bucket_of


class Latents:
    """Latents in RAM, of every picture and, where `flip` is on, of its mirror image."""

    def __init__(self, images: Iterable[Image.Image], decoder: Decoder, *, flip: bool) -> None:
        self.sizes: list[Size] = []
        """The pictures' own."""
        self._upright: list[Tensor] = []
        self._mirrored: list[Tensor] = []
        for image in images:
            self.sizes.append(image.size)
            self._upright.append(decoder.encode_picture(image).cpu())
            if flip:
                self._mirrored.append(decoder.encode_picture(ImageOps.mirror(image)).cpu())

    def batch(self, pictures: Sequence[int], mirrored: Sequence[bool]) -> Tensor:
        """Those of pictures of one size, by their numbers: (batch, channels, height, width)."""
        chosen = zip(pictures, mirrored, strict=True)
        return torch.cat([(self._mirrored if mirror else self._upright)[number] for number, mirror in chosen])


def framed(
    files: Iterable[Path], resolution: int, observer: Observer, *, buckets: bool
) -> Iterator[Image.Image]:
    """The pictures, RGB, cropped to their middle: to their buckets, or to squares; transparent ones on white.

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
        size = bucket_of(picture.size, resolution) if buckets else (resolution, resolution)
        yield ImageOps.fit(flattened(picture), size, Image.Resampling.LANCZOS)
