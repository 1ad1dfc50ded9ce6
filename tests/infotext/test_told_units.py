"""ControlNet units in texts, as they have been written over time."""

import pytest

from webui.infotext import ModelIdentity, read, write
from webui.params import GenerationParams
from webui.params.control import ControlUnit

SETTINGS = "a cat\nSteps: 20, Sampler: Euler a, CFG scale: 7, Seed: 1, Size: 512x512, "
TODAY = (
    'ControlNet 0: "Module: canny, Model: control_v11p_sd15_canny [d14c016b], Weight: 0.8, '
    "Resize Mode: Crop and Resize, Processor Res: 512, Threshold A: 100.0, Threshold B: 200.0, "
    "Guidance Start: 0.0, Guidance End: 0.9, Pixel Perfect: True, Control Mode: Balanced, "
    'Hr Option: Both, Save Detected Map: True"'
)
FORGE = (
    'ControlNet 0: "Module: canny, Model: control_v11p_sd15_canny [d14c016b], Weight: 0.8, '
    "Resize Mode: ResizeMode.INNER_FIT, Processor Res: 512, Threshold A: 100, Threshold B: 200, "
    "Guidance Start: 0.0, Guidance End: 0.9, Pixel Perfect: True, Control Mode: ControlMode.BALANCED, "
    'Hr Option: HiResFixOption.BOTH"'
)
SPRING_2023 = (
    'ControlNet 0: "preprocessor: canny, model: control_v11p_sd15_canny [d14c016b], weight: 0.8, '
    "starting/ending: (0, 0.9), resize mode: Crop and Resize, pixel perfect: True, "
    'control mode: Balanced, preprocessor params: (512, 100, 200)"'
)
FIRST = (
    "ControlNet-0 Enabled: True, ControlNet-0 Module: canny, "
    "ControlNet-0 Model: control_v11p_sd15_canny [d14c016b], ControlNet-0 Weight: 0.8, "
    "ControlNet-0 Guidance Start: 0, ControlNet-0 Guidance End: 0.9, ControlNet-0 Pixel Perfect: True, "
    "ControlNet-0 Processor Res: 512, ControlNet-0 Threshold A: 100, ControlNet-0 Threshold B: 200"
)
UNIT = ControlUnit(
    module="canny",
    model="control_v11p_sd15_canny [d14c016b]",
    weight=0.8,
    threshold_a=100,
    threshold_b=200,
    guidance_end=0.9,
    pixel_perfect=True,
)


def units(told):
    found = read(SETTINGS + told)
    return found.fields["control"], found.problems


@pytest.mark.parametrize("told", [TODAY, FORGE, SPRING_2023, FIRST])
def test_texts_of_every_age_tell_the_unit(told):
    assert units(told) == ((UNIT,), ())
    assert not [key for key in read(SETTINGS + told).unused if "ControlNet" in key]


def test_a_unit_is_written_as_the_extension_writes_it():
    text = write(GenerationParams(control=[UNIT]), ModelIdentity("m", None))
    assert TODAY.removesuffix(', Save Detected Map: True"') + '"' in text


def test_units_that_are_not_enabled_are_not_told():
    off = UNIT.model_copy(update={"enabled": False})
    text = write(GenerationParams(control=[off, UNIT]), ModelIdentity("m", None))
    assert "ControlNet 0: " in text
    assert "ControlNet 1: " not in text
    assert units("ControlNet-0 Enabled: False, ControlNet-0 Module: canny")[0] == ()


def test_pictures_are_not_told():
    pictured = UNIT.model_copy(update={"image": "0" * 32, "mask": "1" * 32})
    text = write(GenerationParams(control=[pictured]), ModelIdentity("m", None))
    assert read(text).fields["control"] == (UNIT,)


def test_what_is_left_out_is_as_at_first_and_unknown_modules_stay():
    told = 'ControlNet 0: "Module: dw_openpose_full, Model: pose, Processor Res: -1, Threshold A: -1"'
    assert units(told) == ((ControlUnit(module="dw_openpose_full", model="pose"),), ())


@pytest.mark.parametrize(
    ("told", "sentence"),
    [
        ("Weight: 9", 'ControlNet unit 0: "weight: 9" can\'t be used: input should be less than'),
        ("Weight: nan", "can't be used"),
        ("Processor Res: much", "it is not a whole number"),
        ("Control Mode: Mine", "it is none of Balanced"),
        ("Guidance Start: 0.9, Guidance End: 0.1", "behind Ending Control Step"),
    ],
)
def test_what_can_not_be_used_is_said_and_the_rest_is_used(told, sentence):
    (unit,), (problem,) = units(f'ControlNet 0: "Module: canny, {told}, Pixel Perfect: True"')
    assert (unit.module, unit.weight, unit.pixel_perfect) == ("canny", 1.0, True)
    assert sentence in problem


def test_without_units_there_are_none_and_other_keys_stay():
    found = read(SETTINGS + "ControlNet Version: 1.1.455, ControlNet 12: x")
    assert found.fields["control"] == ()
    assert found.unused == {"ControlNet Version": "1.1.455", "ControlNet 12": "x"}


@pytest.mark.timeout(10)
def test_long_and_odd_texts_are_read_quickly():
    for told in ("a: " * 50_000, ", a" * 50_000, "(" * 100_000, "Module: " + "x" * 100_000):
        read(SETTINGS + f'ControlNet 0: "{told}"')
