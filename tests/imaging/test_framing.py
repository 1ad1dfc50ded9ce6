"""How control images lie on the pictures that they steer."""

import numpy as np
import pytest
from PIL import Image

from webui.imaging.framing import CROP, FILL, JUST_RESIZE, framed
from webui.imaging.views import View


def ramp(width, height):
    """Redder to the right, greener below."""
    across, down = np.meshgrid(np.linspace(0, 255, width), np.linspace(0, 255, height))
    return Image.fromarray(np.stack([across, down, np.zeros_like(across)], -1).astype(np.uint8))


def corners(image):
    pixels = np.asarray(image).astype(int)
    return [tuple(pixels[y, x][:2]) for y, x in ((0, 0), (0, -1), (-1, 0), (-1, -1))]


def near(found, expected):
    return np.abs(np.array(found) - np.array(expected)).max() <= 8


def test_just_resize_stretches():
    found = framed(ramp(200, 100), (64, 64), JUST_RESIZE)
    assert found.size == (64, 64)
    assert near(corners(found), [(0, 0), (255, 0), (0, 255), (255, 255)])


def test_crop_and_resize_cuts_off_both_sides():
    found = framed(ramp(200, 100), (64, 64), CROP)
    assert near(corners(found), [(64, 0), (191, 0), (64, 255), (191, 255)])


def test_resize_and_fill_fills_with_the_borders_colour():
    image = Image.new("RGB", (200, 100), (10, 200, 30))
    image.paste((255, 0, 0), (20, 20, 180, 80))
    found = np.asarray(framed(image, (64, 64), FILL))
    assert tuple(found[0, 0]) == tuple(found[-1, -1]) == (10, 200, 30)
    assert tuple(found[32, 32]) == (255, 0, 0)
    assert not (found[:16] == (255, 0, 0)).all(-1).any()


@pytest.mark.parametrize("mode", [JUST_RESIZE, CROP])
def test_a_view_sees_a_part(mode):
    found = framed(ramp(128, 128), (32, 32), mode, View(0.5, 0.0, 0.5, 0.5))
    assert near(corners(found), [(128, 0), (255, 0), (128, 128), (255, 128)])


def test_a_view_beyond_the_edge_is_filled():
    image = Image.new("RGB", (64, 64), (9, 9, 9))
    image.putpixel((0, 0), (200, 0, 0))
    found = framed(image, (40, 40), CROP, View(-0.25, 0.0, 1.25, 1.25))
    assert np.asarray(found).max(-1).min() == 9


def test_a_small_view_of_a_large_picture_takes_no_memory():
    """A face of 8 pixels of a picture of 8192, drawn at 512: the whole would be half a million wide."""
    found = framed(ramp(512, 512), (512, 512), CROP, View(0.5, 0.5, 8 / 8192, 8 / 8192))
    assert found.size == (512, 512)


def test_lines_stay_black_and_white():
    lines = Image.new("L", (64, 64))
    lines.paste(255, (30, 0, 32, 64))
    found = framed(lines.convert("RGB"), (150, 150), JUST_RESIZE)
    assert set(np.unique(np.asarray(found))) == {0, 255}
    assert 3 <= (np.asarray(found)[75, :, 0] == 255).sum() <= 6


def test_areas_keep_their_colours():
    areas = Image.new("RGB", (60, 60), (120, 120, 80))
    areas.paste((4, 200, 3), (0, 0, 30, 30))
    areas.paste((180, 120, 120), (30, 30, 60, 60))
    before = {colour for _, colour in areas.getcolors()}
    assert {colour for _, colour in framed(areas, (97, 97), JUST_RESIZE).getcolors()} == before


@pytest.mark.parametrize("mode", [JUST_RESIZE, CROP, FILL])
def test_a_mask_of_any_shape(mode):
    mask = Image.linear_gradient("L").resize((300, 20))
    found = framed(mask, (64, 96), mode)
    assert (found.mode, found.size) == ("L", (64, 96))
    found = framed(mask.point(lambda grey: 255 * (grey > 99)), (64, 96), mode)
    assert set(np.unique(np.asarray(found))) == {0, 255}


def test_what_has_the_size_already_is_given_back():
    image = ramp(64, 64)
    assert framed(image, (64, 64), CROP) is image
