import numpy as np
from hypothesis import given, settings
from PIL import Image

from tests.imaging.pictures import MASKS, noise, square, values
from webui.imaging.filling import filled


@settings(max_examples=40)
@given(MASKS)
def test_what_is_not_masked_stays(mask):
    image = noise(*mask.size)
    hard = mask.point(lambda grey: 0 if grey < 128 else 255)
    kept = values(hard) == 0
    assert (values(filled(image, hard))[kept] == values(image)[kept]).all()


def test_a_hole_takes_the_colour_around_it():
    image = Image.new("RGB", (90, 70), (200, 100, 50))
    image.paste("black", (20, 20, 60, 50))
    assert (values(filled(image, square(image.size, (20, 20, 60, 50)))) == [200, 100, 50]).all()


def test_colours_pass_into_each_other():
    image = Image.new("RGB", (120, 40), "black")
    image.paste("white", (60, 0, 120, 40))
    image.paste("red", (30, 0, 90, 40))
    made = values(filled(image, square(image.size, (30, 0, 90, 40))))
    row = made[20, :, 0]
    assert row[31] < 40 < 100 < row[60] < 155 < 215 < row[88]
    assert np.abs(np.diff(row)).max() < 32
    assert np.abs(made[..., 0] - made[..., 1]).max() == 0  # nothing is left of the red


def test_nothing_of_what_is_half_masked_bleeds():
    image = Image.new("RGB", (60, 60), "white")
    image.paste("red", (20, 20, 40, 40))
    mask = square(image.size, (18, 18, 42, 42))
    mask.paste(128, (18, 18, 42, 20))
    made = values(filled(image, mask))
    assert made[21:40, 20:40].min() > 250


def test_all_masked_is_the_mean_colour():
    image = Image.new("RGB", (10, 10), (0, 0, 0))
    image.paste((200, 100, 40), (0, 0, 5, 10))
    assert (values(filled(image, Image.new("L", (10, 10), 255))) == [100, 50, 20]).all()


def test_nothing_masked_is_the_picture():
    assert filled(noise(7, 9), Image.new("L", (7, 9))).tobytes() == noise(7, 9).tobytes()


def test_greys_are_mixed():
    image = Image.new("RGB", (20, 20), "white")
    image.paste("black", (8, 8, 12, 12))
    mask = Image.new("L", (20, 20))
    mask.paste(128, (8, 8, 12, 12))
    assert np.abs(values(filled(image, mask))[9, 9] - 128).max() <= 1
