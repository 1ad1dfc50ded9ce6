"""What img2img sees of a picture, and the way back into it."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from webui.engine.protocol import Inputs
from webui.engine.sources import Scene, certain, half, rounded
from webui.params import GenerationParams


def noise(width, height, seed=0, mode="RGB"):
    bands = len(mode)
    values = np.random.default_rng(seed).integers(0, 256, (height, width, bands), np.uint8)
    return Image.fromarray(values if bands > 1 else values[..., 0], mode)


def spot(width, height, box):
    mask = Image.new("L", (width, height))
    mask.paste(255, box)
    return mask


def scene_of(image, mask=None, **fields):
    return Scene.of(Inputs(image, mask), GenerationParams(init_images=("it",), **fields))


def pixels(image):
    return np.asarray(image).astype(int)


RED = Image.new("RGB", (128, 64), "red")


@given(
    width=st.integers(1, 90),
    height=st.integers(1, 90),
    mode=st.integers(0, 3),
    scale_by=st.sampled_from([0.0, 1.0, 0.7, 2.5]),
    outpaint=st.tuples(*[st.sampled_from([0, 0, 7, 24])] * 4),
    masked=st.sampled_from(["no", "a part", "alpha", "inverted"]),
    only_masked=st.booleans(),
    blur=st.sampled_from([0, 4, 20]),
    data=st.data(),
)
@settings(max_examples=150)
def test_nothing_outside_the_mask_is_lost_whatever_is_asked_for(
    width, height, mode, scale_by, outpaint, masked, only_masked, blur, data
):
    """Of every size, mode and mask: sizes are exact, and where the blurred mask is black bytes stay."""
    image, mask = noise(width, height), None
    if masked in ("a part", "inverted"):
        left, top = data.draw(st.integers(0, width - 1)), data.draw(st.integers(0, height - 1))
        box = left, top, data.draw(st.integers(left + 1, width)), data.draw(st.integers(top + 1, height))
        mask = spot(width, height, box)
    elif masked == "alpha":
        image.putalpha(Image.fromarray(np.tri(height, width, dtype=np.uint8) * 255))
    sides = dict(
        zip(("outpaint_left", "outpaint_up", "outpaint_right", "outpaint_down"), outpaint, strict=True)
    )
    scene = scene_of(
        image,
        mask,
        width=64,
        height=72,
        resize_mode=mode,
        scale_by=scale_by,
        inpaint_full_res=only_masked,
        inpaint_full_res_padding=8,
        inpainting_mask_invert=masked == "inverted",
        mask_blur=blur,
        **sides,
    )
    seen = scene.seen()
    assert seen.size == scene.drawn
    assert all(side % 8 == 0 and side >= 64 for side in seen.size)
    drawn = noise(*scene.drawn, seed=1)
    made = scene.put_back(drawn)
    assert made.mode == "RGB"
    assert made.size == scene.picture.size
    if scene.mask is None:
        assert made.size == expected_size(width, height, scale_by, outpaint)
        return
    outside = pixels(scene.mask) == 0
    assert np.array_equal(pixels(made)[outside], pixels(scene.picture)[outside])
    changed = (pixels(made) != pixels(scene.picture)).any(-1)
    assert not changed[outside].any()
    if not only_masked:
        assert made.size == expected_size(width, height, scale_by, outpaint)
    elif not scene.unmasked:
        left, up, right, down = outpaint
        assert made.size == (width + left + right, height + up + down)
        own = pixels(scene.picture)[up : up + height, left : left + width]
        opaque = pixels(image)[..., 3:] == 255 if image.mode == "RGBA" else np.True_
        assert np.array_equal(own, np.where(opaque, pixels(image)[..., :3], own))


def expected_size(width, height, scale_by, outpaint):
    left, up, right, down = outpaint
    if not scale_by:
        return (64, 72)
    return max(1, round((width + left + right) * scale_by)), max(1, round((height + up + down) * scale_by))


def test_a_picture_of_any_size_comes_back_as_it_was():
    image = noise(510, 333)
    scene = scene_of(image, spot(510, 333, (0, 0, 5, 5)), scale_by=1.0)
    assert scene.drawn == (512, 336)
    assert np.array_equal(pixels(scene.seen())[:333, :510], pixels(image))
    assert np.array_equal(pixels(scene.seen())[333:, :510], np.repeat(pixels(image)[-1:], 3, 0))
    made = scene.put_back(scene.seen())
    assert made.tobytes() == image.tobytes()


def test_inside_the_mask_all_is_new_and_the_blur_lies_outside():
    image, drawn = Image.new("RGB", (128, 128), "black"), Image.new("RGB", (128, 128), "white")
    scene = scene_of(image, spot(128, 128, (40, 40, 88, 88)), width=128, height=128, mask_blur=4)
    made = pixels(scene.put_back(drawn))[..., 0]
    assert (made[42:86, 42:86] == 255).all()
    row = made[64]
    assert 0 < row[36] < row[38] < 255
    assert (row[:24] == 0).all()


def test_only_the_masked_part_is_seen_at_the_full_size():
    image = noise(256, 128)
    mask = spot(256, 128, (100, 50, 120, 60))
    scene = scene_of(
        image, mask, width=64, height=64, inpaint_full_res=True, inpaint_full_res_padding=5, mask_blur=0
    )
    assert scene.box == (95, 40, 125, 70)
    assert scene.inner == scene.drawn == (64, 64)
    enlarged = image.crop(scene.box).resize((64, 64), Image.Resampling.LANCZOS)
    assert scene.seen().tobytes() == enlarged.tobytes()
    drawn = Image.new("RGB", (64, 64), "red")
    made = scene.put_back(drawn)
    expected = image.copy()
    expected.paste("red", (100, 50, 120, 60))
    # The mask, enlarged and not brought back, is the picture's own: its edge is exact.
    assert made.tobytes() == expected.tobytes()


def test_a_part_of_other_proportions_is_not_distorted():
    """A wide part of a low picture, drawn as a square: above its edge nothing is squeezed."""
    image = noise(200, 40)
    scene = scene_of(image, spot(200, 40, (0, 0, 200, 40)), width=128, height=128, inpaint_full_res=True)
    assert scene.inner == (128, 26)
    seen = pixels(scene.seen())
    assert (seen[26:] == seen[25]).all()


def test_what_is_transparent_is_the_mask_and_white():
    image = RED.convert("RGBA")
    image.paste((0, 0, 0, 0), (0, 0, 64, 64))
    scene = scene_of(image, width=128, height=64, mask_blur=0)
    assert np.array_equal(pixels(scene.mask) == 255, pixels(image)[..., 3] == 0)
    assert (pixels(scene.picture)[:, :64] == 255).all()
    assert scene_of(RED.convert("RGBA"), width=128, height=64).mask is None
    given = scene_of(image, spot(128, 64, (64, 0, 128, 64)), width=128, height=64, mask_blur=0)
    assert (pixels(given.mask)[:, :64] == 0).all()


def test_not_masked_turns_the_mask_but_not_the_room_to_paint():
    mask = spot(128, 64, (0, 0, 10, 64))
    scene = scene_of(
        RED, mask, inpainting_mask_invert=True, outpaint_left=16, scale_by=1.0, mask_blur=0, width=64
    )
    assert (pixels(scene.mask)[:, :16] == 255).all()
    assert (pixels(scene.mask)[:, 16:26] == 0).all()
    assert (pixels(scene.mask)[:, 26:] == 255).all()


def test_a_mask_of_another_size_is_brought_to_the_pictures():
    scene = scene_of(RED, spot(64, 32, (0, 0, 32, 32)), width=128, height=64, mask_blur=0)
    assert scene.mask.size == (128, 64)
    assert (pixels(scene.mask)[:, :63] == 255).all()
    assert (pixels(scene.mask)[:, 66:] == 0).all()


def test_the_mask_is_resized_as_the_picture():
    picture = Image.new("RGB", (100, 50))
    picture.paste("white", (60, 10, 80, 30))
    mask = spot(100, 50, (60, 10, 80, 30))
    for mode in range(3):
        scene = scene_of(picture, mask, width=64, height=64, resize_mode=mode, mask_blur=0)
        # Of other kinds of smoothness, so that edges differ a little.
        assert abs(pixels(scene.mask) - pixels(scene.picture)[..., 0]).max() < 50


def test_an_empty_mask_is_known_from_none():
    assert scene_of(RED, Image.new("L", RED.size)).unmasked
    assert not scene_of(RED).unmasked
    cut_away = scene_of(RED, spot(128, 64, (0, 0, 8, 8)), width=64, height=64, resize_mode=1, mask_blur=0)
    assert cut_away.unmasked


@pytest.mark.parametrize("only_masked", [False, True])
@pytest.mark.parametrize("blur", [16, 64])
def test_a_dab_is_not_blurred_away(blur, only_masked):
    image, mask = noise(256, 256), spot(256, 256, (120, 120, 123, 123))
    size = {"width": 256, "height": 256}
    scene = scene_of(image, mask, mask_blur=blur, inpaint_full_res=only_masked, **size)
    assert not scene.unmasked
    made = pixels(scene.put_back(Image.new("RGB", scene.drawn, "red")))
    assert (made[121, 121] == (255, 0, 0)).all()


@pytest.mark.parametrize("fields", [{}, {"outpaint_left": 24, "outpaint_up": 8}, {"scale_by": 1.7}])
@pytest.mark.parametrize("mode", range(3))
def test_other_masks_lie_where_the_mask_does(mode, fields):
    image, other = noise(100, 50), spot(100, 50, (60, 10, 80, 30))
    params = GenerationParams(
        init_images=("it",), mask="it", width=64, height=72, resize_mode=mode, mask_blur=0, **fields
    )
    inputs = Inputs(image, other)
    scene = Scene.of(inputs, params)
    laid = scene.laid(other, inputs, params)
    assert laid.size == scene.picture.size
    if fields.get("outpaint_left"):
        # The room to paint is in the mask alone.
        assert not pixels(laid)[:5, :5].any()
        inside = pixels(laid) > 0
        assert inside.any()
        assert np.array_equal(pixels(scene.mask)[inside], pixels(laid)[inside])
    else:
        assert laid.tobytes() == scene.mask.tobytes()
    elsewhere = spot(30, 30, (0, 0, 5, 5))
    assert scene.laid(elsewhere, inputs, params) is elsewhere


@pytest.mark.parametrize(("brightest", "limit"), [(255, 127), (128, 127), (127, 63), (60, 30), (1, 0)])
def test_a_faint_mask_is_measured_by_itself(brightest, limit):
    """A dab that its blur has thinned out counts, too; else it would be drawn for nothing."""
    mask = Image.new("L", (4, 4), brightest)
    assert half(mask) == limit
    assert certain(mask).getextrema() == (255, 255)
    assert certain(Image.new("L", (4, 4))).getextrema() == (0, 0)
    assert rounded(mask).getextrema() == (255, 255)
    assert rounded(Image.new("L", (4, 4))).getextrema() == (0, 0)


def test_what_has_changed_softly_is_taken_within_the_mask_only():
    image, drawn = Image.new("RGB", (64, 64)), Image.new("RGB", (64, 64), "white")
    scene = scene_of(image, spot(64, 64, (0, 0, 32, 64)), width=64, height=64, mask_blur=8)
    everything = Image.new("L", (64, 64), 255)
    outside = pixels(scene.mask) == 0
    made = pixels(scene.put_back(drawn, everything))[..., 0]
    assert outside.any()
    assert (made[outside] == 0).all()
    assert (made[pixels(scene.mask) > 32] == 255).all()
    assert not pixels(scene.put_back(drawn, Image.new("L", (64, 64)))).any()


def test_there_must_be_a_picture():
    with pytest.raises(ValueError, match="no picture"):
        scene_of(None)
