"""Pictures for the tests, and files of them."""

import io

import numpy as np
from hypothesis import strategies as st
from PIL import Image


def noise(width, height, seed=0, mode="RGB"):
    """A picture that is different everywhere."""
    channels = {"L": (), "RGB": (3,), "RGBA": (4,)}[mode]
    values = np.random.default_rng(seed).integers(0, 256, (height, width, *channels), dtype=np.uint8)
    return Image.fromarray(values)


def smooth(width, height, seed=0):
    """A picture of soft colours, that lossy files keep nearly."""
    return noise(4, 3, seed).resize((width, height), Image.Resampling.BICUBIC)


def file(image, kind, **options):
    """The bytes of a file of it."""
    written = io.BytesIO()
    image.save(written, kind, **options)
    return written.getvalue()


def values(image):
    return np.asarray(image).astype(int)


def square(size, box):
    """A mask that is white in the box."""
    mask = Image.new("L", size)
    mask.paste(255, box)
    return mask


def scene():
    """A green field with a red square and a smaller one, both far from each other."""
    image = Image.new("RGB", (200, 150), (60, 140, 60))
    image.paste((220, 30, 30), (20, 30, 70, 80))
    image.paste((220, 30, 30), (150, 100, 170, 120))
    return image


def boxes(regions):
    return [region.box for region in regions]


SIDES = st.integers(1, 80)
MASKS = st.builds(
    lambda width, height, seed: noise(width, height, seed, "L"), SIDES, SIDES, st.integers(0, 9)
)
