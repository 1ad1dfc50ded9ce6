from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from tests.imaging.pictures import noise, values
from webui.imaging.boxes import Box
from webui.imaging.tiles import joined, tiles


@st.composite
def cut(draw):
    size = draw(st.tuples(st.integers(1, 400), st.integers(1, 400)))
    tile = draw(st.tuples(st.integers(8, 128), st.integers(8, 128)))
    return size, tile, draw(st.integers(0, min(tile) - 1))


@settings(max_examples=40)
@given(cut())
def test_tiles_cover_all_and_lie_inside(made):
    size, tile, overlap = made
    seen = np.zeros(size[::-1], int)
    for box in tiles(size, tile, overlap):
        assert box.size == (min(tile[0], size[0]), min(tile[1], size[1]))
        assert box.left >= 0
        assert box.top >= 0
        assert box.right <= size[0]
        assert box.bottom <= size[1]
        seen[box.top : box.bottom, box.left : box.right] += 1
    assert seen.min() >= 1


@settings(max_examples=40)
@given(cut())
def test_neighbours_share_the_overlap_or_more(made):
    size, tile, overlap = made
    found = tiles(size, tile, overlap)
    for before, box in pairwise(found):
        if before.top == box.top:
            assert before.right - box.left >= overlap
        else:
            assert before.bottom - box.top >= overlap


@settings(max_examples=40)
@given(cut())
def test_what_was_cut_is_put_together(made):
    size, tile, overlap = made
    image = noise(*size)
    pieces = ((box, image.crop(box)) for box in tiles(size, tile, overlap))
    assert joined(size, pieces).tobytes() == image.tobytes()


def test_tiles_pass_into_each_other():
    boxes = tiles((100, 100), (60, 60), 20)
    pieces = [(box, Image.new("L", box.size, 40 * at)) for at, box in enumerate(boxes)]
    made = values(joined((100, 100), pieces))
    assert [made[0, 0], made[0, 99], made[99, 0], made[99, 99]] == [0, 40, 80, 120]
    assert np.abs(np.diff(made, axis=0)).max() <= 5
    assert np.abs(np.diff(made, axis=1)).max() <= 5
    assert made[50, 50] == pytest.approx(60, abs=4)


def test_a_small_picture_is_one_tile():
    assert tiles((30, 20), (64, 64), 8) == [Box(0, 0, 30, 20)]


@pytest.mark.parametrize("overlap", [-1, 64, 100])
def test_an_overlap_that_leaves_nothing(overlap):
    with pytest.raises(ValueError, match="overlap"):
        tiles((100, 100), (64, 128), overlap)


def test_nothing_to_join():
    with pytest.raises(ValueError, match="no tiles"):
        joined((8, 8), [])


def test_boxes_scale():
    assert Box(1, 2, 3, 5).scaled(4) == Box(4, 8, 12, 20)
    assert Box(1, 2, 3, 5).scaled(4).size == (8, 12)
