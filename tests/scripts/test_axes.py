import pytest

from webui.params import GenerationParams, InvalidParamsError
from webui.scripts.axes import AXES, AXIS_NAMES, NO_AXIS, find_axis
from webui.settings import Settings

PARAMS = GenerationParams(prompt="a big cat, a small dog", negative_prompt="a dog", styles=("Base",))


def changes(name, text, params=PARAMS):
    axis = find_axis(name)
    return [axis.change(params, value) for value in axis.parse(text)]


def shown(name, text):
    axis = find_axis(name)
    return [axis.show(value) for value in axis.parse(text)]


def test_every_field_is_an_axis_or_left_out_on_purpose():
    covered = {axis.field for axis in AXES}
    assert covered.isdisjoint(NO_AXIS)
    assert set(GenerationParams.model_fields) - covered == set(NO_AXIS)


def test_the_axes_of_a1111_are_there_under_their_names():
    names = (
        "Nothing, Seed, Var. seed, Var. strength, Steps, Hires steps, CFG Scale, Image CFG Scale, "
        "Prompt S/R, Prompt order, Sampler, Hires sampler, Checkpoint name, "
        "Negative Guidance minimum sigma, Sigma Churn, "
        "Sigma min, Sigma max, Sigma noise, Schedule type, Schedule min sigma, Schedule max sigma, "
        "Schedule rho, Beta schedule alpha, Beta schedule beta, Eta, Clip skip, Denoising, "
        "Initial noise multiplier, Extra noise, Hires upscaler, Cond. Image Mask Weight, VAE, Styles, "
        "UniPC Order, Token merging ratio, Token merging ratio high-res, Always discard next-to-last sigma, "
        "SGM noise multiplier, Refiner checkpoint, Refiner switch at, RNG source, Size"
    )
    assert ", ".join(AXIS_NAMES).startswith(names + ", ")
    assert len(set(AXIS_NAMES)) == len(AXIS_NAMES)


@pytest.mark.parametrize("name", ["cfg scale", " CFG Scale ", "cfg_scale"])
def test_axes_are_found_in_any_letter_case_and_by_field(name):
    assert find_axis(name).name == "CFG Scale"


def test_an_unknown_axis_names_the_known_ones():
    with pytest.raises(InvalidParamsError, match=r'no axis "Hires".*Nothing, Seed') as refusal:
        find_axis("Hires")
    assert refusal.value.field == "script"


@pytest.mark.parametrize(
    ("name", "text", "expected"),
    [
        ("Steps", "10-30 [2]", [{"steps": 10}, {"steps": 30}]),
        ("Eta", "0, 0.5", [{"eta": 0.0}, {"eta": 0.5}]),
        ("Tiling", "yes,no", [{"tiling": True}, {"tiling": False}]),
        ("RNG source", "nv", [{"rng": "NV"}]),
        ("Emphasis mode", "No norm", [{"emphasis": "No norm"}]),
        ("Size", "512x768, 640 × 640", [{"width": 512, "height": 768}, {"width": 640, "height": 640}]),
        (
            "Checkpoint name",
            "a, anime/b [0123456789]",
            [{"checkpoint": "a"}, {"checkpoint": "anime/b [0123456789]"}],
        ),
        ("Refiner checkpoint", "None, b", [{"refiner_checkpoint": ""}, {"refiner_checkpoint": "b"}]),
        (
            "Sampler",
            "Euler a, DPM++ 2M Karras",
            [{"sampler_name": "Euler a"}, {"sampler_name": "DPM++ 2M", "scheduler": "Karras"}],
        ),
        (
            "Hires sampler",
            "Euler, DPM++ 2M Karras",
            [{"hr_sampler_name": "Euler"}, {"hr_sampler_name": "DPM++ 2M", "hr_scheduler": "Karras"}],
        ),
        ("Hires upscaler", "Latent, 4x-Ultra", [{"hr_upscaler": "Latent"}, {"hr_upscaler": "4x-Ultra"}]),
        ("Hires checkpoint", "none, b", [{"hr_checkpoint_name": ""}, {"hr_checkpoint_name": "b"}]),
        ("Denoising", "0.2-0.4 (+0.2)", [{"denoising_strength": 0.2}, {"denoising_strength": 0.4}]),
        ("Mask blur", "4, 16", [{"mask_blur": 4}, {"mask_blur": 16}]),
        ("Styles", '"One, Two", None', [{"styles": ("Base", "One", "Two")}, {"styles": ("Base",)}]),
    ],
)
def test_what_values_change(name, text, expected):
    assert changes(name, text) == expected


def test_what_stands_in_the_legend():
    assert shown("Steps", "10") == ["Steps: 10"]
    assert shown("CFG Scale", "7, 7.50") == ["CFG Scale: 7", "CFG Scale: 7.5"]
    assert shown("Checkpoint name", "anime/b.safetensors") == ["b.safetensors"]
    assert shown("Prompt S/R", "cat, dog") == ["cat", "dog"]
    assert shown("Size", "512X768") == ["Size: 512x768"]
    assert shown("Nothing", "whatever") == [""]


# Prompts


def test_search_and_replace_goes_over_both_prompts():
    assert changes("Prompt S/R", "dog, wolf,") == [
        {"prompt": "a big cat, a small dog", "negative_prompt": "a dog"},
        {"prompt": "a big cat, a small wolf", "negative_prompt": "a wolf"},
        {"prompt": "a big cat, a small ", "negative_prompt": "a "},
    ]


def test_what_holds_commas_stands_in_quotes():
    assert changes("Prompt S/R", '"cat, a", "lion, one"')[1]["prompt"] == "a big lion, one small dog"


def test_what_is_not_in_the_prompts_can_not_be_replaced():
    with pytest.raises(ValueError, match='"horse" is neither in the prompt nor'):
        changes("Prompt S/R", "horse, cow")
    with pytest.raises(ValueError, match="it is empty"):
        changes("Prompt S/R", ",cow")


def test_a_replacement_does_not_blow_the_prompt_up():
    with pytest.raises(ValueError, match="longer than 20,000"):
        changes("Prompt S/R", "a, " + "b" * 15_000, GenerationParams(prompt="a" * 20_000))


def test_prompt_order_tries_every_order():
    found = [change["prompt"] for change in changes("Prompt order", "dog, big")]
    assert found == ["a dog cat, a small big", "a big cat, a small dog"]
    assert len(changes("Prompt order", "big, cat, small, dog")) == 24
    assert shown("Prompt order", "dog, big")[0] == "dog, big"


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("big, horse", '"horse" is not in the prompt'),
        ("big, big", "once only"),
        ("big cat, cat", "lies across"),
        ("a,b,c,d,e,f,g,h", "8 words have more than 10,000 orders"),
        (",".join(f"word{number}" for number in range(3000)), "name fewer"),
    ],
)
def test_orders_that_can_not_be_made(text, complaint):
    with pytest.raises(ValueError, match=complaint):
        changes("Prompt order", text)


def test_no_size():
    with pytest.raises(ValueError, match='"512" is no size like 512x768'):
        changes("Size", "512")


# Choices


def test_what_there_is_to_choose_from(catalog, demo):
    def of(name):
        return find_axis(name).choices(catalog, ["One"])

    assert demo.name in of("Checkpoint name")
    assert of("Refiner checkpoint") == ["None", *of("Checkpoint name")]
    assert of("VAE")[:2] == ["Automatic", "None"]
    assert "Euler a" in of("Sampler")
    assert of("Hires sampler") == of("Sampler")
    assert {"Latent", "Latent (nearest-exact)", "Lanczos"} <= set(of("Hires upscaler"))
    assert of("Hires checkpoint") == of("Refiner checkpoint")
    assert of("Detailer") == ["None", "Saliency", "Color", "Mask"]
    assert "Karras" in of("Schedule type")
    assert of("Styles") == ["One"]
    assert of("RNG source") == ["CPU", "GPU", "NV"]
    assert of("Tiling") == ["False", "True"]
    assert of("Steps") == of("Prompt S/R") == of("Nothing") == []


def test_checkpoints_are_the_costliest():
    by_cost = sorted((axis for axis in AXES if axis.cost), key=lambda axis: -axis.cost)
    names = ["Checkpoint name", "Refiner checkpoint", "Hires checkpoint", "VAE", "[ControlNet] Model"]
    assert [axis.name for axis in by_cost] == names


def test_settings_are_no_axes():
    assert {axis.field for axis in AXES}.isdisjoint(Settings.model_fields)


def test_controlnet_axes_vary_the_first_unit_that_is_enabled():
    units = ({"enabled": False, "weight": 0.3}, {"module": "canny", "weight": 1}, {"weight": 1.5})
    (change,) = changes("[ControlNet] Weight", "0.5", PARAMS.changed(control=units))
    assert [unit.weight for unit in change["control"]] == [0.3, 0.5, 1.5]
    assert change["control"][1].module == "canny"
    (change,) = changes("[controlnet] preprocessor", "tile_resample", PARAMS.changed(control=units))
    assert change["control"][1].module == "tile_resample"


@pytest.mark.parametrize(
    ("fields", "name", "text", "sentence"),
    [
        ((), "[ControlNet] Weight", "1", "no ControlNet unit is enabled"),
        (({},), "[ControlNet] Weight", "3", "less than or equal to 2"),
        (({"enabled": False},), "[ControlNet] Weight", "1", "no ControlNet unit is enabled"),
        ((), "[ControlNet] Enabled", "True", "no ControlNet unit is enabled"),
    ],
)
def test_what_a_unit_can_not_have_is_refused(fields, name, text, sentence):
    with pytest.raises(ValueError, match=sentence):
        changes(name, text, PARAMS.changed(control=fields))


def test_start_and_end_of_a_unit_may_pass_each_other_between_axes():
    params = PARAMS.changed(control=({"guidance_start": 0.5},))
    for first, second in (("Start", "End"), ("End", "Start")):
        found = params
        for side in (first, second):
            (change,) = changes(f"[ControlNet] Guidance {side}", {"Start": "0.1", "End": "0.3"}[side], found)
            found = found.changed(**change)
        assert (found.control[0].guidance_start, found.control[0].guidance_end) == (0.1, 0.3)


def test_whether_a_unit_steers_varies_the_first_where_none_does():
    units = ({"enabled": False}, {"enabled": False})
    found = changes("[ControlNet] Enabled", "True, False", PARAMS.changed(control=units))
    assert [[unit.enabled for unit in change["control"]] for change in found] == [[True, False], [False] * 2]
    (change,) = changes("[ControlNet] Enabled", "False", PARAMS.changed(control=({"enabled": False}, {})))
    assert [unit.enabled for unit in change["control"]] == [False, False]


def test_of_a_units_axes_those_with_few_values_offer_them(catalog):
    def of(name):
        return find_axis(f"[ControlNet] {name}").choices(catalog)

    assert of("Enabled") == ["False", "True"]
    assert "None" not in of("Model")
    assert of("Preprocessor") == []  # plugins bring more than are known here
    assert "Balanced" in of("Control Mode")
