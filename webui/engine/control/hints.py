"""What a unit shows its network: its map, as large as what is drawn, and where it has a say."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from webui.engine.batch import Batch
from webui.engine.protocol import Control, EngineError, Inputs, Order
from webui.engine.sources import Scene
from webui.imaging.framing import framed
from webui.imaging.masks import flattened, mask_of_alpha
from webui.imaging.preprocessors.table import Preprocessors
from webui.imaging.views import WHOLE, View
from webui.params.control import ControlUnit

INPAINT = "Inpaint"
"""The control type whose networks see the picture itself, and where it is to change."""
HALF = 127
"""Above this grey a place of a mask is to change."""
KEPT = 32
"""Hints that are kept: of all units and some tiles."""


@dataclass(frozen=True)
class Hint:
    """What one unit shows, at the size of what is drawn."""

    image: Image.Image
    """RGB: the map, or the picture itself where it is to be painted in."""
    mask: Image.Image | None = None
    """L: white where the unit has a say, or where the picture is to change."""
    inpaints: bool = False
    """Which of the two the mask says."""

    def pixels(self, emptied: float) -> Tensor:
        """Shape (1, 3, height, width), from 0 to 1. What is to change is `emptied`, a number."""
        values = torch.from_numpy(np.asarray(self.image.convert("RGB"), np.float32) / 255)
        pixels = values.permute(2, 0, 1)[None].contiguous()
        if not self.inpaints or self.mask is None:
            return pixels
        return torch.where(self._greys() > HALF / 255, emptied, pixels)

    def region(self) -> Tensor | None:
        """Where it has a say: shape (1, 1, height, width), from 0 to 1. None: everywhere."""
        return None if self.inpaints or self.mask is None else self._greys()

    def _greys(self) -> Tensor:
        return torch.from_numpy(np.asarray(self.mask, np.float32) / 255)[None, None]


@dataclass(frozen=True, eq=False)
class _Known:
    control: Control
    inputs: Inputs
    size: tuple[int, int]
    view: View
    hint: Hint


class Hints:
    """Makes hints, each once: a batch, and the next one, ask for the same."""

    def __init__(self, preprocessors: Preprocessors) -> None:
        self._preprocessors = preprocessors
        self._known: list[_Known] = []

    def of(self, control: Control, batch: Batch, size: tuple[int, int]) -> Hint:
        """What `control` shows where `batch` is drawn at `size` (width, height) in pixels.

        Raises:
            EngineError: an inpaint ControlNet isn't told what is to change.
            InvalidParamsError: the preprocessor isn't there or can't be used.
        """
        order = batch.order
        for known in self._known:
            same = known.control is control and known.inputs is order.inputs
            if same and (known.size, known.view) == (size, order.view):
                return known.hint
        hint = self._made(control, batch, size)
        self._known = [*self._known[1 - KEPT :], _Known(control, order.inputs, size, order.view, hint)]
        return hint

    def forget(self) -> None:
        """Let go what is kept."""
        self._known = []

    def _made(self, control: Control, batch: Batch, size: tuple[int, int]) -> Hint:
        unit, order = control.unit, batch.order
        scene = _scene(batch)
        if self._preprocessors.find(unit.module).control_type == INPAINT:
            return _inpainted(control, order, scene, size)
        mask = control.mask.convert("L") if control.mask else None
        region = framed(mask, size, unit.resize_mode, order.view) if mask else None
        if scene and not unit.image:
            seen = self._preprocessors.maps(unit, scene.seen(), region, size)
            return Hint(_fitted(seen, size, unit, WHOLE), region)
        if order.view == WHOLE:
            seen = self._preprocessors.maps(unit, control.image, mask, size)
            return Hint(_fitted(seen, size, unit, WHOLE), region)
        # The part first: of a large picture's tile the map is to show as much as of a small picture.
        part = framed(flattened(control.image), size, unit.resize_mode, order.view)
        return Hint(_fitted(self._preprocessors.maps(unit, part, region, size), size, unit, WHOLE), region)


def _fitted(image: Image.Image, size: tuple[int, int], unit: ControlUnit, view: View) -> Image.Image:
    return framed(image.convert("RGB"), size, unit.resize_mode, view)


def _scene(batch: Batch) -> Scene | None:
    """What img2img draws from, where it does; the second pass of hires fix draws from the first."""
    if not batch.params.init_images or batch.before is not None:
        return None
    return Scene.of(batch.order.inputs, batch.params)


def _inpainted(control: Control, order: Order, scene: Scene | None, size: tuple[int, int]) -> Hint:
    unit = control.unit
    if scene and not unit.image:
        image = scene.seen()
    else:
        image = framed(flattened(control.image), size, unit.resize_mode, order.view)
    mask = _to_change(control, order, scene, size)
    if mask is None:
        raise EngineError(
            f'"{unit.module}" wants to know what is to change. Paint a mask on its control image.'
        )
    return Hint(image, mask, inpaints=True)


def _to_change(
    control: Control, order: Order, scene: Scene | None, size: tuple[int, int]
) -> Image.Image | None:
    """The unit's own mask, or its picture's transparent parts, or what img2img is to change."""
    unit = control.unit
    own = control.mask if unit.mask else mask_of_alpha(control.image) if unit.image else None
    if own is None and scene and (mask := scene.seen_mask()):
        return mask
    own = own or control.mask
    return framed(own.convert("L"), size, unit.resize_mode, order.view) if own else None
