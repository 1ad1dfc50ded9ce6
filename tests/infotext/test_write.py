"""The "parameters" text: AUTOMATIC1111's form and keys, readable by those who read that."""

import dataclasses
import json

import pytest

from tests.infotext.test_pairs import pairs
from webui import __version__
from webui.infotext import ModelIdentity, read, write
from webui.params import GenerationParams
from webui.params.regions import Region
from webui.params.scripts import Loopback, PromptMatrix, SDUpscale

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

    models = {"checkpoint", "vae", "refiner_checkpoint", "hr_checkpoint_name"}
    told_elsewhere = {"prompt", "negative_prompt", "script", "control", *models}
    no_picture = {"batch_size", "n_iter", "styles", "dynamic_prompts", "extras", "train", "control_alone"}
    pictures = {"init_images", "init_folder", "mask", "firstpass_image", "detailer_mask"}
    keyed = {name for key in KEYS for name in key.fields}
    assert keyed | told_elsewhere | no_picture | pictures == set(GenerationParams.model_fields)


def tail(model=MODEL, **fields):
    """What stands between the models and the version, with the denoising strength."""
    text = write(GenerationParams(seed=1, **fields), model)
    return text.partition("Model: darkroom-demo, ")[2].partition(", Version")[0]


def test_hires_fix_as_a1111_tells_it():
    hires = {"enable_hr": True, "denoising_strength": 0.7, "hr_upscaler": "Lanczos"}
    assert tail(**hires) == ("Denoising strength: 0.7, RNG: CPU, Hires upscale: 2, Hires upscaler: Lanczos")
    more = {
        "hr_resize_x": 1024,
        "hr_second_pass_steps": 9,
        "hr_checkpoint_name": "fine.safetensors",
        "hr_sampler_name": "Euler",
        "hr_scheduler": "Beta",
        "hr_prompt": "near",
        "hr_negative_prompt": "far",
        "hr_cfg": 4.5,
        "token_merging_ratio_hr": 0.25,
        "img2img_extra_noise": 0.1,
    }
    assert tail(dataclasses.replace(MODEL, hires="fine [0123456789]"), **hires, **more) == (
        "Denoising strength: 0.7, Token merging ratio hr: 0.25, RNG: CPU, Hires resize: 1024x0, "
        "Hires steps: 9, Hires upscaler: Lanczos, Hires checkpoint: fine [0123456789], Hires sampler: Euler, "
        "Hires schedule type: Beta, Hires prompt: near, Hires negative prompt: far, Hires CFG Scale: 4.5, "
        "Extra noise: 0.1"
    )


def test_inpainting_as_a1111_tells_it():
    inpainted = {
        "init_images": ("0" * 32,),
        "mask": "1" * 32,
        "denoising_strength": 0.6,
        "image_cfg_scale": 2,
        "inpainting_mask_weight": 0.5,
        "inpainting_mask_invert": True,
        "inpaint_full_res": True,
        "inpainting_fill": 0,
        "initial_noise_multiplier": 1.1,
    }
    assert tail(**inpainted) == (
        "Denoising strength: 0.6, Conditional mask weight: 0.5, RNG: CPU, Mask mode: Inpaint not masked, "
        "Mask blur: 4, Inpaint area: Only masked, Masked area padding: 32, Masked content: fill, "
        "Noise multiplier: 1.1"
    )
    assert told(**inpainted)["Image CFG scale"] == "2"


def test_soft_inpainting_is_told_whole():
    soft = told(init_images=("0" * 32,), mask="1" * 32, soft_inpainting=True)
    plain = told(init_images=("0" * 32,), mask="1" * 32)
    assert soft.items() - plain.items() == {
        ("Soft inpainting enabled", "True"),
        ("Soft inpainting schedule bias", "1"),
        ("Soft inpainting preservation strength", "0.5"),
        ("Soft inpainting transition contrast boost", "4"),
        ("Soft inpainting mask influence", "0"),
        ("Soft inpainting difference threshold", "0.5"),
        ("Soft inpainting difference contrast", "2"),
    }


def test_pictures_themselves_are_in_no_text():
    name = "f" * 32
    text = write(GenerationParams(init_images=(name,), mask=name, detailer="Mask", detailer_mask=name), MODEL)
    assert name not in text


def test_without_pictures_nothing_of_them_is_told():
    unheard = {
        "denoising_strength": 0.1,
        "mask_blur": 20,
        "inpainting_fill": 3,
        "hr_scale": 3,
        "hr_prompt": "x",
        "soft_inpainting": True,
        "image_cfg_scale": 3,
        "outpaint_left": 64,
        "detailer_prompt": "x",
    }
    assert told(**unheard) == told()
    plain = told(init_images=("0" * 32,))
    assert plain.items() - told().items() == {("Denoising strength", "0.75")}


def test_the_detailer_tells_what_is_not_usual():
    detailed = told(detailer="Color", detailer_color="#00ff00", detailer_steps=9)
    assert detailed.items() - told().items() == {
        ("Detailer", "Color"),
        ("Detailer color", "#00ff00"),
        ("Detailer steps", "9"),
    }


def test_scripts_whose_pictures_tell_of_them():
    looped = told(script=Loopback(loops=3, denoising_curve="Lazy"))
    assert looped.items() - told().items() == {
        ("Script", "Loopback"),
        ("Loops", "3"),
        ("Final denoising strength", "0.5"),
        ("Denoising curve", "Lazy"),
    }
    tiled = told(script=SDUpscale(upscaler="4x, sharp"))
    assert (tiled["SD upscale upscaler"], tiled["SD upscale overlap"]) == ("4x, sharp", "64")
    assert told(script=PromptMatrix()) == told()


def test_regions_are_json_that_a1111s_parser_passes_over():
    region = Region(prompt='a "cat", sitting: here', x=0.25, width=0.5, mask="ab" * 16)
    text = write(GenerationParams(regions=(region, Region()), regions_base=0.5), MODEL)
    told = pairs(text)
    assert told["Regions"] == r'[{"prompt":"a \"cat\", sitting: here","x":0.25,"width":0.5},{}]'
    assert told["Regions base"] == "0.5"
    assert "Regions feather" not in told
    assert read(text).fields["regions"] == (region.model_copy(update={"mask": ""}), Region())
    foreign = text.replace("width", 'mask\\": \\"' + "ab" * 16 + '\\", \\"width')
    assert foreign != text
    assert read(foreign).fields["regions"] == read(text).fields["regions"]
    without = pairs(write(GenerationParams(regions_base=0.5), MODEL))
    assert not {"Regions", "Regions base"} & without.keys()


@pytest.mark.parametrize(
    "said",
    [
        "1",
        "{}",
        "x",
        "[1]",
        '[{"x":2}]',
        '[{"y":0.9}]',
        "[" * 20_000,
        "[{}" + ",{}" * 20 + "]",
    ],
)
def test_regions_that_cant_be_are_refused_and_nothing_else(said):
    text = write(GenerationParams(prompt="cat", seed=3), MODEL).replace(
        ", RNG", f", Regions: {json.dumps(said)}, RNG"
    )
    found = read(text)
    assert (found.fields["prompt"], found.fields["seed"], found.fields["regions"]) == ("cat", 3, ())
    assert len(found.problems) == 1
    assert len(found.problems[0]) < 600


def test_hashes_of_embeddings_are_told_as_by_a1111():
    text = write(GenerationParams(), MODEL, embeddings={"easy": "0123456789ab", "Bad, hands": "ba" * 6})
    assert ', TI hashes: "easy: 0123456789ab, Bad, hands: babababababa", ' in text
    assert read(text).notes["TI hashes"].startswith("easy: ")
    assert read(text).unused == {}
