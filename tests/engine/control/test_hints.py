"""What units show their networks."""

import numpy as np
import pytest
import torch
from PIL import Image

from tests.engine.control.walks import control, params_of, picture
from webui.catalog.entry import ModelFile
from webui.engine.batch import Batch
from webui.engine.control.hints import Hints
from webui.engine.protocol import Control, EngineError, Inputs, Order
from webui.imaging.framing import framed
from webui.imaging.preprocessors.built_in import weightless
from webui.imaging.views import WHOLE, View
from webui.params.control import ControlUnit

CHECKPOINT = ModelFile("any", None)
SIZE = (64, 64)


@pytest.fixture
def hints():
    return Hints(weightless())


NOTHING = Inputs()


def batch(*, view=WHOLE, inputs=NOTHING, **fields):
    return Batch(Order(params_of(**fields), CHECKPOINT, 7, inputs=inputs, view=view), 1, range(1))


def same(one, other):
    return np.array_equal(np.asarray(one), np.asarray(other))


def test_a_map_as_it_is(hints):
    hint = hints.of(control(), batch(), SIZE)
    assert same(hint.image, picture())
    pixels = hint.pixels(-1.0)
    assert pixels.shape == (1, 3, 64, 64)
    torch.testing.assert_close(pixels[0, :, 5, 7] * 255, torch.tensor(picture().getpixel((7, 5))).float())
    assert hint.region() is None


def test_a_preprocessor_makes_it(hints):
    unit = control(module="invert")
    assert same(hints.of(unit, batch(), SIZE).image, 255 - np.asarray(picture()))


def test_it_is_made_once(hints):
    unit, drawn = control(module="canny"), batch()
    assert hints.of(unit, drawn, SIZE) is hints.of(unit, drawn, SIZE)
    assert hints.of(unit, drawn, SIZE) is not hints.of(unit, drawn, (128, 128))
    assert hints.of(unit, drawn, SIZE) is not hints.of(control(module="canny"), drawn, SIZE)


def test_a_tile_is_shown_its_part(hints):
    view, whole = View(0.5, 0.0, 0.5, 0.5), picture(width=256, height=256)
    hint = hints.of(control(image=whole), batch(view=view), SIZE)
    assert same(hint.image, framed(whole, SIZE, "Crop and Resize", view))
    assert same(hint.image, framed(whole.crop((128, 0, 256, 128)), SIZE, "Just Resize"))


def test_a_region_lies_as_the_map_does(hints):
    mask = Image.new("L", (128, 64))
    mask.paste(255, (0, 0, 64, 64))
    region = hints.of(control(mask=mask, image=picture(width=128)), batch(), SIZE).region()
    assert region.shape == (1, 1, 64, 64)
    assert region[..., :32].all()
    assert not region[..., 33:].any()


MASK = Image.new("L", (64, 64))
MASK.paste(255, (0, 0, 32, 64))


@pytest.mark.parametrize("module", ["inpaint_only", "inpaint_global_harmonious"])
@pytest.mark.parametrize("emptied", [-1.0, 0.0])
def test_what_is_to_change_is_emptied(hints, module, emptied):
    hint = hints.of(control(module=module, mask=MASK), batch(), SIZE)
    pixels = hint.pixels(emptied)
    assert (pixels[..., :32] == emptied).all()
    plain = hints.of(control(), batch(), SIZE).pixels(emptied)
    assert torch.equal(pixels[..., 32:], plain[..., 32:])
    assert hint.region() is None, "the mask says what changes, and not where the unit has a say"


def test_transparent_parts_are_what_is_to_change(hints):
    image = picture().copy()
    image.putalpha(Image.eval(MASK, lambda grey: 255 - grey))
    pixels = hints.of(control(image=image, module="inpaint_only"), batch(), SIZE).pixels(-1.0)
    assert (pixels[..., :32] == -1).all()
    assert (pixels[..., 32:] >= 0).all()


def test_without_a_mask_there_is_nothing_to_paint(hints):
    with pytest.raises(EngineError, match='"inpaint_only" wants to know what is to change'):
        hints.of(control(module="inpaint_only"), batch(), SIZE)


def unnamed(image, **unit):
    """A unit without a picture of its own, which gets what img2img draws from."""
    return Control(ControlUnit(**unit), image)


def init(**fields):
    image = picture(5, 128, 128)
    mask = Image.new("L", (128, 128))
    mask.paste(255, (0, 0, 32, 32))
    masked = {"init_images": ("0" * 32,), "mask": "1" * 32, "mask_blur": 0, **fields}
    return batch(inputs=Inputs(image, mask), **masked), image


def test_img2img_shows_its_own_picture(hints):
    drawn, image = init(resize_mode=0)
    hint = hints.of(unnamed(image), drawn, SIZE)
    assert same(hint.image, image.resize(SIZE, Image.Resampling.LANCZOS))


def test_what_is_masked_alone_is_shown_alone(hints):
    drawn, image = init(inpaint_full_res=True, inpaint_full_res_padding=0)
    hint = hints.of(unnamed(image), drawn, SIZE)
    assert same(hint.image, image.crop((0, 0, 32, 32)).resize(SIZE, Image.Resampling.LANCZOS))


def test_an_inpaint_controlnet_is_told_what_img2img_changes(hints):
    drawn, image = init(resize_mode=0)
    pixels = hints.of(unnamed(image, module="inpaint_only"), drawn, SIZE).pixels(-1.0)
    emptied = (pixels == -1).all(1)[0]
    assert emptied[:15, :15].all()
    assert not emptied[17:].any()


def test_the_second_pass_of_hires_fix_is_shown_the_whole(hints):
    drawn, image = init()
    second = Batch(drawn.order, 1, range(1), before=4)
    assert same(hints.of(unnamed(image), second, (128, 128)).image, image)
