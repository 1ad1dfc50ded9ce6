"""Preprocessors: what makes the map that steers out of a control image."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from PIL import Image


def nothing() -> str | None:
    """What stands in the way of a preprocessor that needs no files."""
    return None


@dataclass(frozen=True)
class Slider:
    """One of a preprocessor's two numbers, as the page offers it."""

    title: str
    default: float
    least: float
    most: float
    step: float = 1.0

    def settled(self, asked: float | None) -> float:
        """What was asked for if it lies within the limits, else the default."""
        return asked if asked is not None and self.least <= asked <= self.most else self.default


@dataclass(frozen=True)
class Options:
    """What a preprocessor is asked for, settled."""

    resolution: int
    """The shorter side in pixels, that the picture has been brought to already."""
    threshold_a: float
    """The preprocessor's first number; 0 where it has none."""
    threshold_b: float


@dataclass(frozen=True)
class Preprocessor:
    """One way to make a map, under the name that A1111's users know."""

    name: str
    title: str
    control_type: str
    """The radio button that it belongs to, such as Canny, Lineart, Tile/Blur or IP-Adapter."""
    run: Callable[[Image.Image, Image.Image | None, Options], Image.Image]
    """Makes an RGB map of a picture (RGB) and a mask of its size (L, white where it holds) or None.

    The map may be of another size. Raises InvalidParamsError with a sentence where it can't be made.
    """
    threshold_a: Slider | None = None
    threshold_b: Slider | None = None
    has_resolution: bool = True
    """Whether the picture is brought to `Options.resolution` first; otherwise it keeps its size."""
    needs_mask: bool = False
    """Whether the unit's mask tells what is to change, rather than where the unit has a say."""
    steers: bool = False
    """Whether it steers without a model."""
    missing: Callable[[], str | None] = nothing
    """A sentence that tells why it can't be used now; None: it can."""
    finish: Callable[[Image.Image, Image.Image, Options], Image.Image] | None = None
    """Makes of a drawn picture and the control image, both RGB and of its size, the finished one."""
    aliases: tuple[str, ...] = ()
    """Other names that it goes by, in older texts and in API calls."""
