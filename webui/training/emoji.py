"""Emoji as training pictures, the demo model's among them: drawn from SVG, placed on plain grounds.

Before: `npm install @iconify-json/noto @iconify-json/fluent-emoji` and
`pip install resvg-py`. Noto is under Apache-2.0, Fluent under MIT.
"""

from __future__ import annotations

import io
import json
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from PIL import Image, ImageOps

STYLES = {"noto": "flat", "fluent-emoji": "3d"}
"""Icon set -> the word for its style that the demo model was taught."""
COLOURS = {
    "white": (255, 255, 255),
    "red": (214, 48, 49),
    "orange": (245, 150, 50),
    "yellow": (250, 215, 70),
    "green": (72, 170, 90),
    "blue": (52, 110, 215),
    "light blue": (150, 210, 245),
    "purple": (135, 85, 190),
    "pink": (245, 160, 195),
    "black": (18, 18, 22),
    "gray": (140, 140, 145),
    "brown": (125, 85, 55),
}
"""The grounds that the demo model was taught."""


@dataclass(frozen=True)
class Emoji:
    """One emoji: what it shows, in which style, and its square picture, RGBA."""

    thing: str
    style: str
    image: Image.Image


def emoji(modules: Path, sets: Iterable[str], things: Iterable[str], side: int) -> list[Emoji]:
    """Those of the icon sets in the folder `modules` that show `things`, `side` pixels wide.

    Raises:
        ImportError: resvg-py isn't installed.
        OSError: an icon set isn't there.
    """
    wanted = dict.fromkeys(things)
    found: list[Emoji] = []
    for name in sets:
        icons = json.loads((modules / "@iconify-json" / name / "icons.json").read_text(encoding="utf-8"))
        for thing in wanted:
            if icon := icons["icons"].get(thing.replace(" ", "-")):
                found.append(Emoji(thing, STYLES[name], _drawn(icon, icons, side)))
    return found


def _drawn(icon: dict[str, Any], icons: dict[str, Any], side: int) -> Image.Image:
    import resvg_py  # pyright: ignore[reportMissingImports]

    sides = [icon.get(name, icons.get(name, 16)) for name in ("width", "height")]
    svg = (
        '<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink" '
        f'viewBox="{icon.get("left", 0)} {icon.get("top", 0)} {sides[0]} {sides[1]}" '
        f'width="{side}" height="{side}">{icon["body"]}</svg>'
    )
    png = bytes(resvg_py.svg_to_bytes(svg_string=svg, width=side, height=side))
    return Image.open(io.BytesIO(png)).convert("RGBA").resize((side, side))


def on_ground(
    one: Emoji, colour: str, scale: float = 0.95, x: float = 0.5, y: float = 0.5, *, mirrored: bool = False
) -> Image.Image:
    """The emoji on a plain ground, RGB: at `scale`, at the fractions `x` and `y` of the room that is left."""
    side = one.image.width
    small = int(side * scale)
    image = one.image.resize((small, small), Image.Resampling.LANCZOS)
    image = ImageOps.mirror(image) if mirrored else image
    page = Image.new("RGB", (side, side), COLOURS[colour])
    page.paste(image, (int((side - small) * x), int((side - small) * y)), image)
    return page
