"""How large hires fix makes a picture."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from webui.params import MAX_SIDE, GenerationParams, InvalidParamsError
from webui.params.hires import HiresParams

SIDES = st.integers(64, 2048)


def made(first, **fields):
    return HiresParams(**fields).enlarged(*first)


@pytest.mark.parametrize(
    ("first", "fields", "covering", "size"),
    [
        ((512, 512), {}, (1024, 1024), (1024, 1024)),
        ((512, 768), {"hr_scale": 1.5}, (768, 1152), (768, 1152)),
        ((512, 512), {"hr_scale": 1.3}, (664, 664), (664, 664)),
        ((512, 512), {"hr_scale": 1}, (512, 512), (512, 512)),
        ((512, 768), {"hr_resize_x": 1024}, (1024, 1536), (1024, 1536)),
        ((512, 768), {"hr_resize_y": 1024}, (680, 1024), (680, 1024)),
        ((512, 512), {"hr_resize_x": 1024, "hr_resize_y": 768}, (1024, 1024), (1024, 768)),
        ((512, 512), {"hr_resize_x": 768, "hr_resize_y": 1024}, (1024, 1024), (768, 1024)),
        ((768, 512), {"hr_resize_x": 960, "hr_resize_y": 640}, (960, 640), (960, 640)),
        ((512, 512), {"hr_resize_x": 801, "hr_resize_y": 1000}, (1000, 1000), (808, 1000)),
    ],
)
def test_sizes_are_a1111s(first, fields, covering, size):
    enlargement = made(first, **fields)
    assert (enlargement.covering, enlargement.size) == (covering, size)


def test_what_is_cut_off_is_cut_off_evenly():
    assert made((512, 512), hr_resize_x=1024, hr_resize_y=768).corner == (0, 128)
    assert made((512, 512), hr_resize_x=776, hr_resize_y=1024).corner == (120, 0)
    assert made((512, 512)).corner == (0, 0)


@given(width=SIDES, height=SIDES, x=st.integers(0, 4096), y=st.integers(0, 4096), scale=st.floats(1, 8))
def test_sizes_are_multiples_of_8_near_what_is_asked_for(width, height, x, y, scale):
    enlargement = made((width, height), hr_resize_x=x, hr_resize_y=y, hr_scale=scale)
    (left, top), size, covering = enlargement.corner, enlargement.size, enlargement.covering
    assert all(side % 8 == 0 for side in (*size, *covering, left, top))
    assert 0 <= left <= covering[0] - size[0]
    assert 0 <= top <= covering[1] - size[1]
    if x and y:
        assert -8 < size[0] - x < 8
        assert -8 < size[1] - y < 8
        assert size[0] == covering[0] or size[1] == covering[1] or abs(size[0] - covering[0]) <= 8
    elif x or y:
        assert size[0] == x // 8 * 8 if x else size[1] == y // 8 * 8
        assert size == covering
    else:
        assert size == (int(width * scale) // 8 * 8, int(height * scale) // 8 * 8)


@pytest.mark.parametrize(
    ("fields", "sentence"),
    [
        ({"width": 2048, "hr_scale": 8}, "enlarge 2048x512 to 16384x4096; 8192 a side is the most"),
        ({"hr_resize_x": 32}, "enlarge 512x512 to 32x32; 64 a side is the least"),
        ({"hr_resize_x": 5, "hr_resize_y": 700}, "64 a side is the least"),
        ({"hr_scale": 8, "batch_size": 8}, "of 8, 134,217,728 pixels at once; the limit is 67,108,864"),
        ({"width": 64, "hr_resize_x": 2048, "hr_resize_y": 2048}, "to 2048x16384; 8192 a side is the most"),
    ],
)
def test_what_is_too_small_or_too_large_is_refused(fields, sentence):
    with pytest.raises(ValidationError, match="Hires fix would enlarge") as caught:
        GenerationParams(enable_hr=True, **fields)
    assert sentence in str(caught.value)
    assert not GenerationParams(enable_hr=False, **fields).hires


def test_of_a_picture_that_is_brought_its_own_size_counts():
    params = GenerationParams(enable_hr=True, firstpass_image="0" * 32, width=4096, height=4096, hr_scale=4)
    assert params.hires_size((300, 201)) == (1200, 800)
    with pytest.raises(InvalidParamsError, match=f"{MAX_SIDE} a side is the most") as caught:
        params.hires_size((3000, 3000))
    assert caught.value.field == "hr_scale"
    with pytest.raises(InvalidParamsError) as caught:
        params.changed(hr_resize_y=8000).hires_size((3000, 1000))
    assert caught.value.field == "hr_resize_y"


def test_img2img_has_no_second_pass():
    assert not GenerationParams(enable_hr=True, init_images=("0" * 32,), hr_scale=8, width=4096).hires


def test_steps_that_follow_the_first_pass():
    params = GenerationParams(steps=20, enable_hr=True, batch_size=2)
    assert params.steps_ahead == 20
    assert params.changed(hr_second_pass_steps=7).steps_ahead == 7
    assert params.changed(denoising_strength=0).steps_ahead == 0
    assert params.changed(firstpass_image="0" * 32).steps_ahead == 0
    assert params.changed(detailer="Color", detailer_denoising_strength=0.4).steps_ahead == 20 + 2 * 9
