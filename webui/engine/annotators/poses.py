"""Poses: the skeletons of the people in a picture, drawn as ControlNets know them."""

from __future__ import annotations

from math import atan2, ceil, cos, hypot, pi, sin
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from PIL import Image, ImageDraw
from torch import Tensor, nn

from webui.engine.annotators.people import BEGINNING, LIMBS, Joint, people
from webui.engine.annotators.pixels import device_of, pixels_of
from webui.engine.annotators.pose_network import PoseNetwork, read_pose_network
from webui.imaging.preprocessors.preprocessor import Options

SEEN_HEIGHT = 184
"""Pixels: the size at which people are looked for."""
MULTIPLE, GREY = 8, 128.0
COLOURS = (
    (255, 0, 0), (255, 85, 0), (255, 170, 0), (255, 255, 0), (170, 255, 0), (85, 255, 0), (0, 255, 0),
    (0, 255, 85), (0, 255, 170), (0, 255, 255), (0, 170, 255), (0, 85, 255), (0, 0, 255), (85, 0, 255),
    (170, 0, 255), (255, 0, 255), (255, 0, 170), (255, 0, 85),
)  # fmt: skip
"""Of the limbs, darkened, and of the joints."""
DARKENED = 0.6
THICK = 4
"""Pixels: half of a limb's width, and a joint's radius."""
CORNERS = 24
LOOKED_AT = 512 * 768
"""Pixels that joints are found among: finer than the network sees in any case."""

Point = tuple[float, float]


class PoseFinder(nn.Module):
    """Skeletons on black."""

    def __init__(self, network: PoseNetwork) -> None:
        super().__init__()
        self.network = network

    def annotated(self, image: Image.Image, _: Options) -> Image.Image:
        """The skeletons of all people in a picture."""
        scale = min(1.0, (LOOKED_AT / (image.width * image.height)) ** 0.5)
        small = image.resize(
            (ceil(image.width * scale), ceil(image.height * scale)), Image.Resampling.BICUBIC
        )
        limbs, joints = (seen.cpu().numpy() for seen in self._seen(small))
        return drawn(people(limbs, joints), small.size, image.size)

    @torch.inference_mode()
    def _seen(self, image: Image.Image) -> tuple[Tensor, Tensor]:
        """Limbs and joints at the picture's size, shape (38 and 19, height, width)."""
        scale = SEEN_HEIGHT / image.height
        width, height = max(1, round(image.width * scale)), max(1, round(image.height * scale))
        pixels = pixels_of(image.resize((width, height), Image.Resampling.BICUBIC), device_of(self)).flip(1)
        room = (0, -width % MULTIPLE, 0, -height % MULTIPLE)
        outputs = self.network(F.pad(pixels, room, value=GREY) / 256 - 0.5)
        limbs, joints = (_enlarged(seen, (height, width), (image.height, image.width)) for seen in outputs)
        return limbs, joints


def _enlarged(seen: Tensor, inner: tuple[int, int], size: tuple[int, int]) -> Tensor:
    whole = F.interpolate(seen.float(), scale_factor=float(MULTIPLE), mode="bicubic", align_corners=False)
    cut = whole[..., : inner[0], : inner[1]]
    return F.interpolate(cut, size, mode="bicubic", align_corners=False)[0]


def drawn(found: list[dict[int, Joint]], inner: tuple[int, int], size: tuple[int, int]) -> Image.Image:
    """A picture of `size` with the skeletons of people found in one of `inner` (both width and height)."""
    image = Image.new("RGB", size)
    brush = ImageDraw.Draw(image)
    across, down = size[0] / inner[0], size[1] / inner[1]
    places = [
        {kind: (joint.x * across, joint.y * down) for kind, joint in person.items()} for person in found
    ]
    for number, (begin, end) in enumerate(LIMBS[:BEGINNING]):
        colour = tuple(int(channel * DARKENED) for channel in COLOURS[number])
        for person in places:
            if begin in person and end in person:
                brush.polygon(_ellipse(person[begin], person[end]), colour)
    for person in places:
        for kind, (x, y) in person.items():
            brush.ellipse((x - THICK, y - THICK, x + THICK, y + THICK), COLOURS[kind])
    return image


def _ellipse(begin: Point, end: Point) -> list[Point]:
    """The outline of a limb: an ellipse from one joint to the other."""
    (x, y), (to_x, to_y) = begin, end
    half, turned = hypot(to_x - x, to_y - y) / 2, atan2(to_y - y, to_x - x)
    angles = np.linspace(0, 2 * pi, CORNERS, endpoint=False)
    long, wide = half * np.cos(angles), THICK * np.sin(angles)
    outline_x = (x + to_x) / 2 + long * cos(turned) - wide * sin(turned)
    outline_y = (y + to_y) / 2 + long * sin(turned) + wide * cos(turned)
    return list(zip(outline_x.tolist(), outline_y.tolist(), strict=True))


def read_poses(file: Path) -> PoseFinder:
    """What finds poses by the network in body_pose_model.pth.

    Raises:
        WeightsError: it is damaged or holds another network.
    """
    return PoseFinder(read_pose_network(file))
