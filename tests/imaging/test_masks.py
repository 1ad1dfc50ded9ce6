import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from tests.imaging.pictures import MASKS, noise, square, values
from webui.imaging import masks
from webui.imaging.boxes import Box


def test_the_transparent_parts_are_the_mask():
    image = noise(4, 2).convert("RGBA")
    assert masks.mask_of_alpha(image) is None
    assert masks.mask_of_alpha(noise(4, 2)) is None
    image.putpixel((1, 0), (9, 9, 9, 0))
    image.putpixel((2, 1), (9, 9, 9, 155))
    assert values(masks.mask_of_alpha(image)).tolist() == [[0, 255, 0, 0], [0, 0, 100, 0]]


def test_flattening_shows_the_background():
    image = Image.new("RGBA", (1, 1), (0, 0, 0, 128))
    assert masks.flattened(image).getpixel((0, 0)) == (127, 127, 127)
    assert masks.flattened(image, "#ff0000").getpixel((0, 0)) == (127, 0, 0)
    assert masks.flattened(noise(3, 3)).tobytes() == noise(3, 3).tobytes()


def test_blurring_fades_and_keeps_what_is_far():
    mask = square((100, 100), (40, 40, 60, 60))
    assert masks.blurred(mask, 0).tobytes() == mask.tobytes()
    soft = values(masks.blurred(mask, 4))
    assert 0 < soft[50, 38] < 255
    assert soft[50, 10] == 0


def test_joining_and_inverting():
    left, right = square((4, 1), (0, 0, 1, 1)), square((4, 1), (3, 0, 4, 1))
    assert values(masks.joined(left, right)).tolist() == [[255, 0, 0, 255]]
    assert values(masks.inverted(left)).tolist() == [[0, 255, 255, 255]]


def test_the_box_around_what_is_masked():
    mask = square((50, 40), (10, 5, 30, 25))
    assert masks.bounding_box(mask) == Box(10, 5, 30, 25)
    assert not masks.empty(mask)
    assert masks.bounding_box(Image.new("L", (5, 5))) is None
    assert masks.empty(Image.new("L", (5, 5)))


@pytest.mark.parametrize(
    ("box", "padding", "shape", "expected"),
    [
        ((40, 40, 60, 60), 0, (512, 512), (40, 40, 60, 60)),
        ((40, 40, 60, 60), 10, (512, 512), (30, 30, 70, 70)),
        ((40, 40, 60, 60), 0, (512, 256), (30, 40, 70, 60)),
        ((40, 40, 60, 60), 0, (256, 512), (40, 30, 60, 70)),
        ((0, 40, 20, 60), 0, (512, 256), (0, 40, 40, 60)),
        ((80, 80, 100, 100), 30, (64, 64), (50, 50, 100, 100)),
        ((0, 0, 100, 10), 0, (64, 64), (0, 0, 100, 100)),
        ((0, 0, 100, 10), 0, (64, 128), (0, 0, 100, 100)),
    ],
)
def test_the_region_around_it(box, padding, shape, expected):
    assert masks.region_of(square((100, 100), box), padding, *shape) == expected


def test_nothing_masked_has_no_region():
    with pytest.raises(ValueError, match="nothing"):
        masks.region_of(Image.new("L", (9, 9)), 4, 64, 64)


@st.composite
def boxed(draw):
    width, height = draw(st.integers(1, 200)), draw(st.integers(1, 200))
    left, top = draw(st.integers(0, width - 1)), draw(st.integers(0, height - 1))
    right, bottom = draw(st.integers(left + 1, width)), draw(st.integers(top + 1, height))
    return (width, height), Box(left, top, right, bottom)


@settings(max_examples=40)
@given(boxed(), st.integers(0, 64), st.integers(8, 128), st.integers(8, 128))
def test_a_region_lies_in_the_picture_and_holds_the_mask(made, padding, width, height):
    size, box = made
    region = masks.region_of(square(size, box), padding, 8 * width, 8 * height)
    assert 0 <= region.left <= box.left
    assert 0 <= region.top <= box.top
    assert box.right <= region.right <= size[0]
    assert box.bottom <= region.bottom <= size[1]
    if region.width < size[0] and region.height < size[1]:
        # As near to the proportions as whole pixels can be.
        ratio = width / height
        assert abs(region.width - region.height * ratio) <= 0.51 * max(1, ratio)


@settings(max_examples=40)
@given(MASKS, st.data(), st.sampled_from(["RGB", "RGBA"]))
def test_where_nothing_is_masked_no_byte_changes(mask, data, mode):
    original = noise(*mask.size, 1, mode)
    left = data.draw(st.integers(0, mask.width - 1))
    top = data.draw(st.integers(0, mask.height - 1))
    box = Box(
        left, top, data.draw(st.integers(left + 1, mask.width)), data.draw(st.integers(top + 1, mask.height))
    )
    hard = mask.point(lambda grey: 0 if grey < 100 else grey)
    made = values(masks.pasted(original, noise(16, 24, 2), box, hard))
    outside = values(hard) == 0
    outside[: box.top], outside[box.bottom :] = True, True
    outside[:, : box.left], outside[:, box.right :] = True, True
    assert (made[outside] == values(original)[outside]).all()


def test_where_all_is_masked_it_is_what_was_drawn():
    original, drawn = noise(10, 10, 1), noise(4, 6, 2)
    made = masks.pasted(original, drawn, Box(2, 3, 6, 9), Image.new("L", (10, 10), 255))
    assert made.crop((2, 3, 6, 9)).tobytes() == drawn.tobytes()


@settings(max_examples=40)
@given(st.integers(0, 255), st.integers(0, 255), st.integers(0, 255))
def test_between_it_is_linear(before, after, grey):
    original, drawn = (Image.new("RGB", (1, 1), (one, one, one)) for one in (before, after))
    made = masks.pasted(original, drawn, Box(0, 0, 1, 1), Image.new("L", (1, 1), grey))
    assert abs(values(made)[0, 0, 0] - (before + (after - before) * grey / 255)) <= 1


def test_painted_over_transparent_parts_it_is_opaque():
    original = Image.new("RGBA", (2, 1), (1, 2, 3, 0))
    mask = square((2, 1), (0, 0, 1, 1))
    made = masks.pasted(original, Image.new("RGB", (2, 1), (9, 9, 9)), Box(0, 0, 2, 1), mask)
    assert np.asarray(made).tolist() == [[[9, 9, 9, 255], [1, 2, 3, 0]]]
