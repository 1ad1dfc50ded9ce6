"""The "parameters" text: AUTOMATIC1111's form and keys, readable by those who read that."""

import dataclasses

import pytest

from tests.infotext.test_pairs import pairs
from webui import __version__
from webui.infotext import ModelIdentity, write
from webui.params import GenerationParams

MODEL = ModelIdentity("darkroom-demo", "0123456789")


def told(model=MODEL, **fields):
    return pairs(write(GenerationParams(**fields), model))


def test_the_whole_text():
    params = GenerationParams(
        prompt="a panda,\nin the rain",
        negative_prompt="blurry",
        steps=12,
        cfg_scale=4,
        width=128,
        height=192,
        seed=42,
    )
    assert write(params, MODEL) == (
        "a panda,\nin the rain\n"
        "Negative prompt: blurry\n"
        "Steps: 12, Sampler: DPM++ 2M, Schedule type: Automatic, CFG scale: 4, Seed: 42, Size: 128x192, "
        f"Model hash: 0123456789, Model: darkroom-demo, RNG: CPU, Version: Darkroom {__version__}"
    )


def test_no_negative_line_where_there_is_no_negative_prompt():
    lines = write(GenerationParams(prompt="panda"), MODEL).split("\n")
    assert [line.split(":")[0] for line in lines] == ["panda", "Steps"]


def test_an_empty_prompt_leaves_only_the_settings():
    assert write(GenerationParams(), MODEL).startswith("Steps: 20, ")


def test_keys_stand_in_a1111s_order():
    model = dataclasses.replace(MODEL, vae="x.pt", vae_hash="abcdef0123", fp8=True, refiner="r [0123456789]")
    fields = {
        "subseed": 5,
        "subseed_strength": 0.25,
        "seed_resize_from_w": 256,
        "seed_resize_from_h": 320,
        "clip_skip": 2,
        "ensd": 31337,
        "token_merging_ratio": 0.5,
        "rng": "NV",
        "tiling": True,
        "refiner_checkpoint": "r",
        "eta": 0.5,
        "s_churn": 1.5,
        "emphasis": "No norm",
        "step_cache": 2,
    }
    text = write(
        GenerationParams(seed=1, **fields), model, template="{a|b}", negative_template="c", user="Ada"
    )
    assert text.split("Size: 512x512, ")[1] == (
        "Model hash: 0123456789, Model: darkroom-demo, FP8 weight: Enable, VAE hash: abcdef0123, VAE: x.pt, "
        "Variation seed: 5, Variation seed strength: 0.25, Seed resize from: 256x320, Clip skip: 2, "
        "ENSD: 31337, Token merging ratio: 0.5, RNG: NV, Tiling: True, Refiner: r [0123456789], "
        "Refiner switch at: 0.8, Eta: 0.5, Sigma churn: 1.5, Emphasis: No norm, Step cache: 2, "
        f"Template: {{a|b}}, Negative Template: c, Version: Darkroom {__version__}, User: Ada"
    )


def test_what_has_no_say_is_left_out():
    unheard = {"subseed": 5, "freeu_b1": 1.5, "refiner_switch_at": 0.5, "seed_resize_from_w": 256}
    assert told(**unheard) == told()


@pytest.mark.parametrize(
    ("sampler", "key"), [("Euler a", "Eta"), ("DDIM", "Eta DDIM"), ("DDIM CFG++", "Eta DDIM")]
)
def test_eta_goes_by_the_name_that_a1111_has_for_the_sampler(sampler, key):
    assert told(sampler_name=sampler, eta=0.0)[key] == "0"
    assert key not in told(sampler_name=sampler)


def test_freeu_is_told_whole():
    assert told(freeu=True) == told() | {
        "freeu_enabled": "True",
        "freeu_b1": "1.01",
        "freeu_b2": "1.02",
        "freeu_s1": "0.99",
        "freeu_s2": "0.95",
    }


@pytest.mark.parametrize(
    ("scale", "written"), [(7, "7"), (7.0, "7"), (7.5, "7.5"), (1.123456789, "1.123456789")]
)
def test_numbers_lose_nothing(scale, written):
    assert told(cfg_scale=scale)["CFG scale"] == written


def test_every_field_that_changes_the_picture_has_a_key():
    from webui.infotext.fields import KEYS

    told_elsewhere = {"prompt", "negative_prompt", "checkpoint", "vae", "refiner_checkpoint"}
    no_picture = {"batch_size", "n_iter", "script", "styles", "dynamic_prompts"}
    keyed = {name for key in KEYS for name in key.fields}
    assert keyed | told_elsewhere | no_picture == set(GenerationParams.model_fields)
