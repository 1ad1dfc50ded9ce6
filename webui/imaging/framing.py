"""A control image as it lies on the picture that it steers, by the ControlNet extension's resize modes."""

from __future__ import annotations

import numpy as np
from PIL import Image

from webui.imaging.views import WHOLE, View

JUST_RESIZE, CROP, FILL = "Just Resize", "Crop and Resize", "Resize and Fill"
FEW = 200
"""Up to so many colours an image is a map of areas or lines, whose colours are not to be mixed."""
Box = tuple[float, float, float, float]
"""Left, top, right, bottom, in pixels of the image."""
Colour = float | tuple[int, ...]


def framed(image: Image.Image, size: tuple[int, int], mode: str, view: View = WHOLE) -> Image.Image:
    """The part of `image` (L or RGB) that lies on `view`, at exactly `size` (width, height).

    Args:
        image: what steers.
        size: of the part that is drawn, in pixels.
        mode: "Just Resize" stretches the image over the whole picture; "Crop and Resize" covers the picture
            with it and cuts off what is beyond; "Resize and Fill" lays all of it within the picture, and
            fills what is left with the median colour of its border.
        view: the part of the whole picture that is drawn.
    """
    box = _seen(_frame(image.size, _whole(size, view), mode), view)
    if _within(box, image.size):
        return _resized(image, size, box)
    return _filled(image, size, box)


def _whole(size: tuple[int, int], view: View) -> float:
    """Width of the whole picture by its height."""
    return (size[0] / view.width) / (size[1] / view.height)


def _frame(size: tuple[int, int], proportion: float, mode: str) -> Box:
    """The part of an image of `size` that lies on the whole picture; it may reach beyond the image."""
    width, height = size
    if mode == JUST_RESIZE:
        return 0.0, 0.0, float(width), float(height)
    narrower = width / height < proportion
    if narrower == (mode == CROP):
        across, down = float(width), width / proportion
    else:
        across, down = height * proportion, float(height)
    left, top = (width - across) / 2, (height - down) / 2
    return left, top, left + across, top + down


def _seen(frame: Box, view: View) -> Box:
    across, down = frame[2] - frame[0], frame[3] - frame[1]
    left, top = frame[0] + view.left * across, frame[1] + view.top * down
    return left, top, left + view.width * across, top + view.height * down


def _within(box: Box, size: tuple[int, int]) -> bool:
    slack = 1e-6 * max(size)
    return box[0] >= -slack and box[1] >= -slack and box[2] <= size[0] + slack and box[3] <= size[1] + slack


def _resized(image: Image.Image, size: tuple[int, int], box: Box) -> Image.Image:
    """The part `box` of `image` at `size`. Lines stay black and white, areas keep their colours."""
    width, height = image.size
    part = (max(0.0, box[0]), max(0.0, box[1]), min(float(width), box[2]), min(float(height), box[3]))
    if part == (0, 0, width, height) and size == image.size:
        return image
    colours = image.getcolors(FEW)
    if colours is None:
        return image.resize(size, Image.Resampling.LANCZOS, part)
    if len(colours) > 2:
        return image.resize(size, Image.Resampling.NEAREST, part)
    return _parted(image.resize(size, Image.Resampling.BICUBIC, part), [colour for _, colour in colours])


def _parted(image: Image.Image, colours: list[Colour]) -> Image.Image:
    """`image` with the nearer one of two `colours` at each place."""
    pixels = np.asarray(image, np.float32)
    pixels = pixels.reshape(*pixels.shape[:2], -1)
    known = np.asarray(colours, np.float32).reshape(len(colours), -1)
    nearest = np.argmin([np.abs(pixels - colour).sum(-1) for colour in known], 0)
    return Image.fromarray(
        known[nearest].astype(np.uint8).squeeze(-1 if image.mode == "L" else ()), image.mode
    )


def _filled(image: Image.Image, size: tuple[int, int], box: Box) -> Image.Image:
    """The part `box`, which reaches beyond `image`, with the colour of the border there."""
    canvas = Image.new(image.mode, size, _border(image))
    scales = size[0] / (box[2] - box[0]), size[1] / (box[3] - box[1])
    part = (
        max(0.0, box[0]),
        max(0.0, box[1]),
        min(float(image.width), box[2]),
        min(float(image.height), box[3]),
    )
    if part[0] >= part[2] or part[1] >= part[3]:
        return canvas
    left, right = (round((side - box[0]) * scales[0]) for side in (part[0], part[2]))
    top, bottom = (round((side - box[1]) * scales[1]) for side in (part[1], part[3]))
    if right > left and bottom > top:
        canvas.paste(_resized(image, (right - left, bottom - top), part), (left, top))
    return canvas


def _border(image: Image.Image) -> Colour:
    pixels = np.asarray(image)
    edges = [pixels[0], pixels[-1], pixels[:, 0], pixels[:, -1]]
    median = np.median(np.concatenate(edges), axis=0)
    return int(median) if image.mode == "L" else tuple(int(value) for value in median)
