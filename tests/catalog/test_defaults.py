"""What a checkpoint begins with before anyone has set anything."""

import pytest

from webui.catalog.defaults import native_defaults
from webui.catalog.entry import Identity
from webui.engine.samplers.table import find_sampler
from webui.params import GenerationParams


def told(stem, family="sd1", prediction=None, size=None):
    defaults = native_defaults(Identity("checkpoint", family), stem, prediction, size)
    GenerationParams().completed(defaults)
    if "sampler_name" in defaults:
        assert find_sampler(defaults["sampler_name"])
    return defaults


@pytest.mark.parametrize(
    ("family", "side"),
    [("sd1", 512), ("sd2", 512), ("sdxl", 1024), ("sdxl-refiner", 1024), ("sd3", 1024), ("flux", 1024)],
)
def test_a_familys_own_size(family, side):
    defaults = told("moon", family)
    assert (defaults["width"], defaults["height"]) == (side, side)


def test_an_unknown_family_sets_nothing():
    assert told("moon", "") == {}


@pytest.mark.parametrize(
    ("stem", "prediction", "side"),
    [("v2-1_768-ema-pruned", None, 768), ("moon", "v_prediction", 768), ("512-base", None, 512)],
)
def test_sd2_comes_in_two_sizes(stem, prediction, side):
    assert told(stem, "sd2", prediction)["width"] == side


def test_a_folder_that_tells_its_size_is_believed():
    assert told("moon", "sd1", size=128) == {"width": 128, "height": 128}


@pytest.mark.parametrize(
    ("stem", "steps", "cfg_scale"),
    [
        ("sd_xl_turbo_1.0_fp16", 4, 1.0),
        ("DreamShaperXL_Turbo_v2", 8, 2.0),
        ("realvisxlV40_v40LightningBakedvae", 8, 1.0),
        ("sdxl_lightning_4step", 4, 1.0),
        ("juggernautXL_v9Rdphoto2Lightning", 8, 1.0),
        ("Hyper-SDXL-1step-Unet", 1, 1.0),
        ("lcm-dreamshaper-v7", 8, 1.5),
        ("moonLCM", 8, 1.5),
        ("flux1-schnell", 4, 1.0),
    ],
)
def test_fast_models_want_few_steps(stem, steps, cfg_scale):
    defaults = told(stem, "sdxl")
    assert (defaults["steps"], defaults["cfg_scale"]) == (steps, cfg_scale)


@pytest.mark.parametrize(
    "stem", ["hyperrealism", "HyperRealistic_v2", "Turbograph", "lcmoon", "moon", "dmdx"]
)
def test_words_inside_words_mean_nothing(stem):
    assert "steps" not in told(stem)


def test_sdxl_turbo_draws_small():
    assert told("sd_xl_turbo_1.0", "sdxl")["width"] == 512


def test_flow_models_have_no_strong_guidance():
    assert told("flux1-dev", "flux")["cfg_scale"] == 1.0
    assert told("sd3_medium", "sd3")["cfg_scale"] < 7
