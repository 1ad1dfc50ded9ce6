"""Sizes: what is drawn, and what comes out of it."""

from __future__ import annotations

from webui.params import GenerationParams
from webui.params.sides import GRAIN, MIN_SIDE

Size = tuple[int, int]


def drawn_size(params: GenerationParams, size: Size) -> Size:
    """Width and height that are drawn from a picture of `size`: multiples of 8, at least 64.

    They are those of `params`, or where it is to be resized by a factor what that makes of the picture and
    the room to paint around it, rounded up.
    """
    if not params.scale_by:
        return params.width, params.height
    width, height = _scaled(params, size)
    return _rounded_up(width), _rounded_up(height)


def final_size(params: GenerationParams, size: Size, *, masked: bool | None = None) -> Size:
    """Width and height, exact, of what comes out when a picture of `size` is drawn from.

    Where only the masked part is drawn, that is the picture's own with the room painted around it. `masked`
    says whether there is a mask, for who knows of transparent parts; None: as far as `params` tell.
    """
    if params.inpaint_full_res and (params.masked if masked is None else masked):
        return extended_size(params, size)
    return _scaled(params, size) if params.scale_by else (params.width, params.height)


def extended_size(params: GenerationParams, size: Size) -> Size:
    """Width and height of a picture of `size` with the room to paint around it."""
    left, up, right, down = params.outpaint
    return size[0] + left + right, size[1] + up + down


def _scaled(params: GenerationParams, size: Size) -> Size:
    width, height = extended_size(params, size)
    return max(1, round(width * params.scale_by)), max(1, round(height * params.scale_by))


def _rounded_up(side: int) -> int:
    return max(MIN_SIDE, -(-side // GRAIN) * GRAIN)
