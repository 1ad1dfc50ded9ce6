import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from tests.imaging.pictures import SIDES, noise, smooth, values
from webui.imaging.resizing import RESIZE_MODES, padded, resized


@given(
    SIDES,
    SIDES,
    SIDES,
    SIDES,
    st.sampled_from(range(len(RESIZE_MODES))),
    st.sampled_from(["RGB", "RGBA", "L"]),
)
def test_sizes_are_exact(width, height, to_width, to_height, mode, kind):
    made = resized(noise(width, height, mode=kind), to_width, to_height, mode)
    assert (made.size, made.mode) == ((to_width, to_height), kind)


@given(SIDES, SIDES, st.sampled_from(range(len(RESIZE_MODES))))
def test_a_picture_of_that_size_stays_as_it_is(width, height, mode):
    image = noise(width, height)
    assert resized(image, width, height, mode).tobytes() == image.tobytes()


@pytest.mark.parametrize("mode", range(4))
def test_the_same_proportions_are_only_scaled(mode):
    image = smooth(60, 40)
    expected = values(image.resize((120, 80), Image.Resampling.LANCZOS))
    assert np.abs(values(resized(image, 120, 80, mode)) - expected).max() <= 1


def test_cropping_takes_the_middle():
    image = Image.new("RGB", (300, 100), "red")
    image.paste("blue", (100, 0, 200, 100))
    assert np.abs(values(resized(image, 50, 50, 1)) - [0, 0, 255])[:, 2:-2].max() <= 3


def test_filling_keeps_all_and_draws_out_the_edges():
    image = Image.new("RGB", (300, 100), "red")
    image.paste("blue", (0, 50, 300, 100))
    made = values(resized(image, 60, 60, 2))
    assert (made[:20] == [255, 0, 0]).all()
    assert (made[-20:] == [0, 0, 255]).all()
    wide = values(resized(image.rotate(90, expand=True), 60, 60, 2))
    assert (wide[:, 0] == wide[:, 15]).all()


def test_padding_repeats_the_edges():
    image = noise(3, 2)
    made = values(padded(image, 1, 2, 3, 4))
    assert made.shape == (8, 7, 3)
    assert (made[2:4, 1:4] == values(image)).all()
    assert (made[0, 0] == values(image)[0, 0]).all()
    assert (made[-1, -1] == values(image)[-1, -1]).all()


def test_what_is_transparent_does_not_bleed():
    image = Image.new("RGBA", (40, 40), (255, 0, 0, 0))
    image.paste((0, 0, 255, 255), (0, 0, 20, 40))
    made = values(resized(image, 20, 20, 0))
    seen = made[..., 3] > 8
    assert made[seen][:, 0].max() < 8
