"""Masks: where a picture is to change, and how the change is put into it."""

from __future__ import annotations

from PIL import Image, ImageChops, ImageColor, ImageFilter

from webui.imaging.boxes import Box
from webui.imaging.filling import filled as filled

WHITE = "#ffffff"


def mask_of_alpha(image: Image.Image) -> Image.Image | None:
    """The transparent parts as a mask (L), white where nothing shows; None if nothing is transparent."""
    if image.mode != "RGBA":
        return None
    mask = inverted(image.getchannel("A"))
    return None if empty(mask) else mask


def flattened(image: Image.Image, background: str = WHITE) -> Image.Image:
    """`image` as RGB; what is transparent shows `background`, a colour such as #ffffff."""
    if image.mode != "RGBA":
        return image.convert("RGB")
    below = Image.new("RGBA", image.size, (*ImageColor.getrgb(background)[:3], 255))
    return Image.alpha_composite(below, image).convert("RGB")


def inverted(mask: Image.Image) -> Image.Image:
    """Black for white."""
    return ImageChops.invert(mask)


def joined(mask: Image.Image, other: Image.Image) -> Image.Image:
    """White where either is; both are of one size."""
    return ImageChops.lighter(mask, other)


def blurred(mask: Image.Image, radius: float) -> Image.Image:
    """`mask` with soft edges: a Gaussian of standard deviation `radius`, in pixels."""
    return mask.filter(ImageFilter.GaussianBlur(radius)) if radius > 0 else mask


def empty(mask: Image.Image) -> bool:
    """Whether nothing is masked."""
    return mask.getbbox() is None


def bounding_box(mask: Image.Image) -> Box | None:
    """The smallest box around all that isn't black; None if all is."""
    found = mask.getbbox()
    return Box(*found) if found else None


def region_of(mask: Image.Image, padding: int, width: int, height: int) -> Box:
    """What is cut out to draw the masked part at `width` x `height`.

    Around it are `padding` pixels, as far as the picture goes, then more on the sides that are too short for
    those proportions, again as far as it goes.

    Raises:
        ValueError: nothing is masked.
    """
    found = bounding_box(mask)
    if found is None:
        raise ValueError("nothing is masked")
    left, right = max(0, found.left - padding), min(mask.width, found.right + padding)
    top, bottom = max(0, found.top - padding), min(mask.height, found.bottom + padding)
    across, down = right - left, bottom - top
    if across * height < down * width:
        left, right = _grown(left, right, round(down * width / height), mask.width)
    else:
        top, bottom = _grown(top, bottom, round(across * height / width), mask.height)
    return Box(left, top, right, bottom)


def _grown(start: int, end: int, length: int, limit: int) -> tuple[int, int]:
    """A stretch of `length` around this one, moved to lie within 0 and `limit`, or all of that."""
    length = max(end - start, min(length, limit))
    begun = min(max(0, start - (length - (end - start)) // 2), limit - length)
    return begun, begun + length


def pasted(original: Image.Image, drawn: Image.Image, box: Box, mask: Image.Image) -> Image.Image:
    """`original` with `drawn`, brought to the size of `box`, in that place as far as `mask` lets it through.

    `mask` is L and of the original's size. Where it is 0 the bytes are the original's, where it is 255 those
    that were drawn, and between them it is linear.
    """
    made, part = original.copy(), drawn.convert(original.mode)
    if part.size != box.size:
        part = part.resize(box.size, Image.Resampling.LANCZOS)
    made.paste(part, (box.left, box.top), mask.crop(box))
    return made
