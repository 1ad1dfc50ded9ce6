"""What texts say."""

import pytest

from webui.infotext import ModelIdentity, looks_like_infotext, read, write
from webui.infotext.pairs import MAX_TEXT
from webui.params import GenerationParams
from webui.params.scripts import XYZPlot

A1111 = """a cat, (fluffy:1.2) <lora:more_detail:0.8>
Negative prompt: EasyNegative, dog
Steps: 30, Sampler: DPM++ 2M SDE, Schedule type: Exponential, CFG scale: 6.5, Seed: 1234567890, \
Size: 512x768, Model hash: 6ce0161689, Model: v1-5-pruned-emaonly, VAE hash: 735e4c3a44, \
VAE: vae-ft-mse-840000-ema-pruned.ckpt, Variation seed: 7, Variation seed strength: 0.3, \
Denoising strength: 0.4, Clip skip: 2, ENSD: 31337, RNG: NV, \
Hires upscale: 2, Hires upscaler: Latent, Refiner: sd_xl_refiner_1.0 [7440042bbd], Refiner switch at: 0.75, \
Lora hashes: "more_detail: 3b8aa1d351ef, x: 1", NGMS: 1.5, Version: v1.10.1"""


def settings(line, prompt="a cat"):
    return read(f"{prompt}\nSteps: 20, Sampler: Euler a, CFG scale: 7, {line}")


def test_a_whole_text_of_a1111():
    found = read(A1111)
    told = {
        "prompt": "a cat, (fluffy:1.2) <lora:more_detail:0.8>",
        "negative_prompt": "EasyNegative, dog",
        "steps": 30,
        "sampler_name": "DPM++ 2M SDE",
        "scheduler": "Exponential",
        "cfg_scale": 6.5,
        "seed": 1234567890,
        "width": 512,
        "height": 768,
        "subseed": 7,
        "subseed_strength": 0.3,
        "clip_skip": 2,
        "ensd": 31337,
        "rng": "NV",
        "refiner_switch_at": 0.75,
        "s_min_uncond": 1.5,
    }
    assert {name: found.fields[name] for name in told} == told
    defaults = GenerationParams()
    assert all(found.fields[name] == getattr(defaults, name) for name in found.fields.keys() - told.keys())
    assert (found.checkpoint, found.model_hash) == ("v1-5-pruned-emaonly", "6ce0161689")
    assert (found.vae, found.vae_hash) == ("vae-ft-mse-840000-ema-pruned.ckpt", "735e4c3a44")
    assert (found.refiner, found.refiner_hash) == ("sd_xl_refiner_1.0", "7440042bbd")
    assert found.unused == {
        "Denoising strength": "0.4",
        "Hires upscale": "2",
        "Hires upscaler": "Latent",
        "Lora hashes": "more_detail: 3b8aa1d351ef, x: 1",
    }
    assert (found.problems, found.version, found.source) == ((), "v1.10.1", "AUTOMATIC1111")


def test_a_prompt_alone_says_nothing_else():
    found = read("a cat\nNegative prompt: dog")
    assert found.fields == {"prompt": "a cat", "negative_prompt": "dog"}
    assert (found.source, found.problems) == ("", ())


def test_what_is_left_out_means_a1111s_defaults_and_what_nobody_knows_stays_out():
    fields = read("a\nSteps: 20, Sampler: Euler a, CFG scale: 7").fields
    assert (fields["clip_skip"], fields["rng"], fields["scheduler"]) == (1, "GPU", "Automatic")
    assert (fields["emphasis"], fields["tiling"], fields["freeu"]) == ("Original", False, False)
    assert not fields.keys() & {"seed", "width", "height", "checkpoint", "vae"}


@pytest.mark.parametrize(
    ("line", "source", "rng"),
    [
        ("Version: Darkroom 0.1.0", "Darkroom", "CPU"),
        ("Version: v1.10.1", "AUTOMATIC1111", "GPU"),
        ("Version: f2.0.1v1.10.1-previous-665-gae278f79", "Forge", "GPU"),
        ("Version: neo", "Forge Neo", "GPU"),
        ("App: SD.Next, Version: 8b73cb6", "SD.Next", "GPU"),
        ("Version: ComfyUI", "ComfyUI", "CPU"),
        ("Version: Fooocus v2.5.5", "Fooocus", "CPU"),
        ('Civitai resources: [{"a":"b, c"}]', "CivitAI", "GPU"),
        ("ENSD: 31337", "AUTOMATIC1111", "GPU"),
    ],
)
def test_tells_the_program_and_where_its_noise_comes_from(line, source, rng):
    found = settings(line)
    assert (found.source, found.fields["rng"]) == (source, rng)


@pytest.mark.parametrize(
    ("sampler", "line", "found"),
    [
        ("DPM++ 2M Karras", "Version: v1.7.0", ("DPM++ 2M", "Karras")),
        ("DPM++ 2M", "Version: v1.9.0", ("DPM++ 2M", "Automatic")),
        ("DPM++ 2M", "Version: v1.10.1", ("DPM++ 2M", "Automatic")),
        ("DPM++ 2M", "Version: v1.8.0-RC", ("DPM++ 2M", "Uniform")),
        ("DPM++ 2M SDE Heun", "Version: v1.7.0", ("DPM++ 2M SDE Heun", "Uniform")),
        ("Euler a", "Version: v1.7.0", ("Euler a", "Automatic")),
        ("DPM++ 2M", "Schedule type: Karras", ("DPM++ 2M", "Karras")),
        ("DPM++ 2M Karras", "Schedule type: Simple", ("DPM++ 2M", "Simple")),
        ("DPM++ 2M Karras", "Schedule type: Odd", ("DPM++ 2M", "Karras")),
        ("dpmpp_2m", "Scheduler: sgm_uniform", ("DPM++ 2M", "SGM Uniform")),
        ("Euler", "Schedule type: SGM Uniform", ("Euler", "SGM Uniform")),
    ],
)
def test_samplers_and_schedule_types(sampler, line, found):
    fields = read(f"a\nSteps: 20, Sampler: {sampler}, CFG scale: 7, {line}").fields
    assert (fields["sampler_name"], fields["scheduler"]) == found


def test_an_unknown_sampler_is_told_and_left_out():
    found = read("a\nSteps: 20, Sampler: Undefined, CFG scale: 7, Schedule type: Odd")
    assert "sampler_name" not in found.fields
    assert found.problems == (
        'There is no sampler "Undefined" here; the one chosen stays.',
        'There is no schedule type "Odd" here; it is left to the sampler.',
    )


@pytest.mark.parametrize(
    ("line", "missing"),
    [
        ("CFG scale: 99", "cfg_scale"),
        ("CFG scale: nan", "cfg_scale"),
        ("CFG scale: seven", "cfg_scale"),
        ("Steps: 0", "steps"),
        ("Steps: 20.5", "steps"),
        ("Seed: 99999999999999999999", "seed"),
        (f"Seed: {'9' * 5000}", "seed"),
        ("Size: 500x500", "width"),
        ("Size: 512", "height"),
        ("Size: 512x999999", "width"),
    ],
)
def test_values_that_cannot_be_used_are_told_and_left_out(line, missing):
    found = settings(line)
    assert missing not in found.fields
    [problem] = found.problems
    assert problem.startswith(f'"{line[:60]}')
    assert problem.endswith(".")


@pytest.mark.parametrize(
    ("line", "field", "value"),
    [
        ("CFG scale: 7.0", "cfg_scale", 7.0),
        ("Steps: 20.0", "steps", 20),
        ("Sigma tmax: inf", "s_tmax", 0.0),
        ("Tiling: True", "tiling", True),
        ("Seed resize from: 256x320", "seed_resize_from_h", 320),
        ("Beta scheduler alpha: 0.3", "beta_alpha", 0.3),
        ("CFG rescale: 0.7", "cfg_rescale", 0.7),
        ("Eta DDIM: 0.5", "eta", 0.5),
        ("RNG: cpu", "rng", "CPU"),
        ("size: 640x384", "width", 640),
    ],
)
def test_values(line, field, value):
    found = settings(line)
    assert (found.fields[field], found.problems) == (value, ())


def test_the_own_name_of_a_key_outranks_others():
    assert read("a\nSteps: 20, Sampler: Euler a, Guidance scale: 5").fields["cfg_scale"] == 5
    assert settings("Guidance scale: 5").fields["cfg_scale"] == 7


def test_old_names_of_the_vae_and_checkpoint():
    found = settings("VAE: Automatic, Model: foo [0123abcdef]")
    assert (found.vae, found.checkpoint, found.model_hash) == (None, "foo", "0123abcdef")


def test_upper_and_lower_case_of_keys_do_not_matter():
    line = "steps: 20, sampler: Euler a, seed: 1, model: foo, MODEL HASH: 0123456789, vae: bar, refiner: baz"
    found = read(f"a\n{line}, version: v1.6.0")
    assert (found.checkpoint, found.model_hash) == ("foo", "0123456789")
    assert (found.vae, found.refiner, found.version) == ("bar", "baz", "v1.6.0")
    assert (found.fields["steps"], found.unused) == (20, {})
    assert read(f"a\n{line}, version: Darkroom 0.1.0").source == "Darkroom"
    assert read(f"a\n{line}, app: SD.Next").source == "SD.Next"


def test_nothing_of_our_own_texts_is_unused():
    model = ModelIdentity("m", None, fp8=True)
    text = write(GenerationParams(prompt=" a "), model, template="{a|b}", negative_template="c", user="me")
    told = {"FP8 weight": "Enable", "Template": "{a|b}", "Negative Template": "c", "User": "me"}
    assert (read(text).unused, read(text).notes) == ({}, told)
    theirs = read(text.replace("Darkroom", "v1.10.1 of"))
    assert (theirs.unused, theirs.notes) == (told, {})


def test_too_long_a_text_is_not_read():
    found = read("a" * (MAX_TEXT + 1))
    assert found.fields == {}
    assert "1,000,000" in found.problems[0]


def test_too_long_a_prompt_is_told():
    found = read("(" * 20_001 + "\nSteps: 20, Sampler: Euler a, CFG scale: 7")
    assert "prompt" not in found.fields
    assert found.fields["steps"] == 20
    assert "20000" in found.problems[0]


def test_no_more_unknown_keys_are_kept_than_can_be_shown():
    found = settings(", ".join(f"key {number}: 1" for number in range(5000)))
    assert len(found.unused) == 300


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (A1111, True),
        ("a cat", False),
        ("a: b, c", False),
        ("Steps: 20, Sampler: Euler, Seed: 1", True),
        ("a" * (MAX_TEXT + 1), False),
    ],
)
def test_looks_like_infotext(text, expected):
    assert looks_like_infotext(text) is expected


GRID = (
    "a cat\nSteps: 20, Sampler: Euler a, CFG scale: 7, Seed: 5, Size: 512x512, Script: X/Y/Z plot, "
    'X Type: Seed, X Values: "-1, 7", Fixed X Values: "5, 7", Y Type: Steps, Y Values: 10-30 (+10), '
    "Version: v1.10.1"
)


def test_a_grids_text_sets_the_plot_that_made_it():
    found = read(GRID)
    assert found.fields["script"] == XYZPlot(
        x_axis="Seed", x_values="5, 7", y_axis="Steps", y_values="10-30 (+10)"
    )
    assert not found.unused
    assert not found.problems


def test_other_scripts_are_told_and_no_script_is_left_alone():
    found = read(GRID.replace("X/Y/Z plot", "Loopback"))
    assert "script" not in found.fields
    assert found.unused["Script"] == "Loopback"
    assert "script" not in read(GRID.partition(", Script")[0]).fields


def test_a_plot_that_can_not_be_is_told():
    found = read(GRID.replace("X Type: Seed", f"X Type: {'x' * 500}"))
    assert "script" not in found.fields
    assert "can't be used" in found.problems[0]


@pytest.mark.parametrize(
    ("resources", "name"),
    [
        ('[{"type":"lora","modelName":"x"},{"type":"checkpoint","modelName":"DreamShaper"}]', "DreamShaper"),
        ('[{"type":"lora","modelName":"x"}]', None),
        ('[{"type":"checkpoint","modelName":7}]', None),
        ('[7, "checkpoint"]', None),
        ('{"type":"checkpoint"}', None),
    ],
)
def test_civitais_list_names_the_checkpoint(resources, name):
    text = f"a cat\nSteps: 20, Sampler: Euler a, CFG scale: 7, Seed: 5, Civitai resources: {resources}"
    assert read(text).checkpoint == name
    assert read(f"{text}, Model: other").checkpoint == "other"
