"""The detailer, on the demo model."""

import numpy as np
import pytest
from PIL import Image, ImageDraw, ImageFilter

from tests.conftest import PROMPT, Recorder, pixels
from webui.engine import detailing
from webui.engine.protocol import EngineError, Inputs, Order
from webui.engine.studio import Helpers
from webui.imaging.boxes import Box
from webui.imaging.detectors import Detector
from webui.imaging.regions import Region
from webui.imaging.sizes import drawn_size
from webui.params import MAX_PROMPT, GenerationParams, InvalidParamsError

PARAMS = GenerationParams(
    prompt=PROMPT,
    width=64,
    height=64,
    steps=2,
    cfg_scale=4.0,
    detailer="Mask",
    detailer_mask="0" * 32,
    detailer_denoising_strength=0.9,
    detailer_padding=0,
    detailer_dilation=0,
    detailer_mask_blur=2,
)
OWL = "owl, flat style, blue background"
BOXES = [(32, 30, 60, 60), (4, 4, 20, 20)]
"""Larger first."""


def mask_of(*boxes, size=(64, 64)):
    mask = Image.new("L", size)
    for box in boxes:
        ImageDraw.Draw(mask).rectangle(box, fill=255)
    return mask


@pytest.fixture(scope="module")
def drawn(engine, demo):
    def drawn(observer=None, *, mask=None, seed=7, **fields) -> Recorder:
        observer = observer or Recorder()
        inputs = Inputs(detail_mask=mask_of(*BOXES) if mask is None else mask)
        engine.draw(Order(PARAMS.changed(**fields), demo, seed, inputs=inputs), observer)
        return observer

    return drawn


@pytest.fixture(scope="module")
def plain(drawn):
    return drawn(detailer="None").images[0]


@pytest.fixture(scope="module")
def both(drawn):
    return drawn()


def changed(image, other, box):
    left, top, right, bottom = box
    return abs(image - other)[top:bottom, left:right].mean()


def test_parts_are_drawn_anew_and_the_rest_stays_to_the_bit(both, plain):
    image = both.images[0]
    for box in BOXES:
        assert changed(image, plain, box) > 3
    outside = np.asarray(mask_of(*BOXES).filter(ImageFilter.GaussianBlur(2))) == 0
    assert outside.sum() > 2000
    assert (image[outside] == plain[outside]).all()


def test_parts_are_drawn_in_turn_the_largest_first(drawn, both, plain):
    one = drawn(detailer_max_regions=1).images[0]
    assert changed(one, plain, BOXES[0]) > 3
    assert changed(one, plain, BOXES[1]) == 0
    assert changed(one, both.images[0], BOXES[0]) == 0
    assert [phase for phase in both.phases if phase.startswith("drawing")] == [
        "drawing detail 1 of 2",
        "drawing detail 2 of 2",
    ]


def test_the_same_seed_gives_the_same_bytes(drawn, both):
    assert drawn().images[0].tolist() == both.images[0].tolist()


@pytest.mark.parametrize(
    "fields",
    [
        {"detailer_prompt": OWL},
        {"detailer_negative_prompt": OWL},
        {"detailer_denoising_strength": 0.4},
        {"detailer_steps": 5},
        {"detailer_padding": 30},
        {"detailer_dilation": 6},
        {"detailer_mask_blur": 8},
    ],
    ids=lambda fields: next(iter(fields)),
)
def test_every_setting_has_its_say(drawn, both, fields):
    assert abs(drawn(**fields).images[0] - both.images[0]).max() > 5


def test_each_part_has_its_own_prompt(drawn, both):
    own = drawn(detailer_prompt=f"[SEP]{OWL}").images[0]
    assert changed(own, both.images[0], BOXES[0]) == 0
    assert changed(own, both.images[0], BOXES[1]) > 3


def test_a_part_may_be_left_out(drawn, both, plain):
    own = drawn(detailer_prompt="[SKIP] [SEP]").images[0]
    assert changed(own, plain, BOXES[0]) == 0
    assert changed(own, both.images[0], BOXES[1]) == 0


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("", ["own", "own", "own"]),
        ("a", ["a", "a", "a"]),
        (" a [SEP] b", ["a", "b", "b"]),
        ("[SEP]b[SEP]", ["own", "b", "own"]),
        ("[PROMPT], sharp [SEP] [SKIP]", ["own, sharp", "[SKIP]", "[SKIP]"]),
    ],
)
def test_what_is_said_of_each_part(text, told, demo):
    params = PARAMS.changed(prompt="own", detailer_prompt=text, detailer_negative_prompt="n")
    order = Order(params, demo, 7)
    said = [detailing.order_of(order, 0, number).prompt_of(0) for number in range(3)]
    assert [one.prompt for one in said] == told
    assert [one.negative for one in said] == ["n"] * 3


def test_a_prompt_told_over_and_over_is_refused(demo):
    params = PARAMS.changed(prompt="x" * MAX_PROMPT, detailer_prompt="[PROMPT]" * 2000)
    with pytest.raises(EngineError, match="too often"):
        detailing.order_of(Order(params, demo, 7), 0, 0)


def test_nothing_found_is_told_and_changes_nothing(drawn, plain):
    recorder = drawn(mask=mask_of())
    assert recorder.images[0].tolist() == plain.tolist()
    assert recorder.notices == [detailing.NOTHING_FOUND]
    assert drawn(detailer_dilation=-30).notices == [detailing.NOTHING_FOUND]


def test_the_detectors_that_need_nothing_find_what_was_drawn(drawn, plain):
    for fields in ({"detailer": "Saliency"}, {"detailer": "Color", "detailer_color": "#ffffff"}):
        recorder = drawn(**fields, detailer_max_regions=1)
        assert not recorder.notices
        assert abs(recorder.images[0] - plain).max() > 10


def test_an_unknown_detector_is_refused(drawn):
    with pytest.raises(InvalidParamsError, match='no detector "Faces"'):
        drawn(detailer="Faces")


def test_a_detector_of_somebody_elses(engine, demo, plain):
    def find(image, _params, _mask):
        assert image.size == (64, 64)
        return [Region(Box(*BOXES[1]), mask_of(BOXES[1]))]

    order, recorder = Order(PARAMS.changed(detailer="Corners"), demo, 7), Recorder()
    with engine._manager.open(order, engine._forms.plan(order)) as studio:
        studio.draw(order, recorder, 0, Helpers(detectors=[Detector("Corners", find)]))
    assert changed(recorder.images[0], plain, BOXES[1]) > 3


def test_every_picture_of_a_batch_has_its_details(drawn, both):
    recorder = drawn(batch_size=2, seed=6, detailer_max_regions=1)
    assert abs(recorder.images[1] - drawn(detailer_max_regions=1).images[0]).max() <= 3
    assert [picture.seed for picture in recorder.pictures] == [6, 7]
    assert recorder.steps[-1] == (1, 6, 6)


def test_details_of_a_larger_picture(drawn):
    fields = {"enable_hr": True, "hr_scale": 1.5, "hr_upscaler": "Lanczos", "denoising_strength": 0.3}
    before, after = drawn(**fields, detailer="None").images[0], drawn(**fields).images[0]
    assert after.shape == (96, 96, 3)
    outside = np.asarray(mask_of(*BOXES).resize((96, 96)).filter(ImageFilter.GaussianBlur(4))) == 0
    assert (after[outside] == before[outside]).all()
    assert changed(after, before, [side * 3 // 2 for side in BOXES[0]]) > 3


def test_details_of_img2img(engine, demo):
    recorder, own = Recorder(), Image.new("RGB", (64, 64), "#88aaff")
    params = PARAMS.changed(init_images=("0" * 32,), denoising_strength=0)
    engine.draw(Order(params, demo, 7, inputs=Inputs(own, detail_mask=mask_of(BOXES[0]))), recorder)
    image = recorder.images[0]
    assert changed(image, pixels(own), BOXES[0]) > 3
    assert changed(image, pixels(own), BOXES[1]) == 0


@pytest.fixture(scope="module")
def masked(engine, demo):
    """Draws from a blue picture within the left third, and details of the parts that lie in `details`."""

    def masked(details=None, size=(96, 64), image=None, **fields):
        image = image or Image.new("RGB", size, "#88aaff")
        params = PARAMS.changed(
            **{"init_images": ("0" * 32,), "mask": "0" * 32, "scale_by": 1.0, "mask_blur": 2, **fields}
        )
        mask = mask_of((0, 0, 31, 63), size=image.size)
        width, height = drawn_size(params, image.size)
        order = Order(
            params.changed(width=width, height=height, detailer="Mask" if details else "None"),
            demo,
            7,
            inputs=Inputs(image, mask, details),
        )
        recorder = Recorder()
        engine.draw(order, recorder)
        return recorder

    return masked


@pytest.mark.parametrize(
    "fields",
    [
        {},
        {"soft_inpainting": True, "denoising_strength": 0.1},
        {"inpaint_full_res": True, "scale_by": 0.0},
    ],
    ids=str,
)
def test_details_within_a_mask_are_drawn_and_nothing_outside_it(masked, fields):
    """The part reaches over the mask's edge."""
    details = mask_of((12, 10, 60, 50), size=(96, 64))
    after, before = masked(details, **fields).images[0], masked(**fields).images[0]
    assert after.shape == (64, 96, 3)
    assert changed(after, before, (14, 12, 28, 48)) > 3
    outside = np.asarray(mask_of((0, 0, 31, 63), size=(96, 64)).filter(ImageFilter.GaussianBlur(2))) == 0
    assert outside[:, 50:].all()
    assert (after[outside] == pixels(Image.new("RGB", (96, 64), "#88aaff"))[outside]).all()


def test_parts_outside_the_mask_are_not_drawn(masked):
    recorder = masked(mask_of((60, 10, 90, 50), size=(96, 64)))
    assert recorder.notices == [detailing.NOTHING_FOUND]
    assert not any(phase.startswith("drawing detail") for phase in recorder.phases)


@pytest.mark.parametrize(
    ("fields", "box"),
    [
        ({"resize_mode": 0}, (16, 16, 32, 48)),
        ({"resize_mode": 1}, (0, 16, 32, 48)),
        ({"scale_by": 1.0, "outpaint_left": 64, "outpaint_up": 64}, (96, 80, 128, 112)),
    ],
    ids=str,
)
def test_the_parts_lie_where_they_were_painted(engine, demo, monkeypatch, fields, box):
    """Of a picture that is cut to its size, or given room to paint, beside the one they were painted on."""
    image, found = Image.new("RGB", (128, 64), "#88aaff"), []

    def find(image, params, mask):
        found.append(mask.getbbox())
        return []

    details = mask_of((32, 16, 63, 47), size=image.size)
    params = PARAMS.changed(init_images=("0" * 32,), denoising_strength=0.5, **fields)
    width, height = drawn_size(params, image.size)
    order = Order(
        params.changed(width=width, height=height, detailer="Any"),
        demo,
        7,
        inputs=Inputs(image, detail_mask=details),
    )
    with engine._manager.open(order, engine._forms.plan(order)) as studio:
        studio.draw(order, Recorder(), helpers=Helpers(detectors=[Detector("Any", find)]))
    assert all(abs(a - b) <= 1 for a, b in zip(found[0], box, strict=True))


def test_steps_are_counted_on(both):
    """Two steps, and two for each of the parts, of which one was reckoned with."""
    steps = [step for _, step, _ in both.steps]
    assert steps == sorted(steps)
    assert both.steps[:3] == [(1, 0, 4), (1, 1, 4), (1, 2, 4)]
    assert both.steps[-1] == (1, 6, 6)


@pytest.mark.parametrize("wish", ["interrupt_at", "skip_at"])
def test_a_finished_picture_is_handed_over_though_its_details_are_stopped(drawn, plain, wish):
    recorder = drawn(Recorder(**{wish: (1, 5)}))
    assert changed(recorder.images[0], plain, BOXES[0]) > 3
    assert changed(recorder.images[0], plain, BOXES[1]) == 0
    assert recorder.notices == [detailing.STOPPED]
