"""Regional prompts: how much each region's prompt, and the picture's own, counts at each place.

Each region is a row of its own of the UNet. What the rows give is mixed by maps of the latents, which are
made anew for each pass: another size, or another part of the picture, has other maps.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image, ImageFilter
from torch import Tensor

from webui.engine.protocol import Order
from webui.imaging.views import View
from webui.params.regions import Region

Map = NDArray[np.float64]
"""Shares of the whole, from 0 to 1, shape (height, width) in latents."""
EDGE = 0.9999
"""From here on an edge is the picture's own: shares of sides are rounded on their way here."""
SAMPLES = 4
"""How often a mask is looked at along each side of a latent."""
NOTHING = 1e-4
"""A share that is nowhere above this has no say."""


@dataclass(frozen=True, eq=False)
class Shares:
    """How much prompts count: everywhere alike, or for each place, shape (1, height, width) in latents.

    At each place those of the picture's own prompt and of the regions sum up to 1.
    """

    own: float | Tensor = 1.0
    """0: the picture's own prompt is heard nowhere."""
    regions: Mapping[int, float | Tensor] = field(default_factory=dict[int, float | Tensor])
    """By the region's place among those of the params; what has no say is left out."""

    @classmethod
    def of(cls, order: Order, height: int, width: int, device: torch.device) -> Shares:
        """Those of `order`, for latents of this size that show the part of the picture that is drawn."""
        params = order.params
        masks = order.region_masks or (None,) * len(params.regions)
        covers = {
            number: _cover(region, mask, order.view, (height, width), params.regions_feather)
            for number, (region, mask) in enumerate(zip(params.regions, masks, strict=True))
            if region.weight
        }
        covers = {number: cover for number, cover in covers.items() if cover.max() > NOTHING}
        if not covers:
            return ALONE
        weights = [params.regions[number].weight for number in covers]
        own, others = shared(list(covers.values()), weights, params.regions_base)
        said = {number: _said(other, device) for number, other in zip(covers, others, strict=True)}
        return cls(_said(own, device), said)


ALONE = Shares()
"""There are no regions."""


def shared(covers: Sequence[Map], weights: Sequence[float], base: float) -> tuple[Map, list[Map]]:
    """The shares of the picture's own prompt and of the regions, which sum up to 1 everywhere.

    Args:
        covers: of each region how far it covers each place, all of the same shape; one or more.
        weights: the regions', above 0. Where regions overlap they divide the room among themselves.
        base: what is left to the picture's own prompt where regions of weight 1 cover all, from 0 to 1.
    """
    together = np.sum(covers, 0)
    room = (1 - base) / np.maximum(1, together)
    pulls = [cover * weight * room for cover, weight in zip(covers, weights, strict=True)]
    own = 1 - (1 - base) * np.minimum(1, together)
    whole = own + np.sum(pulls, 0)
    return own / whole, [pull / whole for pull in pulls]


def _said(share: Map, device: torch.device) -> float | Tensor:
    """As a number where it is the same everywhere: a whole one makes a plain prompt of it."""
    if share.max() <= NOTHING:
        return 0.0
    if np.ptp(share) == 0:
        return float(share.flat[0])
    return torch.from_numpy(share.astype(np.float32)).to(device)[None]


def _cover(
    region: Region, mask: Image.Image | None, view: View, size: tuple[int, int], feather: float
) -> Map:
    """How far `region` covers each of the latents, `size` of them (height, width), that show `view`."""
    cells = size[1] / view.width, size[0] / view.height
    soft = feather * min(cells)
    # Shares of the sides over which an edge fades: a latent at least, since a place is covered in part.
    fades = max(1.0, soft) / cells[0], max(1.0, soft) / cells[1]
    if mask is not None:
        return _painted(mask, view, size, (soft / cells[0], soft / cells[1]))
    across = _between(region.x, region.x + region.width, _places(view.left, view.width, size[1]), fades[0])
    down = _between(region.y, region.y + region.height, _places(view.top, view.height, size[0]), fades[1])
    return down[:, None] * across


def _places(start: float, length: float, count: int) -> Map:
    """The middles of `count` equal parts of a stretch."""
    return start + (np.arange(count) + 0.5) / count * length


def _between(low: float, high: float, places: Map, fade: float) -> Map:
    """1 between two edges and 0 beyond them, fading evenly. At the picture's own edges nothing fades.

    Of two stretches that share an edge what one loses there the other gains.
    """
    rises = np.clip((places - low) / fade + 0.5, 0, 1) if low > 1 - EDGE else 1.0
    falls = np.clip((places - high) / fade + 0.5, 0, 1) if high < EDGE else 0.0
    return np.broadcast_to(rises - falls, places.shape)


def _painted(mask: Image.Image, view: View, size: tuple[int, int], fades: tuple[float, float]) -> Map:
    """A mask that is stretched over the picture, its edges faded, as its view lies on the latents."""
    sides = zip(fades, mask.size, strict=True)
    across, down = (max(0.0, (fade * side - 1) / 2) for fade, side in sides)
    blurred = mask.convert("L").filter(ImageFilter.BoxBlur((across, down)))
    greys = np.asarray(blurred, np.float64) / 255
    rows = _looked_at(_places(view.top, view.height, size[0] * SAMPLES), mask.height)
    columns = _looked_at(_places(view.left, view.width, size[1] * SAMPLES), mask.width)
    seen = greys[rows][:, columns]
    return seen.reshape(size[0], SAMPLES, size[1], SAMPLES).mean((1, 3))


def _looked_at(places: Map, pixels: int) -> NDArray[np.intp]:
    """The pixels at these places of a side; beyond the picture those at its edge."""
    return np.clip(places * pixels, 0, pixels - 1).astype(np.intp)
