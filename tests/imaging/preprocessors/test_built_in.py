"""What each preprocessor's map shows."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageDraw

from webui.imaging.preprocessors.built_in import BUILT_IN, weightless
from webui.params.control import ControlUnit

TABLE = weightless()
NAMES = [preprocessor.name for preprocessor in BUILT_IN]


def sketch(size=(96, 64)):
    """Dark lines on paper, and a lit ball."""
    image = Image.new("RGB", size, "#f0ece0")
    draw = ImageDraw.Draw(image)
    draw.line((8, 8, 40, 56), fill="#303040", width=2)
    draw.ellipse((52, 16, 84, 48), fill="#c08040")
    return image


def mapped(module, image=None, mask=None, **fields):
    unit = ControlUnit(module=module, processor_res=fields.pop("processor_res", 64), **fields)
    return TABLE.maps(unit, image or sketch(), mask, (96, 64))


def values(image):
    return np.asarray(image.convert("RGB")).astype(int)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("size", [(96, 64), (1, 1), (3, 200), (200, 3)])
def test_every_map_is_rgb_and_the_same_each_time(name, size):
    image = sketch(size)
    before = image.tobytes()
    one, other = (mapped(name, image, Image.new("L", (5, 5), 255)) for _ in range(2))
    assert one.mode == "RGB"
    assert min(one.size) > 0
    assert one.tobytes() == other.tobytes()
    assert image.tobytes() == before


@given(st.sampled_from(NAMES), st.integers(1, 40), st.integers(1, 40), st.binary(min_size=3, max_size=60))
@settings(max_examples=60)
def test_any_picture_has_a_map(name, width, height, data):
    pixels = np.resize(np.frombuffer(data, np.uint8), (height, width, 3))
    assert mapped(name, Image.fromarray(pixels)).mode == "RGB"


def test_none_gives_the_picture_and_transparent_parts_are_white():
    assert mapped("none").tobytes() == sketch().tobytes()
    clear = Image.new("RGBA", (8, 8), (255, 0, 0, 0))
    assert values(mapped("none", clear)).min() == 255


def test_invert_twice_is_the_picture():
    assert mapped("invert", mapped("invert")).tobytes() == sketch().tobytes()


@pytest.mark.parametrize("name", ["lineart_standard", "scribble_xdog", "softedge_sobel", "canny"])
def test_lines_are_white_on_black(name):
    found = values(mapped(name))[..., 0]
    assert found[28:36, 20:28].max() > 150  # the line
    assert found[55:63, 50:90].max() == 0  # paper


def test_a_higher_xdog_threshold_leaves_less():
    white = [(values(mapped("scribble_xdog", threshold_a=at)) > 0).sum() for at in (8, 32, 64)]
    assert white == sorted(white, reverse=True)
    assert white[0] > white[2]


def test_threshold_parts_light_from_dark():
    ramp = Image.linear_gradient("L").convert("RGB")
    found = values(mapped("threshold", ramp, threshold_a=100, processor_res=256))[..., 0]
    assert np.array_equal(found[:, 0] > 0, np.arange(256) > 100)


def test_soft_edges_of_nothing_are_black():
    assert not values(mapped("softedge_sobel", Image.new("RGB", (32, 32), "#808080"))).any()


def test_tile_resample_is_smaller_by_its_rate():
    assert mapped("tile_resample", threshold_a=4).size == (24, 16)
    assert mapped("tile_resample").tobytes() == sketch().tobytes()


def test_blur_keeps_the_mean_and_takes_the_detail():
    sharp, soft = values(sketch()), values(mapped("blur_gaussian", threshold_a=6))
    assert abs(sharp.mean() - soft.mean()) < 2
    assert np.abs(np.diff(soft, axis=1)).max() < np.abs(np.diff(sharp, axis=1)).max() / 4


def test_shuffle_moves_colours_but_makes_none():
    ramp = Image.merge("RGB", [Image.linear_gradient("L")] * 3)
    found = values(mapped("shuffle", ramp, processor_res=256))
    assert np.abs(found - values(ramp)).mean() > 10
    assert found.min() >= 0
    assert np.ptp(found) > 150


def test_the_colour_grid_has_one_colour_a_cell():
    found = values(mapped("t2ia_color_grid", processor_res=128))
    assert found.shape == (128, 192, 3)
    cells = found.reshape(2, 64, 3, 64, 3)
    assert np.ptp(cells, axis=(1, 3)).max() == 0
    assert len(np.unique(cells[:, 0, :, 0].reshape(-1, 3), axis=0)) > 1


def test_recolor_gives_greys_and_gamma_darkens():
    for name in ("recolor_luminance", "recolor_intensity"):
        plain, dark = values(mapped(name)), values(mapped(name, threshold_a=2))
        assert np.ptp(plain, axis=-1).max() == 0
        assert dark.mean() < plain.mean()
    blue = Image.new("RGB", (4, 4), "#0000ff")
    assert values(mapped("recolor_intensity", blue)).min() == 255
    assert 70 < values(mapped("recolor_luminance", blue)).max() < 90  # CIE lightness 32


def test_inpainting_shows_what_is_masked():
    mask = Image.new("L", (96, 64))
    mask.paste(255, (0, 0, 48, 64))
    found = values(mapped("inpaint_only", mask=mask))
    assert not found[:, :47].any()
    assert np.array_equal(found[:, 49:], values(sketch())[:, 49:])


def test_transparent_parts_are_what_is_to_be_inpainted():
    clear = sketch().convert("RGBA")
    clear.paste((0, 0, 0, 0), (0, 0, 48, 64))
    assert not values(mapped("inpaint_only", clear))[:, :47].any()


def ball(size=128):
    y, x = np.mgrid[-1 : 1 : size * 1j, -1 : 1 : size * 1j]
    light = np.where(x**2 + y**2 < 0.64, 60 + 190 * np.sqrt(np.clip(0.64 - x**2 - y**2, 0, None)) / 0.8, 20)
    return Image.fromarray(light.astype(np.uint8)).convert("RGB")


def test_a_lit_ball_is_near_in_its_middle():
    found = values(mapped("depth_from_shading", ball(), processor_res=128))[..., 0]
    assert found[64, 64] > found[64, 30] > found[4, 4]


def test_a_lit_balls_normals_face_outwards():
    found = values(mapped("normal_from_shading", ball(), processor_res=128))
    left, right, top, bottom = found[64, 30], found[64, 98], found[30, 64], found[98, 64]
    assert left[0] > 140 > 115 > right[0]  # red: to the left
    assert top[1] > 140 > 115 > bottom[1]  # green: up
    assert found[..., 2].min() >= 127  # nothing faces away
    lengths = np.linalg.norm(found / 127.5 - 1, axis=-1)
    assert np.abs(lengths - 1).max() < 0.02
