"""Parts of a picture that stand out: by how striking they are, by their colour, or by a mask."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from PIL import Image, ImageColor, ImageFilter

from webui.imaging.boxes import Box
from webui.imaging.colours import reduced
from webui.imaging.lab import to_lab

LOOKED_AT = 2**21
"""Pixels: larger pictures are searched in a smaller copy."""
WIDEST = 100.0
"""The difference in L*a*b* that a tolerance of 1 allows: as of black and white."""
BLUR = 1 / 250
"""Of the longer side: what is finer is texture, and not looked at."""
HALF = 128
THRESHOLD = [0] * HALF + [255] * HALF


@dataclass(frozen=True)
class Region:
    """One part of a picture: the box around it, and a mask (L) of the whole picture's size, white in it."""

    box: Box
    mask: Image.Image


def by_saliency(
    image: Image.Image, threshold: float, min_area: float = 0.0, max_regions: int = 32
) -> list[Region]:
    """Parts that differ from the picture's mean colour by `threshold` (0 to 1) of the greatest difference.

    Frequency-tuned saliency (Achanta et al. 2009), (4): the distance in L*a*b* between the mean of the
    picture and the picture without its finest detail. A picture of one colour has none.
    """

    def striking(small: Image.Image) -> np.ndarray:
        calm = small.filter(ImageFilter.GaussianBlur(BLUR * max(small.size)))
        difference = _distance(to_lab(np.asarray(calm)), to_lab(np.asarray(small)).mean((0, 1)))
        most = difference.max()
        return difference >= max(threshold, 1e-3) * most if most > 1 else np.zeros(difference.shape, bool)

    return _found(image, striking, min_area, max_regions)


def by_color(
    image: Image.Image, color: str, tolerance: float, min_area: float = 0.0, max_regions: int = 32
) -> list[Region]:
    """Parts whose colour is near `color`, such as #ff0000; a `tolerance` of 1 takes black for white."""
    wanted = to_lab(np.array(ImageColor.getrgb(color)[:3], np.uint8))
    # Bytes are rounded: a tolerance of nothing still takes the colour itself.
    limit = max(tolerance * WIDEST, 1e-3)
    return _found(
        image, lambda small: _distance(to_lab(np.asarray(small)), wanted) <= limit, min_area, max_regions
    )


def by_mask(mask: Image.Image, min_area: float = 0.0, max_regions: int = 32) -> list[Region]:
    """The white parts of a mask (L), each that hangs together for itself."""
    return _components(np.asarray(mask) >= HALF, min_area, max_regions)


def dilated(region: Region, pixels: int) -> Region | None:
    """`region` grown by so many pixels on all sides, or shrunk where they are negative.

    None if nothing is left of it.
    """
    if not pixels:
        return region
    from scipy import ndimage

    change = ndimage.maximum_filter if pixels > 0 else ndimage.minimum_filter
    mask = Image.fromarray(change(np.asarray(region.mask), 2 * abs(pixels) + 1, mode="constant"))
    box = mask.getbbox()
    return Region(Box(*box), mask) if box else None


def _distance(lab: np.ndarray, other: np.ndarray) -> np.ndarray:
    return np.sqrt(((lab - other) ** 2).sum(-1))


def _found(
    image: Image.Image, marked: Callable[[Image.Image], np.ndarray], min_area: float, max_regions: int
) -> list[Region]:
    """The parts that `marked` finds, searched in a copy of moderate size."""
    small = reduced(image.convert("RGB"), LOOKED_AT)
    regions = _components(marked(small), min_area, max_regions)
    return [_enlarged(region, image.size) for region in regions] if small.size != image.size else regions


def _enlarged(region: Region, size: tuple[int, int]) -> Region:
    wide = region.mask.resize(size, Image.Resampling.BILINEAR).point(THRESHOLD)
    box = wide.getbbox()
    return Region(Box(*box), wide) if box else Region(Box(0, 0, *size), wide)


def _components(marked: np.ndarray, min_area: float, max_regions: int) -> list[Region]:
    """Marked pixels that touch, corners too, largest first; without those under `min_area` of the picture."""
    from scipy import ndimage

    labels = np.empty(marked.shape, np.int32)
    ndimage.label(marked, structure=np.ones((3, 3)), output=labels)
    areas = np.bincount(labels.ravel())
    areas[0] = 0
    order = np.argsort(-areas, kind="stable")[:max_regions]
    kept = [int(label) for label in order if areas[label] > 0 and areas[label] >= min_area * marked.size]
    masks = [Image.fromarray(np.where(labels == label, 255, 0).astype(np.uint8)) for label in kept]
    return [Region(Box(*box), mask) for mask in masks if (box := mask.getbbox())]
