import pytest
from hypothesis import given
from hypothesis import strategies as st

from webui.jobs.sizes import MAX_ENLARGED, check_mended, sized
from webui.params import MAX_PIXELS, MAX_SIDE, GenerationParams, InvalidParamsError
from webui.params.extras import ExtrasParams
from webui.params.scripts import SDUpscale

FROM = {"init_images": ("0" * 32,)}
sides = st.integers(1, 20_000)


def tried(params, size):
    """What comes of it: params, or the refusal."""
    try:
        return sized(params, size)
    except InvalidParamsError as error:
        return error


@given(sides, sides, st.floats(0.05, 8), st.sampled_from([1, 4, 64]))
def test_what_is_settled_can_be_drawn_or_is_refused(width, height, scale, batch):
    params = GenerationParams(**FROM, scale_by=scale, batch_size=batch)
    fits = max(width, height) * scale <= MAX_SIDE - 8 and width * height * scale**2 * batch <= MAX_PIXELS / 2
    made = tried(params, (width, height))
    if isinstance(made, InvalidParamsError):
        assert made.field == "scale_by"
        assert not fits or min(width, height) * scale < 64
        return
    assert max(made.width, made.height) <= MAX_SIDE
    assert made.width * made.height * batch <= MAX_PIXELS
    assert (made.width % 8, made.height % 8) == (0, 0)
    assert made.width >= width * scale - 1
    assert sized(made, (width, height)) == made


def test_without_a_factor_the_size_stays_as_it_was_asked_for():
    params = GenerationParams(**FROM, width=256, height=320)
    assert sized(params, (999, 77)) is params
    assert sized(GenerationParams(), (999, 77)) == GenerationParams()
    tiles = GenerationParams(**FROM, script=SDUpscale(), scale_by=3)
    assert sized(tiles, (999, 77)) is tiles


@given(sides, sides, st.floats(1, 8))
def test_an_enlargement_can_be_drawn_or_is_refused(width, height, scale):
    params = GenerationParams(enable_hr=True, firstpass_image="0" * 32, hr_scale=scale)
    made = tried(params, (width, height))
    if isinstance(made, InvalidParamsError):
        assert made.field == "hr_scale"
        return
    assert max(made.hires_size((width, height))) <= MAX_SIDE
    assert (made.width % 8, made.height % 8) == (0, 0)


@pytest.mark.parametrize(
    ("extras", "size", "fits"),
    [
        ({"upscaling_resize": 4}, (3840, 2160), True),
        ({"upscaling_resize": 16}, (3840, 2160), False),
        ({"upscaling_resize": 16, "max_side_length": 8000}, (3840, 2160), True),
        ({"resize_mode": 1, "upscaling_resize_w": 8000, "upscaling_resize_h": 8000}, (64, 64), True),
        ({"resize_mode": 1, "upscaling_resize_w": 64, "upscaling_resize_h": 16_384}, (9000, 10), False),
        ({"resize_mode": 1, "upscaling_resize_w": 64, "upscaling_resize_h": 16_384}, (10, 9000), True),
    ],
)
def test_what_extras_would_make_too_large_is_refused(extras, size, fits):
    if fits:
        check_mended(ExtrasParams(**extras), size)
        return
    with pytest.raises(InvalidParamsError, match=f"{MAX_ENLARGED:,} pixels are the limit"):
        check_mended(ExtrasParams(**extras), size)
