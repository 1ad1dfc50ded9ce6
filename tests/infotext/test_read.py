"""What texts say."""

import pytest

from webui.infotext import ModelIdentity, looks_like_infotext, read, write
from webui.infotext.pairs import MAX_TEXT
from webui.params import GenerationParams
from webui.params.scripts import Loopback, SDUpscale, XYZPlot

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
        "denoising_strength": 0.4,
        "enable_hr": True,
    }
    assert {name: found.fields[name] for name in told} == told
    defaults = GenerationParams()
    assert all(found.fields[name] == getattr(defaults, name) for name in found.fields.keys() - told.keys())
    assert (found.checkpoint, found.model_hash) == ("v1-5-pruned-emaonly", "6ce0161689")
    assert (found.vae, found.vae_hash) == ("vae-ft-mse-840000-ema-pruned.ckpt", "735e4c3a44")
    assert (found.refiner, found.refiner_hash) == ("sd_xl_refiner_1.0", "7440042bbd")
    assert found.unused == {
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
    found = read(GRID.replace("X/Y/Z plot", "Prompt matrix"))
    assert "script" not in found.fields
    assert found.unused["Script"] == "Prompt matrix"
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


# Pictures from pictures


def test_an_inpainted_picture_of_a1111():
    found = settings(
        "Seed: 1, Size: 512x512, Denoising strength: 0.6, Conditional mask weight: 0.5, "
        "Mask mode: Inpaint not masked, Mask blur: 12, Inpaint area: Only masked, Masked area padding: 64, "
        "Masked content: latent noise, Noise multiplier: 0.9, Extra noise: 0.1, Image CFG scale: 1.2, "
        "Soft inpainting enabled: True, Soft inpainting schedule bias: 2, "
        "Soft inpainting difference contrast: 3, Version: v1.10.1"
    )
    told = {
        "denoising_strength": 0.6,
        "inpainting_mask_weight": 0.5,
        "inpainting_mask_invert": True,
        "mask_blur": 12,
        "inpaint_full_res": True,
        "inpaint_full_res_padding": 64,
        "inpainting_fill": 2,
        "initial_noise_multiplier": 0.9,
        "img2img_extra_noise": 0.1,
        "image_cfg_scale": 1.2,
        "soft_inpainting": True,
        "mask_blend_power": 2,
        "composite_difference_contrast": 3,
        "enable_hr": False,
    }
    assert {name: found.fields[name] for name in told} == told
    assert (found.unused, found.problems) == ({}, ())


def test_what_is_not_told_of_a_mask_is_as_a1111_has_it():
    found = settings("Denoising strength: 0.6").fields
    assert (found["inpainting_fill"], found["inpaint_full_res"], found["mask_blur"]) == (1, False, 4)
    assert "denoising_strength" not in settings("Seed: 1").fields


def test_hires_fix_of_a1111():
    found = settings(
        "Seed: 1, Size: 512x768, Denoising strength: 0.5, Hires resize: 0x1152, Hires steps: 12, "
        "Hires upscaler: R-ESRGAN 4x+, Hires checkpoint: fine [0123456789], Hires sampler: DPM++ 2M Karras, "
        'Hires prompt: "a cat, near", Hires negative prompt: far, Hires CFG Scale: 5, '
        "Token merging ratio hr: 0.3, Version: v1.8.0"
    )
    told = {
        "enable_hr": True,
        "hr_scale": 2.0,
        "hr_resize_x": 0,
        "hr_resize_y": 1152,
        "hr_second_pass_steps": 12,
        "hr_upscaler": "R-ESRGAN 4x+",
        "hr_sampler_name": "DPM++ 2M",
        "hr_scheduler": "Karras",
        "hr_prompt": "a cat, near",
        "hr_negative_prompt": "far",
        "hr_cfg": 5,
        "token_merging_ratio_hr": 0.3,
    }
    assert {name: found.fields[name] for name in told} == told
    assert (found.hires, found.hires_hash) == ("fine", "0123456789")
    assert (found.unused, found.problems) == ({}, ())


def test_the_same_as_the_first_pass():
    found = settings(
        "Hires upscale: 1.5, Hires checkpoint: Use same checkpoint, Hires sampler: Use same sampler, "
        "Hires schedule type: Use same scheduler, Denoising strength: 0.5"
    )
    assert (found.fields["hr_sampler_name"], found.fields["hr_scheduler"], found.hires) == ("", "", None)
    assert not found.problems


def test_names_of_the_second_pass_that_nobody_knows_are_told():
    found = settings("Hires upscale: 2, Hires sampler: Undefined, Hires schedule type: Odd, Version: v1.10.1")
    assert (found.fields["hr_sampler_name"], found.fields["hr_scheduler"]) == ("", "")
    assert [problem.split('"')[1] for problem in found.problems] == ["Hires: Undefined", "Hires: Odd"]


def test_a_second_pass_that_is_too_large_is_told_and_left_out():
    found = settings("Size: 4096x4096, Hires upscale: 4, Hires upscaler: Latent")
    assert found.fields["enable_hr"] is False
    assert "16384x16384" in found.problems[0]
    GenerationParams(**found.fields)


@pytest.mark.parametrize(
    ("line", "first", "final"),
    [
        ("Size: 1024x768, First pass size: 512x384", (512, 384), (1024, 768)),
        ("Size: 1024x768, First pass size: 0x0", (640, 448), (1024, 768)),
        ("First pass size: 256x256", (256, 256), (512, 512)),
    ],
)
def test_the_first_form_of_hires_fix(line, first, final):
    found = settings(f"{line}, Denoising strength: 0.7")
    assert (found.fields["width"], found.fields["height"]) == first
    assert (found.fields["hr_resize_x"], found.fields["hr_resize_y"]) == final
    assert found.fields["enable_hr"] is True
    assert (found.unused, found.problems) == ({}, ())


@pytest.mark.parametrize("size", ["x", "0x0x0", "512", "99999999999x1"])
def test_a_first_pass_that_is_none_does_no_harm(size):
    found = settings(f"Size: {size}, First pass size: 0x0")
    GenerationParams(**found.fields)


def test_keys_of_our_own_mean_nothing_in_other_programs():
    line = "Detailer: face-yolo8n, Detailer steps: 10, Outpaint left: 64, Resize by: 2"
    found = settings(f"{line}, App: SD.Next")
    assert (found.fields["detailer"], found.fields["outpaint_left"], found.fields["scale_by"]) == (
        "None",
        0,
        0,
    )
    assert found.unused.keys() >= {"Detailer", "Detailer steps", "Outpaint left", "Resize by"}
    ours = settings(f"{line}, Version: Darkroom 0.1.0")
    assert (ours.fields["detailer"], ours.fields["detailer_steps"], ours.unused) == ("face-yolo8n", 10, {})


def test_adetailers_keys_stay_unused():
    assert settings("ADetailer model: x, Version: v1.9.3").unused == {"ADetailer model": "x"}


def test_masked_content_has_words():
    assert settings("Masked content: latent nothing").fields["inpainting_fill"] == 3
    found = settings("Masked content: lama cleaner")
    assert (found.fields["inpainting_fill"], len(found.problems)) == (1, 1)


def test_scripts_that_each_picture_tells_of():
    loops = "Script: Loopback, Loops: 6, Final denoising strength: 0.3, Denoising curve: Lazy"
    found = settings(loops)
    assert found.fields["script"] == Loopback(loops=6, final_denoising_strength=0.3, denoising_curve="Lazy")
    tiles = "Script: SD upscale, SD upscale overlap: 32, SD upscale factor: 3, SD upscale upscaler: Nearest"
    assert settings(tiles).fields["script"] == SDUpscale(overlap=32, scale_factor=3, upscaler="Nearest")
    theirs = settings("SD upscale overlap: 32, SD upscale upscaler: 4x-Ultra, Version: v1.10.1")
    assert theirs.fields["script"] == SDUpscale(overlap=32, upscaler="4x-Ultra")
    loops_alone = settings("Final denoising strength: 0.2").fields["script"]
    assert loops_alone == Loopback(final_denoising_strength=0.2)
    wrong = settings(loops.replace("Lazy", "Wild"))
    assert "script" not in wrong.fields
    assert "Loopback" in wrong.problems[0]
