from hypothesis import given
from hypothesis import strategies as st

from webui.imaging.sizes import drawn_size, final_size
from webui.params import GenerationParams

NAME = "0" * 32
SIZES = st.tuples(st.integers(1, 3000), st.integers(1, 3000))


def params(**fields):
    return GenerationParams(init_images=(NAME,), **fields)


def test_width_and_height_where_no_factor_is_asked_for():
    asked = params(width=640, height=512, outpaint_left=64)
    assert drawn_size(asked, (333, 510)) == final_size(asked, (333, 510)) == (640, 512)


def test_a_factor_of_one_gives_the_pictures_own_size():
    asked = params(scale_by=1.0)
    assert (drawn_size(asked, (510, 333)), final_size(asked, (510, 333))) == ((512, 336), (510, 333))


def test_room_to_paint_is_scaled_too():
    asked = params(scale_by=1.5, outpaint_left=10, outpaint_right=20, outpaint_down=8)
    assert final_size(asked, (100, 100)) == (195, 162)
    assert drawn_size(asked, (100, 100)) == (200, 168)


def test_where_the_masked_part_alone_is_drawn_the_picture_keeps_its_size():
    asked = params(width=512, height=512, mask=NAME, inpaint_full_res=True)
    assert (drawn_size(asked, (333, 77)), final_size(asked, (333, 77))) == ((512, 512), (333, 77))
    assert final_size(asked.changed(mask=""), (333, 77)) == (512, 512)
    assert final_size(asked.changed(mask=""), (333, 77), masked=True) == (333, 77)
    assert final_size(asked.changed(outpaint_up=3, scale_by=2), (333, 77)) == (333, 80)


@given(SIZES, st.floats(0.05, 8), st.integers(0, 300))
def test_what_is_drawn_holds_what_comes_out(size, factor, room):
    asked = params(scale_by=factor, outpaint_right=room)
    drawn, final = drawn_size(asked, size), final_size(asked, size)
    assert all(side % 8 == 0 and side >= 64 for side in drawn)
    assert all(inner <= outer < max(64, inner + 8) + 1 for inner, outer in zip(final, drawn, strict=True))
    assert abs(final[0] - (size[0] + room) * factor) <= 1
