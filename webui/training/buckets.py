"""Buckets: the shapes that pictures are brought to, so that little of them is cropped.

Source: NovelAI's aspect ratio bucketing, https://blog.novelai.net/novelai-improvements-on-stable-diffusion-e10d38db82ac
"""

from __future__ import annotations

import math
from collections.abc import Sequence

Size = tuple[int, int]
"""Width and height in pixels."""
WIDEST = 64
"""Pixels by which the sides of neighbouring buckets differ at most."""


def bucket_of(size: Size, resolution: int) -> Size:
    """The bucket that comes closest to the shape of a picture of `size`."""
    shape = math.log(size[0] / size[1])

    def unlike(bucket: Size) -> tuple[float, int]:
        width, height = bucket
        return round(abs(math.log(width / height) - shape), 9), -width * height

    return min(buckets(resolution), key=unlike)


def buckets(resolution: int) -> list[Size]:
    """All of a training at `resolution`: the square, and others of at most as many pixels.

    Their sides are multiples of 8, and from half to twice the square's.
    """
    step = min(WIDEST, max(8, resolution // 64 * 8))
    found = {(resolution, resolution)}
    for long in range(math.ceil(resolution / step) * step, 2 * resolution + 1, step):
        short = resolution**2 // long // step * step
        if 2 * short >= resolution:
            found |= {(long, short), (short, long)}
    return sorted(found)


def grouped(sizes: Sequence[Size]) -> list[list[int]]:
    """The numbers of pictures that have the same size, and so can be looked at together."""
    groups: dict[Size, list[int]] = {}
    for number, size in enumerate(sizes):
        groups.setdefault(size, []).append(number)
    return list(groups.values())
