"""What can find the parts of a picture that the detailer draws once more."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from PIL import Image

from webui.imaging.regions import Region, by_color, by_mask, by_saliency
from webui.imaging.resizing import JUST_RESIZE, resized
from webui.params import InvalidParamsError
from webui.params.detailer import NO_DETAILER, DetailerParams

Find = Callable[[Image.Image, DetailerParams, Image.Image | None], list[Region]]


@dataclass(frozen=True)
class Detector:
    """One way to find parts: `find` is given the picture (RGB), the wish, and the mask that came with it (L).

    It gives the parts largest first, heeding `detailer_min_area` and `detailer_max_regions`.
    """

    name: str
    find: Find
    needs_mask: bool = False


def _saliency(image: Image.Image, params: DetailerParams, _: Image.Image | None) -> list[Region]:
    return by_saliency(
        image, params.detailer_threshold, params.detailer_min_area, params.detailer_max_regions
    )


def _color(image: Image.Image, params: DetailerParams, _: Image.Image | None) -> list[Region]:
    limits = params.detailer_min_area, params.detailer_max_regions
    return by_color(image, params.detailer_color, params.detailer_threshold, *limits)


def _mask(image: Image.Image, params: DetailerParams, mask: Image.Image | None) -> list[Region]:
    if mask is None:
        return []
    fitted = resized(mask, *image.size, JUST_RESIZE)
    return by_mask(fitted, params.detailer_min_area, params.detailer_max_regions)


BUILT_IN = (Detector("Saliency", _saliency), Detector("Color", _color), Detector("Mask", _mask, True))
"""Those that need no model. Whoever has more passes a longer table on."""


def detector_names(detectors: Sequence[Detector] = BUILT_IN) -> list[str]:
    """What there is to choose from, none first."""
    return [NO_DETAILER, *(detector.name for detector in detectors)]


def find_detector(name: str, detectors: Sequence[Detector] = BUILT_IN) -> Detector | None:
    """The detector of that name, in any letter case; None where none is asked for.

    Raises:
        InvalidParamsError: there is no such detector.
    """
    wanted = name.strip().lower()
    if wanted in ("", NO_DETAILER.lower()):
        return None
    for detector in detectors:
        if detector.name.lower() == wanted:
            return detector
    known = ", ".join(detector_names(detectors))
    raise InvalidParamsError("detailer", f'There is no detector "{name[:60]}" here. Choose one of: {known}.')
