"""Pictures enlarged in tiles: the same as whole, whatever the tiles."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageFilter

from webui.engine.upscaling.tiles import Cutting, enlarged


def noise(width, height):
    return Image.fromarray(np.random.default_rng(1).integers(0, 256, (height, width, 3), np.uint8))


def plain(scale):
    def enlarge(image):
        return np.asarray(image, np.float32).repeat(scale, 0).repeat(scale, 1)

    return enlarge


def blurring(radius):
    """Sees `radius` pixels in each direction, and black beyond the edges, as a network does."""

    def enlarge(image):
        room = Image.new("RGB", (image.width + 2 * radius, image.height + 2 * radius))
        room.paste(image, (radius, radius))
        blurred = room.filter(ImageFilter.BoxBlur(radius))
        return np.asarray(
            blurred.crop((radius, radius, radius + image.width, radius + image.height)), np.float32
        )

    return enlarge


@given(
    width=st.integers(1, 300),
    height=st.integers(1, 300),
    side=st.integers(0, 200),
    overlap=st.integers(0, 256),
    scale=st.integers(1, 3),
)
@settings(max_examples=60)
def test_what_looks_at_single_pixels_is_the_same_in_any_tiles(width, height, side, overlap, scale):
    image, told = noise(width, height), []
    made = enlarged(image, scale, Cutting(side, overlap), plain(scale), told.append)
    assert made.size == (width * scale, height * scale)
    assert np.array_equal(np.asarray(made), plain(scale)(image))
    assert told == list(range(len(told)))


@pytest.mark.parametrize("side", [64, 65, 100, 192])
@pytest.mark.parametrize("overlap", [8, 16])
def test_what_sees_no_further_than_half_the_overlap_is_the_same_in_tiles_as_whole(side, overlap):
    image, blur = noise(301, 170), blurring(overlap // 2)
    whole = enlarged(image, 1, Cutting(0, 0), blur, lambda _: None)
    made = enlarged(image, 1, Cutting(side, overlap), blur, lambda _: None)
    assert np.abs(np.asarray(made).astype(int) - np.asarray(whole)).max() <= 1


def test_where_tiles_differ_one_fades_into_the_other():
    shades = iter([0.0, 200.0])

    def shade(image):
        return np.full((image.height, image.width, 3), next(shades), np.float32)

    made = np.asarray(enlarged(Image.new("RGB", (112, 64)), 1, Cutting(64, 8), shade, lambda _: None))
    row = made[10, :, 0].astype(int)
    assert (row[:52] == 0).all()
    assert (row[60:] == 200).all()
    assert (np.diff(row[51:61]) > 0).all()
    assert np.diff(row).max() <= 200 / 8 + 1


def test_tiles_are_no_smaller_than_the_smallest():
    boxes = Cutting(1, 100).boxes((200, 50))
    assert [(box.left, box.right) for box in boxes] == [
        (0, 64),
        (27, 91),
        (54, 118),
        (82, 146),
        (109, 173),
        (136, 200),
    ]
    assert Cutting(0, 100).boxes((200, 50)) == [(0, 0, 200, 50)]
    assert Cutting(192, 8).smaller((1000, 50)) == Cutting(96, 8)
    assert Cutting(192, 8).smaller((100, 50)) == Cutting(64, 8)
    assert Cutting(0, 8).smaller((1000, 50)) == Cutting(500, 8)
    assert Cutting(64, 8).smaller((1000, 50)) is None
    assert Cutting(192, 8).smaller((64, 64)) is None
