"""A picture with room to paint around it."""

from __future__ import annotations

import numpy as np
from PIL import Image

from webui.imaging.boxes import Box
from webui.imaging.filling import filled

NOISE = 12.0
"""Standard deviation of the noise in the new room, of 255."""
SEED = 0
REACH = 0.5
"""How far the mirrored picture reaches into the new room before plain colours take over, of its width."""


def extended(
    image: Image.Image, left: int, up: int, right: int, down: int
) -> tuple[Image.Image, Image.Image]:
    """`image` (RGB) with so many pixels more on each side, and a mask (L) that is white in the new room.

    What is near an edge goes on as in a mirror and fades into the colours of the edge, with a little noise,
    so that there is something to draw on. The same picture always gives the same.
    """
    pixels = np.asarray(image.convert("RGB"), np.float32)
    room = ((up, down), (left, right))
    old = Box(left, up, left + image.width, up + image.height)
    distance = _distance(image.size, room)
    mirrored = np.pad(pixels, (*room, (0, 0)), mode="symmetric")
    away = Image.fromarray(np.where(distance > 0, 255, 0).astype(np.uint8))
    smooth = np.asarray(filled(_placed(image, old, away.size), away), np.float32)
    blend = np.minimum(distance / max(1.0, REACH * max(left, up, right, down)), 1)[..., None]
    noise = NOISE * np.random.default_rng(SEED).standard_normal((*distance.shape, 3), np.float32)
    painted = np.clip(np.rint(mirrored * (1 - blend) + smooth * blend + noise), 0, 255).astype(np.uint8)
    picture = Image.fromarray(painted)
    picture.paste(image.convert("RGB"), (old.left, old.top))
    mask = Image.new("L", picture.size, 255)
    mask.paste(0, old)
    return picture, mask


def _placed(image: Image.Image, box: Box, size: tuple[int, int]) -> Image.Image:
    placed = Image.new("RGB", size)
    placed.paste(image.convert("RGB"), (box.left, box.top))
    return placed


def _distance(size: tuple[int, int], room: tuple[tuple[int, int], tuple[int, int]]) -> np.ndarray:
    """How far each pixel is from the old picture, in pixels; 0 inside."""
    (up, down), (left, right) = room
    across = np.pad(np.zeros(size[0], np.float32), (left, right), "linear_ramp", end_values=(left, right))
    along = np.pad(np.zeros(size[1], np.float32), (up, down), "linear_ramp", end_values=(up, down))
    return np.hypot(across[None, :], along[:, None])
