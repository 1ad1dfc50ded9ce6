import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from tests.imaging.pictures import noise, smooth, values
from webui.imaging.colours import corrected, reduced
from webui.imaging.lab import from_lab, to_lab


@given(st.integers(0, 255), st.integers(0, 255), st.integers(0, 255))
def test_every_colour_comes_back(red, green, blue):
    rgb = np.array([[[red, green, blue]]], np.uint8)
    assert np.abs(from_lab(to_lab(rgb)).astype(int) - rgb).max() <= 1


def test_known_colours():
    """Of Lindbloom's calculator, for sRGB under D65."""
    known = {
        (255, 255, 255): (100, 0, 0),
        (0, 0, 0): (0, 0, 0),
        (255, 0, 0): (53.2408, 80.0925, 67.2032),
        (0, 0, 255): (32.2970, 79.1875, -107.8602),
    }
    found = to_lab(np.array(list(known), np.uint8))
    assert np.abs(found - np.array(list(known.values()))).max() < 0.05


def test_a_picture_like_itself_stays():
    for image in (smooth(80, 60), noise(80, 60)):
        off = np.abs(values(corrected(image, image)) - values(image))
        assert np.percentile(off, 99) <= 1
        assert off.max() <= 12  # the most glaring blue, where L*a*b* is steepest


def test_a_cast_is_taken_back():
    image = smooth(120, 90, 3)
    cast = Image.fromarray(np.clip(values(image) * [1.0, 0.85, 0.7], 0, 255).astype(np.uint8))
    before = np.abs(values(cast) - values(image)).mean((0, 1))
    after = np.abs(values(corrected(cast, image)) - values(image)).mean((0, 1))
    assert after[2] < before[2] / 2
    lab = [to_lab(np.asarray(one))[..., 1:].mean((0, 1)) for one in (corrected(cast, image), image)]
    assert np.abs(lab[0] - lab[1]).max() < 2


def test_lightness_stays():
    image, like = smooth(60, 60, 1), smooth(60, 60, 2)
    made = to_lab(np.asarray(corrected(image, like)))[..., 0]
    shown = to_lab(np.asarray(image))[..., 0]
    assert np.median(np.abs(made - shown)) < 1


def test_of_one_colour():
    grey, red = Image.new("RGB", (20, 20), (120, 120, 120)), Image.new("RGB", (9, 9), (200, 30, 30))
    made = values(corrected(grey, red))[0, 0]
    assert made[0] > made[1] + 60
    assert corrected(red, grey).size == (9, 9)


def test_large_pictures_are_judged_by_a_smaller_copy():
    assert reduced(Image.new("L", (4000, 1000)), 10_000).size == (200, 50)
    assert reduced(Image.new("L", (40, 10)), 10_000).size == (40, 10)
    assert reduced(Image.new("L", (30_000, 1)), 10_000).height == 1
