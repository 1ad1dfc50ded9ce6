import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from tests.imaging.pictures import SIDES, noise, smooth, values
from webui.imaging.outpainting import extended

ROOM = st.integers(0, 60)


@settings(max_examples=40)
@given(SIDES, SIDES, ROOM, ROOM, ROOM, ROOM)
def test_the_picture_lies_in_its_place_untouched(width, height, left, up, right, down):
    image = noise(width, height)
    picture, mask = extended(image, left, up, right, down)
    assert picture.size == mask.size == (width + left + right, height + up + down)
    box = (left, up, left + width, up + height)
    assert picture.crop(box).tobytes() == image.tobytes()
    assert mask.crop(box).getextrema() == (0, 0)
    mask.paste(255, box)
    assert mask.getextrema() == (255, 255)


def test_what_is_near_goes_on_as_in_a_mirror():
    picture, _ = extended(smooth(64, 64), 32, 0, 0, 0)
    made = values(picture)
    assert np.abs(made[:, 31] - made[:, 32]).mean() < 16
    assert np.abs(made[:, 30] - made[:, 33]).mean() < 20


def test_there_is_noise_to_draw_on_and_always_the_same():
    image = Image.new("RGB", (40, 40), (128, 128, 128))
    picture, _ = extended(image, 0, 0, 60, 0)
    new = values(picture)[:, 40:]
    assert 6 < new.std() < 20
    assert abs(new.mean() - 128) < 2
    assert extended(image, 0, 0, 60, 0)[0].tobytes() == picture.tobytes()
