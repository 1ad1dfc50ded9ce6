"""Views: parts of pictures, and parts of those."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image, ImageDraw

from webui.engine.protocol import Inputs
from webui.engine.sources import Scene
from webui.imaging.views import WHOLE, View
from webui.params import GenerationParams

shares = st.integers(-8, 8).map(lambda eighths: eighths / 8)
sides = st.integers(1, 8).map(lambda eighths: eighths / 8)
views = st.builds(View, shares, shares, sides, sides)


def test_a_box_in_shares_of_a_picture():
    assert View.of((10, 20, 30, 60), (100, 200)) == View(0.1, 0.1, pytest.approx(0.2), pytest.approx(0.2))
    assert View.of((0, 0, 64, 32), (64, 32)) == WHOLE


@given(views, views, views)
def test_parts_of_parts(one, two, three):
    assert one.part(WHOLE) == one == WHOLE.part(one)
    assert one.part(two).part(three) == pytest.approx(one.part(two.part(three)))


def scene(size, mask=None, **fields):

    painted = None
    if mask:
        painted = Image.new("L", size)
        ImageDraw.Draw(painted).rectangle(mask, fill=255)
    params = GenerationParams(init_images=("x",), mask_blur=0, inpaint_full_res_padding=0, **fields)
    return Scene.of(Inputs(Image.new("RGB", size), painted), params)


def test_what_is_drawn_of_a_picture_is_its_view():
    assert scene((96, 64), width=192, height=128).view == WHOLE
    alone = scene((256, 128), (128, 64, 191, 127), width=64, height=64, inpaint_full_res=True)
    assert alone.view == View(0.5, 0.5, 0.25, 0.5)


def test_a_view_reaches_as_far_beyond_the_picture_as_what_is_drawn():
    """Sizes that the UNet can't draw are filled up at the right and below."""
    drawn = scene((100, 64), scale_by=1.0)
    assert drawn.view == View(0, 0, drawn.drawn[0] / 100, 1)
    assert drawn.drawn[0] > 100
