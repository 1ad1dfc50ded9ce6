"""Canny against the algorithm written out pixel by pixel."""

from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from PIL import Image, ImageDraw

from webui.imaging.preprocessors.canny import canny, edges
from webui.imaging.preprocessors.preprocessor import Options


def slow(pixels, low, high):
    """OpenCV's steps, one pixel after the other."""
    height, width, channels = pixels.shape
    padded = np.pad(pixels.astype(int), ((1, 1), (1, 1), (0, 0)), mode="edge")
    places = list(product(range(height), range(width)))
    gradient = {
        (y, x): steepest(padded[y : y + 3, x : x + 3, channel] for channel in range(channels))
        for y, x in places
    }
    steep = {place: abs(dx) + abs(dy) for place, (dx, dy) in gradient.items()}
    ridges = {place for place in places if steep[place] > low and is_ridge(place, gradient, steep)}
    return grown([place for place in ridges if steep[place] > high], ridges, (height, width))


def steepest(parts):
    """Sobel's gradient of the 3x3 part where it is steepest, the first of several."""
    gradients = [((part[:, 2] - part[:, 0]) @ [1, 2, 1], (part[2] - part[0]) @ [1, 2, 1]) for part in parts]
    return max(gradients, key=lambda gradient: abs(gradient[0]) + abs(gradient[1]))


def is_ridge(place, gradient, steep):
    (y, x), (dx, dy), here = place, gradient[place], steep[place]
    angle = np.degrees(np.arctan2(abs(dy), abs(dx)))
    if angle < 22.5:
        return here > steep.get((y, x - 1), 0) and here >= steep.get((y, x + 1), 0)
    if angle > 67.5:
        return here > steep.get((y - 1, x), 0) and here >= steep.get((y + 1, x), 0)
    side = -1 if (dx < 0) != (dy < 0) else 1
    return here > steep.get((y - 1, x - side), 0) and here > steep.get((y + 1, x + side), 0)


def grown(todo, ridges, shape):
    found = np.zeros(shape, bool)
    while todo:
        y, x = todo.pop()
        if (y, x) in ridges and not found[y, x]:
            found[y, x] = True
            todo += [(y + down, x + right) for down, right in product((-1, 0, 1), repeat=2)]
    return found


PICTURES = arrays(np.uint8, st.tuples(st.integers(1, 9), st.integers(1, 9), st.just(3)))


@given(PICTURES, st.integers(1, 255), st.integers(0, 500))
@settings(max_examples=150)
def test_it_finds_what_the_algorithm_finds(pixels, low, more):
    assert np.array_equal(edges(pixels, low, low + more), slow(pixels, low, low + more))


@given(PICTURES, st.integers(1, 200))
@settings(max_examples=50)
def test_higher_thresholds_find_less(pixels, low):
    many, some, few = edges(pixels, low, 300), edges(pixels, low + 40, 300), edges(pixels, low + 40, 500)
    assert np.all(many >= some)
    assert np.all(some >= few)


def drawn():
    image = Image.new("RGB", (64, 48), "white")
    ImageDraw.Draw(image).rectangle((16, 12, 47, 35), fill="black")
    return image


def test_a_rectangles_edge_is_one_pixel_wide_and_closed():
    found = np.asarray(canny(drawn(), None, Options(512, 100, 200)))
    assert set(np.unique(found)) == {0, 255}
    middle = found[24, :, 0]
    assert np.flatnonzero(middle).tolist() in ([15, 47], [16, 47], [15, 48], [16, 48])
    assert 2 * (32 + 24) - 8 <= (found[..., 0] > 0).sum() <= 2 * (32 + 24) + 8


def test_a_flat_picture_has_no_edges():
    assert not np.asarray(canny(Image.new("RGB", (8, 8), "#808080"), None, Options(512, 1, 1))).any()


@pytest.mark.parametrize("color", ["#00ff00", "#ff00ff"])
def test_edges_between_colours_as_light_as_each_other_count(color):
    image = Image.new("RGB", (16, 16), "#808080")
    image.paste(color, (8, 0, 16, 16))
    assert np.asarray(canny(image, None, Options(512, 200, 100))).any()
