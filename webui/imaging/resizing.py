"""A picture brought to another size, by A1111's resize modes."""

from __future__ import annotations

import numpy as np
from PIL import Image

from webui.imaging.boxes import Box
from webui.infotext.names import RESIZE_MODES as RESIZE_MODES

JUST_RESIZE, CROP, FILL, LATENT = range(len(RESIZE_MODES))
LANCZOS = Image.Resampling.LANCZOS


def resized(
    image: Image.Image, width: int, height: int, mode: int, resample: Image.Resampling = LANCZOS
) -> Image.Image:
    """`image`, of any mode, at exactly `width` x `height`.

    `mode` 0 stretches it; 1 keeps its proportions and cuts off what is beyond, the same on both sides; 2
    keeps them and fills what is left by drawing out the edges. 3 is enlarged as latents: here as 0.
    """
    if image.size == (width, height):
        return image
    if mode == CROP:
        return image.resize((width, height), resample, _covering(image.size, width, height))
    if mode == FILL:
        return _filled(image, width, height, resample)
    return image.resize((width, height), resample)


def centred(inner: tuple[int, int], width: int, height: int) -> Box:
    """The box of `inner` size in the middle of `width` x `height`."""
    left, top = (width - inner[0]) // 2, (height - inner[1]) // 2
    return Box(left, top, left + inner[0], top + inner[1])


def padded(image: Image.Image, left: int, up: int, right: int, down: int) -> Image.Image:
    """`image` with its edges drawn out by so many pixels."""
    pixels = np.asarray(image)
    room = ((up, down), (left, right), *((0, 0),) * (pixels.ndim - 2))
    return Image.fromarray(np.pad(pixels, room, mode="edge"))


def _covering(size: tuple[int, int], width: int, height: int) -> tuple[float, float, float, float]:
    """The largest part of a picture of `size`, from its middle, with the proportions `width`:`height`."""
    scale = min(size[0] / width, size[1] / height)
    left, top = (size[0] - scale * width) / 2, (size[1] - scale * height) / 2
    return max(0.0, left), max(0.0, top), min(size[0], size[0] - left), min(size[1], size[1] - top)


def _filled(image: Image.Image, width: int, height: int, resample: Image.Resampling) -> Image.Image:
    scale = min(width / image.width, height / image.height)
    inner = max(1, min(width, round(image.width * scale))), max(1, min(height, round(image.height * scale)))
    box = centred(inner, width, height)
    return padded(image.resize(inner, resample), box.left, box.top, width - box.right, height - box.bottom)
