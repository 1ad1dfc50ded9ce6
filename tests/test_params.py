"""GenerationParams: what it takes, what it refuses and how it says so."""

import json

import pytest
from pydantic import ValidationError

from webui.params import MAX_PROMPT, MAX_SEED, GenerationParams, InvalidParamsError


def refusal(**fields) -> tuple[tuple[str, ...], str]:
    with pytest.raises(ValidationError) as caught:
        GenerationParams.model_validate(fields)
    (error,) = caught.value.errors()
    return error["loc"], error["msg"]


def test_defaults_are_a1111s():
    params = GenerationParams()
    a1111s = {
        "prompt": "",
        "negative_prompt": "",
        "sampler_name": "DPM++ 2M",
        "scheduler": "Automatic",
        "steps": 20,
        "cfg_scale": 7.0,
        "seed": -1,
        "width": 512,
        "height": 512,
        "batch_size": 1,
        "n_iter": 1,
        "checkpoint": "",
        "vae": "Automatic",
        "clip_skip": 1,
        "subseed": -1,
        "subseed_strength": 0.0,
        "emphasis": "Original",
        "comma_padding_backtrack": 20,
        "s_min_uncond": 0.0,
        "refiner_switch_at": 0.8,
        "token_merging_ratio": 0.0,
    }
    assert {name: getattr(params, name) for name in a1111s} == a1111s


@pytest.mark.parametrize(
    ("field", "lowest", "highest", "below", "above"),
    [
        ("steps", 1, 150, 0, 151),
        ("cfg_scale", 1, 30, 0.99, 30.01),
        ("seed", -1, MAX_SEED, -2, MAX_SEED + 1),
        ("width", 64, 8192, 56, 8200),
        ("height", 64, 8192, 56, 8200),
        ("batch_size", 1, 64, 0, 65),
        ("n_iter", 1, 1000, 0, 1001),
    ],
)
def test_limits(field, lowest, highest, below, above):
    for value in (lowest, highest):
        assert getattr(GenerationParams.model_validate({field: value}), field) == value
    for value in (below, above):
        assert refusal(**{field: value})[0] == (field,)


@pytest.mark.parametrize("field", ["prompt", "negative_prompt"])
def test_long_prompts_are_refused_from_one_letter_too_many(field):
    assert len(getattr(GenerationParams(**{field: "a" * MAX_PROMPT}), field)) == MAX_PROMPT
    assert refusal(**{field: "a" * (MAX_PROMPT + 1)})[0] == (field,)


@pytest.mark.parametrize("side", [65, 100, 513, 511.5])
def test_sides_are_multiples_of_8(side):
    assert refusal(width=side)[0] == ("width",)
    assert refusal(height=side)[0] == ("height",)


@pytest.mark.parametrize("value", ["nan", "inf", float("nan"), float("inf"), "a lot", None, [7]])
def test_cfg_scale_is_a_number(value):
    assert refusal(cfg_scale=value)[0] == ("cfg_scale",)


def test_an_unknown_field_is_named():
    field, text = refusal(cfg_scal=7)
    assert field == ("cfg_scal",)
    assert text == "Extra inputs are not permitted"


def test_too_many_pixels_at_once_say_the_way_out():
    _, text = refusal(width=8192, height=8192, batch_size=2)
    assert text == (
        "Value error, 8192x8192 in batches of 2 is 134,217,728 pixels at once; the limit is 67,108,864. "
        "Lower the width, the height or the batch size."
    )
    assert (
        GenerationParams(width=8192, height=8192, n_iter=1000).n_iter == 1000
    )  # one after the other is fine


def test_cannot_be_changed_in_place():
    with pytest.raises(ValidationError, match="frozen"):
        GenerationParams().steps = 3  # pyright: ignore


def test_completed_fills_in_only_what_was_not_given():
    params = GenerationParams(prompt="panda", steps=20).completed({"steps": 12, "width": 128, "cfg_scale": 4})
    assert (params.prompt, params.steps, params.width, params.cfg_scale) == ("panda", 20, 128, 4.0)
    assert params.completed({"width": 256, "height": 256}).width == 128  # what was filled in counts as given
    assert params.completed({"height": 256}).height == 256


def test_completed_validates():
    with pytest.raises(ValidationError, match="width"):
        GenerationParams().completed({"width": 100})


def test_changed_is_a_validated_copy():
    params = GenerationParams(prompt="panda")
    assert params.changed(seed=5, prompt="owl") == GenerationParams(prompt="owl", seed=5)
    assert params == GenerationParams(prompt="panda")
    with pytest.raises(ValidationError, match="seed"):
        params.changed(seed=-5)
    with pytest.raises(ValidationError, match="sed"):
        params.changed(sed=5)


def test_changed_keeps_what_was_not_given_open():
    assert GenerationParams(prompt="panda").changed(seed=5).completed({"width": 128}).width == 128


def test_survives_json_with_the_largest_seed():
    params = GenerationParams(prompt='"ünï", \n', seed=MAX_SEED, cfg_scale=1.5)
    assert GenerationParams.model_validate_json(params.model_dump_json()) == params
    assert json.loads(params.model_dump_json())["seed"] == 9007199254740991


def test_every_field_says_what_it_is():
    for name, field in GenerationParams.model_fields.items():
        assert field.title, name
        assert (field.description or "").endswith("."), name


def test_invalid_params_error_names_its_field():
    error = InvalidParamsError("checkpoint", "There is none.")
    assert (error.field, str(error)) == ("checkpoint", "There is none.")


@pytest.mark.parametrize("field", ["sigma_min", "sigma_max"])
def test_a_noise_level_that_is_none_is_refused(field):
    assert "must be 0 for the model's own, or 0.0001 or more" in refusal(**{field: 1e-160})[1]
    assert GenerationParams.model_validate({field: 0}) == GenerationParams()
