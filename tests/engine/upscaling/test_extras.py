"""Extras: sizes, mixing, cropping, what is told of it; faces where they can't be restored."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from tests.conftest import Recorder
from tests.engine.upscaling.conftest import CPU
from tests.engine.upscaling.test_upscalers import picture, values
from webui import __version__
from webui.engine.conditioning import Interrupted
from webui.engine.protocol import EngineError, Repair
from webui.engine.upscaling.extras import Extras, _size
from webui.engine.upscaling.faces import FaceRestorers
from webui.infotext import read
from webui.params.extras import ExtrasParams

BROUGHT = "a cat\nNegative prompt: a dog\nSteps: 20, Sampler: Euler a, CFG scale: 7, Seed: 42, Size: 512x512"


@pytest.fixture
def repaired(upscalers, tmp_path, four, two):
    def repaired(image=None, infotext="", observer=None, **fields):
        files = {"4x_small": four, "2x_small": two}
        repair = Repair(image or picture(), ExtrasParams(**fields), files, infotext)
        extras = Extras(upscalers, FaceRestorers(tmp_path, lambda: CPU))
        return extras.repaired(repair, observer or Recorder())

    return repaired


def test_by_a_factor(repaired):
    made = repaired(upscaling_resize=1.6, upscaler_1="Lanczos")
    assert made.image == picture().resize((64, 48), Image.Resampling.LANCZOS)
    assert made.infotext == (
        f"Postprocess upscale by: 1.6, Postprocess upscaler: Lanczos, Version: Darkroom {__version__}"
    )
    assert made.seed == 0


def test_by_a_factor_but_no_longer_than_the_longest_side(repaired):
    made = repaired(upscaling_resize=4, max_side_length=100, upscaler_1="4x_small")
    assert made.image.size == (100, 75)
    assert "Postprocess upscale by: 4, Max side length: 100, Postprocess upscaler: 4x_small" in made.infotext
    assert repaired(upscaling_resize=2, max_side_length=100).image.size == (80, 60)


def test_to_a_size_cropped_or_not(repaired, upscalers, four):
    wanted = {
        "resize_mode": 1,
        "upscaling_resize_w": 100,
        "upscaling_resize_h": 100,
        "upscaler_1": "4x_small",
    }
    made = repaired(**wanted)
    whole = repaired(**wanted, upscaling_crop=False)
    assert (made.image.size, whole.image.size) == ((100, 100), (133, 100))
    assert made.image == whole.image.crop((16, 0, 116, 100))
    assert made.infotext.startswith(
        "Postprocess upscale to: 100x100, Postprocess crop to: 100x100, Postprocess upscaler: 4x_small"
    )
    assert "crop" not in whole.infotext


@given(
    size=st.tuples(st.integers(1, 5000), st.integers(1, 5000)),
    wanted=st.tuples(st.integers(1, 5000), st.integers(1, 5000)),
    longest=st.integers(0, 5000),
    factor=st.floats(0.01, 16),
)
def test_sizes_cover_what_is_asked_for_and_keep_within_the_longest_side(size, wanted, longest, factor):
    to = ExtrasParams(resize_mode=1, upscaling_resize_w=wanted[0], upscaling_resize_h=wanted[1])
    covering = _size(to, size, {})
    assert covering[0] >= wanted[0]
    assert covering[1] >= wanted[1]
    assert covering[0] == wanted[0] or covering[1] == wanted[1]
    scaled = _size(ExtrasParams(upscaling_resize=factor, max_side_length=longest), size, {})
    assert min(scaled) >= 1
    assert not longest or max(scaled) <= longest


def test_the_second_upscaler_is_mixed_in(repaired):
    observer = Recorder()
    first = repaired(upscaling_resize=2, upscaler_1="2x_small")
    second = repaired(upscaling_resize=2, upscaler_1="4x_small")
    both = repaired(
        upscaling_resize=2,
        upscaler_1="2x_small",
        upscaler_2="4x_small",
        extras_upscaler_2_visibility=0.25,
        observer=observer,
    )
    expected = values(first.image) * 0.75 + values(second.image) * 0.25
    assert np.abs(values(both.image) - expected).max() <= 1
    assert "Postprocess upscaler: 2x_small, Postprocess upscaler 2: 4x_small" in both.infotext
    assert observer.steps == [(1, 0, 2), (1, 1, 2), (1, 1, 2), (1, 2, 2)]
    unseen = repaired(upscaling_resize=2, upscaler_1="2x_small", upscaler_2="4x_small")
    assert unseen.image == first.image
    assert "upscaler 2" not in unseen.infotext


def test_without_an_upscaler_the_picture_stays_as_it_is(repaired):
    made = repaired(upscaler_1="None", upscaling_resize=4, infotext=BROUGHT)
    assert made.image == picture()
    assert made.infotext == BROUGHT


def test_what_the_picture_brought_is_kept_and_a_second_repair_told_anew(repaired):
    once = repaired(upscaling_resize=2, infotext=BROUGHT)
    assert once.infotext == f"{BROUGHT}, Postprocess upscale by: 2, Postprocess upscaler: Lanczos"
    assert once.seed == 42
    to = {"resize_mode": 1, "upscaling_resize_w": 90, "upscaling_resize_h": 90, "upscaling_crop": False}
    twice = repaired(**to, upscaler_1="2x_small", infotext=once.infotext)
    assert twice.infotext == f"{BROUGHT}, Postprocess upscaler: 2x_small, Postprocess upscale to: 90x90"
    assert read(twice.infotext).fields["prompt"] == "a cat"


@pytest.mark.parametrize(
    "text",
    [
        "just a prompt: nothing more",
        f"{BROUGHT}\nTemplate: a {{cat|dog}}\nNegative Template: b",
        'Steps: 1, Sampler: Euler, Seed: 3, Note: "a, b: c"',
        "((((" * 5000,
    ],
    ids=["prompt", "template", "quoted", "brackets"],
)
def test_any_text_is_kept_with_the_repair(repaired, text):
    before, after = read(text), read(repaired(infotext=text, upscaling_resize=2).infotext)
    assert after.fields.items() >= before.fields.items()
    assert after.notes.items() >= before.notes.items()
    assert {**before.unused, "Postprocess upscaler": "Lanczos"}.items() <= {
        **after.unused,
        **after.fields,
    }.items()


def test_a_text_that_is_no_infotext_by_its_length_stays(repaired):
    text = "a" * 2_000_000
    assert repaired(infotext=text, upscaling_resize=2).infotext == text


def test_alpha_is_kept(repaired):
    made = repaired(picture(mode="RGBA"), upscaling_resize=2, upscaler_1="4x_small")
    assert (made.image.mode, made.image.size) == ("RGBA", (80, 60))


def test_it_can_be_interrupted(repaired):
    with pytest.raises(Interrupted):
        repaired(upscaler_1="4x_small", observer=Recorder(interrupt_at=(1, 0)))


@pytest.mark.parametrize("field", ["gfpgan_visibility", "codeformer_visibility"])
def test_faces_are_refused_with_what_is_missing(repaired, field):
    name = "GFPGAN" if field.startswith("gfpgan") else "CodeFormer"
    with pytest.raises(
        EngineError, match=rf"^{name} needs the Python packages .*spandrel.*set its visibility to 0"
    ):
        repaired(**{field: 0.5})
