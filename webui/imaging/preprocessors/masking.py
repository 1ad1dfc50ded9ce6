"""What is to be painted anew, for inpaint ControlNets."""

from __future__ import annotations

from PIL import Image

from webui.imaging.preprocessors.preprocessor import Options

HALF = 127
"""Above this grey a place is to be painted anew."""


def blanked(image: Image.Image, mask: Image.Image | None, _: Options) -> Image.Image:
    """The picture, black where `mask` is white."""
    seen = image.convert("RGB")
    if mask is None:
        return seen
    seen.paste((0, 0, 0), mask=mask.point([255 * (grey > HALF) for grey in range(256)]))
    return seen
