import time

import numpy as np
import pytest
from PIL import Image

from tests.imaging.pictures import boxes, noise, scene, square, values
from webui.imaging.regions import by_color, by_mask, by_saliency, dilated


def test_colours_are_found_largest_first():
    found = by_color(scene(), "#dc1e1e", 0.1)
    assert boxes(found) == [(20, 30, 70, 80), (150, 100, 170, 120)]
    assert values(found[0].mask).sum() == 255 * 50 * 50
    assert by_color(scene(), "#0000ff", 0.1) == []
    assert boxes(by_color(scene(), "#dc1e1e", 0)) == boxes(found)


def test_a_tolerance_of_one_takes_everything():
    assert boxes(by_color(Image.new("RGB", (10, 10), "white"), "#000000", 1)) == [(0, 0, 10, 10)]


def test_small_ones_and_those_beyond_the_most_are_left():
    assert boxes(by_color(scene(), "#dc1e1e", 0.1, min_area=0.02)) == [(20, 30, 70, 80)]
    assert boxes(by_color(scene(), "#dc1e1e", 0.1, max_regions=1)) == [(20, 30, 70, 80)]


def test_what_is_striking_is_found():
    found = by_saliency(scene(), 0.5, min_area=0.01)
    assert boxes(found)[0] == pytest.approx((20, 30, 70, 80), abs=3)
    assert len(found) == 2


def test_a_picture_of_one_colour_has_nothing_striking():
    assert by_saliency(Image.new("RGB", (50, 50), "red"), 0.0) == []


def test_the_parts_of_a_mask():
    mask = square((100, 50), (0, 0, 10, 10))
    mask.paste(127, (40, 0, 50, 50))
    mask.paste(200, (60, 0, 100, 20))
    assert boxes(by_mask(mask)) == [(60, 0, 100, 20), (0, 0, 10, 10)]
    assert by_mask(Image.new("L", (9, 9))) == []


def test_corners_that_touch_hang_together():
    mask = Image.fromarray(np.array([[255, 0], [0, 255]], np.uint8))
    assert boxes(by_mask(mask)) == [(0, 0, 2, 2)]


def test_large_pictures_are_searched_in_a_copy_and_told_in_their_own_size():
    image = scene().resize((2400, 1800), Image.Resampling.NEAREST)
    found = by_color(image, "#dc1e1e", 0.1)
    assert found[0].mask.size == (2400, 1800)
    assert found[0].box == pytest.approx((240, 360, 840, 960), abs=6)


def test_noise_takes_no_time():
    started = time.perf_counter()
    assert (
        len(by_mask(noise(2000, 2000, mode="L").point([255 * (grey > 200) for grey in range(256)]), 0, 8))
        == 8
    )
    assert time.perf_counter() - started < 3


def test_growing_and_shrinking():
    region = by_mask(square((100, 100), (40, 40, 60, 60)))[0]
    assert dilated(region, 0) is region
    assert dilated(region, 5).box == (35, 35, 65, 65)
    assert dilated(region, -5).box == (45, 45, 55, 55)
    assert dilated(region, -10) is None
    assert dilated(region, 128).box == (0, 0, 100, 100)
