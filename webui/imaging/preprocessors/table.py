"""The preprocessors there are, by name, and what a unit asks of one."""

from __future__ import annotations

from collections.abc import Sequence

from PIL import Image

from webui.imaging.colours import reduced
from webui.imaging.masks import flattened, mask_of_alpha
from webui.imaging.preprocessors.preprocessor import Options, Preprocessor
from webui.imaging.resizing import LANCZOS
from webui.params import InvalidParamsError
from webui.params.control import ControlUnit

FILL = "Resize and Fill"
MAX_MAP = 4096 * 4096
"""Pixels. What would have more is looked at in a smaller copy."""


class Preprocessors:
    """The table; it never changes. Of two with one name the first is kept."""

    def __init__(self, preprocessors: Sequence[Preprocessor]) -> None:
        self._named: dict[str, Preprocessor] = {}
        self._known: dict[str, Preprocessor] = {}
        for preprocessor in preprocessors:
            self._named.setdefault(preprocessor.name, preprocessor)
        for preprocessor in self._named.values():
            self._known.setdefault(preprocessor.name.lower(), preprocessor)
        for preprocessor in self._named.values():
            for other in (preprocessor.title, *preprocessor.aliases):
                self._known.setdefault(other.lower(), preprocessor)

    def all(self) -> tuple[Preprocessor, ...]:
        """All of them, in the order in which they are offered."""
        return tuple(self._named.values())

    def find(self, name: str) -> Preprocessor:
        """The preprocessor of that name, title or alias, in any letter case.

        Raises:
            InvalidParamsError: there is none.
        """
        found = self._known.get(name.strip().lower())
        if found is None:
            raise InvalidParamsError(
                "control", f'There is no preprocessor "{name[:60]}" here. Choose one from the list.'
            )
        return found

    def usable(self, name: str) -> Preprocessor:
        """The preprocessor of that name, if nothing stands in its way.

        Raises:
            InvalidParamsError: there is none, or what it needs is missing.
        """
        found = self.find(name)
        if problem := found.missing():
            raise InvalidParamsError("control", problem)
        return found

    def maps(
        self, unit: ControlUnit, image: Image.Image, mask: Image.Image | None, size: tuple[int, int]
    ) -> Image.Image:
        """The unit's map, RGB, of `image`, to steer a picture of `size` (width, height).

        `mask` is L, of any size. Where the preprocessor needs a mask and there is none, the transparent
        parts of `image` take its place.

        Raises:
            InvalidParamsError: there is no such preprocessor, or it can't be used now.
        """
        preprocessor = self.usable(unit.module)
        if preprocessor.needs_mask and mask is None:
            mask = mask_of_alpha(image)
        options = settled(preprocessor, unit, image.size, size)
        # Reduced first: of a transparent picture of 100 million pixels there would else be three copies.
        seen = flattened(reduced(image, MAX_MAP))
        if preprocessor.has_resolution:
            seen = _brought(seen, options.resolution)
        if mask and mask.size != seen.size:
            mask = mask.resize(seen.size, Image.Resampling.BILINEAR)
        return preprocessor.run(seen, mask, options).convert("RGB")


def settled(
    preprocessor: Preprocessor, unit: ControlUnit, image: tuple[int, int], size: tuple[int, int]
) -> Options:
    """The unit's numbers. Those that were left out or don't fit the preprocessor are its usual ones.

    `image` and `size` are width and height of the control image and of the picture.
    """
    asked = pixel_perfect(image, size, unit.resize_mode == FILL) if unit.pixel_perfect else unit.processor_res
    shorter, longer = sorted(image)
    largest = int((MAX_MAP * shorter / longer) ** 0.5)
    slider_a, slider_b = preprocessor.threshold_a, preprocessor.threshold_b
    return Options(
        resolution=max(1, min(asked, largest)),
        threshold_a=slider_a.settled(unit.threshold_a) if slider_a else 0.0,
        threshold_b=slider_b.settled(unit.threshold_b) if slider_b else 0.0,
    )


def pixel_perfect(image: tuple[int, int], size: tuple[int, int], fill: bool) -> int:
    """The shorter side at which a map of `image` has the pixels of a picture of `size`, (width, height).

    `fill`: the map will lie within the picture; otherwise it will cover it.
    """
    scales = size[0] / image[0], size[1] / image[1]
    return max(1, round((min if fill else max)(scales) * min(image)))


def _brought(image: Image.Image, resolution: int) -> Image.Image:
    """`image` with a shorter side of `resolution` pixels."""
    scale = resolution / min(image.size)
    width, height = (max(1, round(side * scale)) for side in image.size)
    if (width, height) == image.size:
        return image
    return image.resize((width, height), LANCZOS if scale < 1 else Image.Resampling.BICUBIC)
