"""Folders in diffusers' format: what they are, and which part of an unusable one is missing."""

import json
import shutil
from pathlib import Path

import pytest
import torch

from tests import tiny
from tests.catalog.samples import WEIGHTS, folder, write, write_json
from webui.catalog.diffusers_folder import TOKENIZERS, describe_folder, main_weights
from webui.catalog.folder_weights import find_weights
from webui.config import BUILT_IN_CHECKPOINTS, DEMO


def told(path: Path):
    return describe_folder(path, path.name).identity


def problem(path: Path) -> str:
    sentence = told(path).problem
    assert sentence
    assert sentence.endswith(".")
    return sentence


def test_the_demo_model():
    demo = describe_folder(BUILT_IN_CHECKPOINTS / DEMO, DEMO)
    found = demo.identity
    assert (found.kind, found.family, found.layout, found.problem) == ("checkpoint", "sd1", "diffusers", None)
    assert (found.prediction, found.zero_snr) == ("v_prediction", False)
    assert (found.dtype, found.pipeline, demo.size) == ("fp16", "StableDiffusionPipeline", 128)


@pytest.mark.parametrize("family", ["sd1", "sd2", "sdxl", "sdxl-refiner"])
def test_what_diffusers_itself_saves(tmp_path, family):
    tiny.write_folder(tmp_path / "a", family, prediction="v_prediction", dtype=torch.float16)
    found = told(tmp_path / "a")
    assert (found.family, found.variant, found.problem) == (family, "", None)
    assert (found.prediction, found.dtype) == ("v_prediction", "fp16")
    assert (found.has_vae, found.has_text_encoder) == (True, True)


@pytest.mark.parametrize("variant", ["inpaint", "pix2pix"])
def test_variants(tmp_path, variant):
    tiny.write_folder(tmp_path / "a", "sd1", variant=variant)
    assert told(tmp_path / "a").variant == variant


@pytest.mark.parametrize(
    ("pipeline", "unet", "family", "variant"),
    [
        ("StableDiffusionPipeline", {"cross_attention_dim": 1024}, "sd2", ""),
        ("StableDiffusionPipeline", {"cross_attention_dim": 768}, "sd1", ""),
        ("StableDiffusionPipeline", {"in_channels": 9}, "sd1", "inpaint"),
        ("StableDiffusionInpaintPipeline", {"in_channels": 9}, "sd1", "inpaint"),
        ("StableDiffusionInstructPix2PixPipeline", {"in_channels": 8}, "sd1", "pix2pix"),
        ("StableDiffusionXLPipeline", {}, "sdxl", ""),
        ("StableDiffusionXLPipeline", {"cross_attention_dim": 1280}, "sdxl-refiner", ""),
        ("StableDiffusionXLInpaintPipeline", {}, "sdxl", "inpaint"),
        ("KolorsPipeline", {}, "other", ""),
        ("LatentConsistencyModelPipeline", {}, "other", ""),
        ("Flux2Pipeline", {}, "other", ""),
    ],
)
def test_families_by_their_pipeline(tmp_path, pipeline, unet, family, variant):
    found = told(folder(tmp_path / "a", pipeline, unet))
    assert (found.family, found.variant, found.pipeline, found.problem) == (family, variant, pipeline, None)


@pytest.mark.parametrize(
    ("pipeline", "family"),
    [("FluxPipeline", "flux"), ("StableDiffusion3Pipeline", "sd3"), ("SanaPipeline", "other")],
)
def test_transformers(tmp_path, pipeline, family):
    moon = folder(tmp_path / "moon", pipeline)
    (moon / "unet").rename(moon / "transformer")
    assert (told(moon).family, told(moon).problem) == (family, None)
    assert main_weights(moon) == moon / "transformer" / WEIGHTS


@pytest.mark.parametrize(
    ("config", "prediction", "zero_snr"),
    [
        ({"prediction_type": "epsilon"}, "epsilon", None),
        ({"prediction_type": "v_prediction", "rescale_betas_zero_snr": True}, "v_prediction", True),
        ({"prediction_type": "sample"}, None, None),
        ({}, None, None),
    ],
)
def test_the_scheduler_tells_the_prediction(tmp_path, config, prediction, zero_snr):
    moon = folder(tmp_path / "moon")
    write_json(moon / "scheduler" / "scheduler_config.json", config)
    assert (told(moon).prediction, told(moon).zero_snr) == (prediction, zero_snr)


@pytest.mark.parametrize("size", [64, 96, 128])
def test_its_own_size(tmp_path, size):
    assert describe_folder(folder(tmp_path / "moon", unet={"sample_size": size}), "moon").size == size * 8


@pytest.mark.parametrize("size", [None, "big", [64, 64], 0, 10**9])
def test_a_size_that_is_none(tmp_path, size):
    seen = describe_folder(folder(tmp_path / "moon", unet={"sample_size": size}), "moon")
    assert (seen.size, seen.identity.problem) == (None, None)


@pytest.mark.parametrize("vocabulary", TOKENIZERS)
def test_a_tokenizer_has_one_of_the_vocabularies_that_the_engine_reads(tmp_path, vocabulary):
    moon = folder(tmp_path / "moon", index={"tokenizer": ["transformers", "AnyTokenizer"]})
    assert "tokenizer/tokenizer.json is missing" in problem(moon)
    write_json(moon / "tokenizer" / vocabulary, {})
    assert told(moon).problem is None


# What can't be used


@pytest.mark.parametrize(
    ("pipeline", "words"),
    [
        ("TextToVideoSDPipeline", "which makes no pictures but films or sound"),
        ("AnimateDiffPipeline", "which makes no pictures but films or sound"),
        ("WanPipeline", "which makes no pictures but films or sound"),
        ("AudioLDM2Pipeline", "which makes no pictures but films or sound"),
        ("StableDiffusionUpscalePipeline", "which doesn't draw from text alone"),
        ("DDPMPipeline", "which doesn't draw from text alone"),
        ("DiTPipeline", "which doesn't draw from text alone"),
        ("BertModel", "which is no pipeline that Darkroom knows"),
    ],
)
def test_another_kind_of_pipeline(tmp_path, pipeline, words):
    moon = folder(tmp_path / "moon", pipeline)
    assert problem(moon) == f'The checkpoint "moon" is a {pipeline}, {words}.'


@pytest.mark.parametrize(
    ("name", "words"), [(None, "names no pipeline"), (["pipeline.py", "Mine"], "brings its own code")]
)
def test_no_pipeline_of_diffusers(tmp_path, name, words):
    moon = folder(tmp_path / "moon")
    write_json(moon / "model_index.json", {"_class_name": name})
    assert words in problem(moon)


@pytest.mark.parametrize(
    "part",
    [
        "unet/config.json",
        f"unet/{WEIGHTS}",
        "vae/config.json",
        f"vae/{WEIGHTS}",
        "text_encoder/config.json",
        "text_encoder/model.safetensors",
    ],
)
def test_a_missing_part_is_named(tmp_path, part):
    moon = folder(tmp_path / "moon")
    (moon / part).unlink()
    assert problem(moon) == f'The checkpoint "moon" is incomplete: {part} is missing in {moon}.'


def test_the_index_says_which_parts_there_must_be(tmp_path):
    listed = {
        "text_encoder_2": ["transformers", "CLIPTextModelWithProjection"],
        "tokenizer": ["transformers", "CLIPTokenizer"],
        "safety_checker": ["stable_diffusion", "StableDiffusionSafetyChecker"],
        "feature_extractor": [None, None],
        "force_zeros_for_empty_prompt": True,
    }
    moon = folder(tmp_path / "moon", index=listed)
    assert "text_encoder_2/config.json is missing, tokenizer/tokenizer.json is missing" in problem(moon)
    assert "safety_checker" not in problem(moon)


def test_pickled_weights_are_to_be_converted(tmp_path):
    moon = folder(tmp_path / "moon")
    (moon / "unet" / WEIGHTS).rename(moon / "unet" / "diffusion_pytorch_model.bin")
    assert (
        "unet has its weights in diffusion_pytorch_model.bin only; convert them to .safetensors"
        in problem(moon)
    )


def test_damaged_weights_are_named(tmp_path):
    moon = folder(tmp_path / "moon")
    file = moon / "vae" / WEIGHTS
    file.write_bytes(file.read_bytes()[:-3])
    assert problem(moon).startswith(f'The checkpoint "moon" can\'t be used: vae/{WEIGHTS} is cut off: ')


@pytest.mark.parametrize("file", ["model_index.json", "unet/config.json", "vae/config.json"])
@pytest.mark.parametrize("content", [b"", b"{", b"[1, 2]", b"\xff\xfe", b"null"])
def test_a_broken_json_file(tmp_path, file, content):
    moon = folder(tmp_path / "moon")
    (moon / file).write_bytes(content)
    assert problem(moon).startswith('The checkpoint "moon" can\'t be read: ')


def test_a_folder_that_has_gone(tmp_path):
    assert "can't be read" in problem(tmp_path / "nowhere")


# Weights


@pytest.mark.parametrize("variant", ["fp16", "bf16"])
def test_weights_of_a_variant(tmp_path, variant):
    moon = folder(tmp_path / "moon")
    file = (moon / "unet" / WEIGHTS).rename(moon / "unet" / f"diffusion_pytorch_model.{variant}.safetensors")
    weights = find_weights(moon / "unet")
    assert weights is not None
    assert (weights.files, weights.variant) == ((file,), variant)
    assert told(moon).problem is None


@pytest.mark.parametrize(
    ("index", "variant"),
    [
        ("diffusion_pytorch_model.safetensors.index.json", ""),
        ("diffusion_pytorch_model.safetensors.index.fp16.json", "fp16"),
        ("diffusion_pytorch_model.fp16.safetensors.index.json", "fp16"),
    ],
)
def test_weights_in_shards(tmp_path, index, variant):
    moon = folder(tmp_path / "moon")
    (moon / "unet" / WEIGHTS).unlink()
    names = [f"part-{number}-of-2.safetensors" for number in (1, 2)]
    for name in names:
        write(moon / "unet" / name, {name: (2, 2)})
    write_json(moon / "unet" / index, {"weight_map": {name: name for name in names}})
    weights = find_weights(moon / "unet")
    assert weights is not None
    assert ([file.name for file in weights.files], weights.variant) == (names, variant)
    assert told(moon).problem is None
    (moon / "unet" / names[1]).unlink()
    assert "shards of unet's weights are missing" in problem(moon)


def test_a_list_of_shards_can_not_lead_out_of_the_folder(tmp_path):
    moon = folder(tmp_path / "moon")
    (moon / "unet" / WEIGHTS).rename(tmp_path / "outside.safetensors")
    index = {"weight_map": {"a": "../../outside.safetensors"}}
    write_json(moon / "unet" / f"{WEIGHTS}.index.json", index)
    assert find_weights(moon / "unet") is None


def test_what_a_real_pipeline_needs_is_what_is_asked_for(tmp_path):
    """diffusers opens what is called usable, and what lacks the named part fails there too."""
    from diffusers import StableDiffusionPipeline

    tiny.write_folder(tmp_path / "a", "sd1")
    assert told(tmp_path / "a").problem is None
    StableDiffusionPipeline.from_pretrained(tmp_path / "a", local_files_only=True)
    shutil.rmtree(tmp_path / "a" / "vae")
    assert "vae/config.json is missing" in problem(tmp_path / "a")
    with pytest.raises((OSError, ValueError)):
        StableDiffusionPipeline.from_pretrained(tmp_path / "a", local_files_only=True)
    assert json.loads((tmp_path / "a" / "model_index.json").read_text())["vae"]


@pytest.mark.parametrize(
    ("file", "told"),
    [
        ("scheduler/scheduler_config.json", {"_class_name": "EDMDPMSolverMultistepScheduler"}),
        ("scheduler/scheduler_config.json", {"sigma_data": 0.5}),
        ("vae/config.json", {"latents_mean": [0.1, 0.1, 0.1, 0.1]}),
    ],
)
def test_a_folder_in_the_edm_formulation_is_refused(tmp_path, file, told):
    folder = tmp_path / "playground"
    tiny.write_folder(folder, "sdxl")
    assert describe_folder(folder, "playground").identity.problem is None
    config = json.loads((folder / file).read_text())
    (folder / file).write_text(json.dumps({**config, **told}))
    assert "EDM" in describe_folder(folder, "playground").identity.problem
