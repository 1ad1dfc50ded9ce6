"""Each Stable Diffusion family, from tiny checkpoints in the layouts that people have."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from diffusers import EulerDiscreteScheduler, StableDiffusionPipeline, StableDiffusionXLPipeline

from tests import tiny
from tests.conftest import Recorder, pixels
from tests.loading import CPU, load, open_file, token_rows
from webui.catalog.catalog import Catalog
from webui.catalog.entry import Identity, ModelFile, ModelSettings
from webui.engine.conditioning import Conditioning
from webui.engine.denoiser import Denoiser
from webui.engine.devices import Placement
from webui.engine.encoding import PromptEncoder, Reading
from webui.engine.guidance import Guidance
from webui.engine.local import LocalEngine
from webui.engine.opening import predicts_v
from webui.engine.parts import sizes
from webui.engine.protocol import EngineError, Order
from webui.params import GenerationParams
from webui.prompting.prepared import PicturePrompt

WRITERS = {
    ("sd1", ""): tiny.write_sd1,
    ("sd1", "inpaint"): tiny.write_sd1,
    ("sd1", "pix2pix"): tiny.write_sd1,
    ("sd2", ""): tiny.write_sd2,
    ("sd2", "inpaint"): tiny.write_sd2,
    ("sdxl", ""): tiny.write_sdxl,
    ("sdxl", "inpaint"): tiny.write_sdxl,
    ("sdxl-refiner", ""): tiny.write_sdxl_refiner,
}
SMALL = GenerationParams(prompt="a cat", negative_prompt="a dog", width=64, height=64, steps=3, cfg_scale=4)


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    """Writes a tiny checkpoint once and tells of it as the catalog would."""
    folder = tmp_path_factory.mktemp("tiny")
    known = {}

    def written(family, variant="", name="model.safetensors") -> ModelFile:
        key = (family, variant, name)
        if key not in known:
            file = folder / f"{family}-{variant}-{name}"
            options = {"variant": variant} if variant else {}
            WRITERS[family, variant](file, **options)
            known[key] = ModelFile(
                file.name,
                file,
                identity=Identity("checkpoint", family, variant, "original"),
                size=file.stat().st_size,
            )
        return known[key]

    return written


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """The same in diffusers' folder format."""

    def folder(family, **options) -> ModelFile:
        path = tmp_path_factory.mktemp("folders") / family
        tiny.write_folder(path, family, **options)
        return ModelFile(
            family, path, identity=Identity("checkpoint", family, "", "diffusers"), folder=True, size=10**7
        )

    return folder


def drawn(checkpoint, placement=CPU, **fields):
    recorder = Recorder()
    params = SMALL.changed(**fields)
    open_file(checkpoint, placement).draw(Order(params, checkpoint, 7), recorder)
    (picture,) = recorder.pictures
    return pixels(picture.image)


@pytest.mark.parametrize(("family", "variant"), WRITERS)
def test_every_family_draws(written, family, variant):
    checkpoint = written(family, variant)
    picture = drawn(checkpoint)
    assert picture.shape == (64, 64, 3)
    assert picture.std() > 5
    assert abs(picture - drawn(checkpoint, prompt="a boat on a lake")).max() > 1
    np.testing.assert_array_equal(picture, drawn(checkpoint))


@pytest.mark.parametrize("family", ["sd1", "sd2", "sdxl"])
def test_a_folder_draws_what_the_single_file_does(written, folder, family):
    # The folder's numbers lie otherwise in memory, so that sums may differ in their last bits.
    assert abs(drawn(written(family)) - drawn(folder(family))).max() <= 1


def test_a_pickled_checkpoint_draws_what_the_safetensors_does(written):
    assert abs(drawn(written("sd1")) - drawn(written("sd1", name="model.ckpt"))).max() <= 1


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
@pytest.mark.parametrize("family", ["sd1", "sdxl"])
def test_half_precision_draws_nearly_the_same(written, family, dtype):
    half = drawn(written(family), Placement(torch.device("cpu"), dtype))
    assert abs(half - drawn(written(family))).mean() < 6


def test_channels_last_draws_the_same(written):
    last = drawn(written("sd1"), replace(CPU, channels_last=True))
    assert abs(last - drawn(written("sd1"))).max() <= 1


# Beside diffusers' own pipelines


def euler(prediction="epsilon"):
    return EulerDiscreteScheduler(
        beta_start=0.00085,
        beta_end=0.012,
        beta_schedule="scaled_linear",
        timestep_spacing="linspace",
        prediction_type=prediction,
    )


def theirs(kind, checkpoint, prediction="epsilon", **options):
    pipeline = kind.from_pretrained(checkpoint.path, local_files_only=True, safety_checker=None)
    pipeline.scheduler = euler(prediction)
    pipeline.set_progress_bar_config(disable=True)
    noise = torch.randn((1, 4, 8, 8), generator=torch.Generator().manual_seed(7))
    image = pipeline(
        "a cat",
        negative_prompt="a dog",
        width=64,
        height=64,
        num_inference_steps=3,
        guidance_scale=4.0,
        latents=noise,
        **options,
    ).images[0]
    return pixels(image)


def test_sd2_draws_what_diffusers_does(folder):
    checkpoint = folder("sd2", prediction="v_prediction")
    expected = theirs(StableDiffusionPipeline, checkpoint, "v_prediction")
    assert abs(drawn(checkpoint, sampler_name="Euler") - expected).max() <= 2


def test_sdxl_draws_what_diffusers_does(folder):
    checkpoint = folder("sdxl")
    expected = theirs(StableDiffusionXLPipeline, checkpoint)
    assert abs(drawn(checkpoint, sampler_name="Euler") - expected).max() <= 2


@torch.inference_mode()
def test_sdxl_embeddings_are_diffusers(folder):
    checkpoint = folder("sdxl")
    pipeline = StableDiffusionXLPipeline.from_pretrained(checkpoint.path, local_files_only=True)
    tokens, _, pooled, _ = pipeline.encode_prompt("a cat on a mat", do_classifier_free_guidance=False)
    mine = PromptEncoder(load(checkpoint)).embed("a cat on a mat")
    torch.testing.assert_close(mine.tokens, tokens, rtol=0, atol=1e-4)
    torch.testing.assert_close(mine.pooled, pooled, rtol=0, atol=1e-4)


@torch.inference_mode()
def test_sdxl_listens_to_the_last_layer_but_one_whatever_the_clip_skip(folder):
    encoder = PromptEncoder(load(folder("sdxl")))
    one, *others = (encoder.embed("a cat", Reading(skip)).tokens for skip in (1, 2, 3))
    assert all(torch.equal(one, other) for other in others)


@torch.inference_mode()
def test_clip_skip_on_sd1_norms_an_earlier_layer(written):
    model = load(written("sd1"))
    network = model.encoders[0].network
    ids = torch.tensor(token_rows(model.encoders[0].tokenizer, "a cat"))
    states = network(ids, output_hidden_states=True).hidden_states
    norm = getattr(network, "text_model", network).final_layer_norm
    encoder = PromptEncoder(model)
    for clip_skip in (1, 2):
        mine = encoder.embed("a cat", Reading(clip_skip)).tokens
        torch.testing.assert_close(mine, norm(states[-clip_skip]), rtol=0, atol=1e-5)
    deepest = encoder.embed("a cat", Reading(12)).tokens  # beyond its layers: the first one's
    torch.testing.assert_close(deepest, norm(states[1]), rtol=0, atol=1e-5)


# What the file does not tell


def test_what_a_person_sets_comes_before_what_the_file_tells(written):
    checkpoint = replace(written("sd1"), settings=ModelSettings(prediction="v_prediction", zero_snr=True))
    model = load(checkpoint)
    assert model.prediction == "v_prediction"
    assert model.noise_table.highest > 4000
    told = replace(checkpoint.identity, prediction="v_prediction", zero_snr=True)
    assert load(replace(checkpoint, settings=ModelSettings(), identity=told)).prediction == "v_prediction"
    assert load(written("sd1")).noise_table.highest < 15


def test_a_zero_terminal_snr_picture_is_drawn(written):
    checkpoint = replace(written("sd1"), settings=ModelSettings(prediction="v_prediction", zero_snr=True))
    assert np.isfinite(drawn(checkpoint, sampler_name="Euler")).all()


@torch.inference_mode()
def test_whether_an_sd2_unet_predicts_v_is_found_by_asking_it(written):
    """A UNet that gives its input back predicts noise; one that gives minus a few times it, v."""
    model = load(written("sd2"))
    give = {"out": torch.zeros(())}
    hook = model.unet.register_forward_hook(lambda *_: (give["out"],))
    give["out"] = torch.full((1, 4, 8, 8), 0.5)
    assert not predicts_v(model)
    give["out"] = torch.full((1, 4, 8, 8), -1.0)
    assert predicts_v(model)
    hook.remove()


# What is missing


@pytest.mark.parametrize(
    ("without", "what"),
    [
        ("first_stage_model.", "vae"),
        ("cond_stage_model.", "text encoder"),
        ("model.diffusion_model.", "unet"),
    ],
)
def test_a_file_without_one_of_its_parts_is_told(tmp_path, without, what):
    file = tmp_path / "pruned.safetensors"
    tiny.write_sd1(file, without=(without,))
    checkpoint = ModelFile(file.name, file, identity=Identity("checkpoint", "sd1", "", "original"))
    with pytest.raises(EngineError, match=f"can't be loaded: its file holds no {what}"):
        open_file(checkpoint)


def test_a_vae_of_another_file_decodes(written, tmp_path):
    file = tmp_path / "other.vae.safetensors"
    tiny.write_vae(file, seed=5)
    vae = ModelFile(file.name, file, kind="vae", identity=Identity("vae", "", layout="original"))
    checkpoint, recorder = written("sd1"), Recorder()
    open_file(checkpoint, vae=vae).draw(Order(SMALL, checkpoint, 7), recorder)
    assert abs(recorder.images[0] - drawn(checkpoint)).mean() > 3


def test_a_checkpoint_without_a_vae_draws_with_another_files(tmp_path):
    file, other = tmp_path / "pruned.safetensors", tmp_path / "vae.safetensors"
    tiny.write_sd1(file, without=("first_stage_model.",))
    tiny.write_vae(other)
    checkpoint = ModelFile(file.name, file, identity=Identity("checkpoint", "sd1", "", "original"))
    vae = ModelFile(other.name, other, kind="vae", identity=Identity("vae", "", layout="original"))
    recorder = Recorder()
    open_file(checkpoint, vae=vae).draw(Order(SMALL, checkpoint, 7), recorder)
    assert len(recorder.pictures) == 1


@pytest.mark.parametrize("family", ["sd1", "sdxl"])
def test_sizes_of_parts_are_those_of_the_weights(written, folder, family):
    model = load(written(family))
    unet = sum(weight.numel() for weight in model.unet.parameters())
    for checkpoint in (written(family), folder(family)):
        for device_type, itemsize in (("cpu", 4), ("cuda", 2)):
            told = sizes(
                replace(checkpoint, identity=replace(checkpoint.identity, dtype="fp32")), device_type
            )
            assert set(told) == {encoder.part for encoder in model.encoders} | {"unet", "vae"}
            assert told["unet"] == pytest.approx(itemsize * unet, rel=0.1)


@torch.inference_mode()
def test_an_empty_negative_prompt_says_nothing_to_sdxl(folder):
    """As in A1111; SD 1.x hears an empty prompt instead."""
    encoder = PromptEncoder(load(folder("sdxl")))
    negative = encoder.unwanted("")
    assert not negative.tokens.any()
    assert not negative.pooled.any()
    assert encoder.unwanted("a cat") is encoder.embed("a cat")
    assert PromptEncoder(load(folder("sd1"))).unwanted("").tokens.any()


@torch.inference_mode()
def test_the_refiner_is_told_what_is_good_and_what_is_poor(written):
    model = load(written("sdxl-refiner"))
    same = Conditioning(PromptEncoder(model), [PicturePrompt("a cat", "a cat")])
    told = []
    hook = model.unet.register_forward_pre_hook(
        lambda _, __, named: told.append(named["added_cond_kwargs"]["time_ids"]), with_kwargs=True
    )
    for cfg_scale in (4.0, 1.0):
        Denoiser(model, same, Guidance(cfg_scale))(torch.zeros(1, 4, 8, 8), 1.0)
    hook.remove()
    assert told[0].tolist() == [[64, 64, 0, 0, 2.5], [64, 64, 0, 0, 6.0]]
    assert told[1].tolist() == [[64, 64, 0, 0, 6.0]]


def test_a_vae_file_serves_two_families_each_with_its_scaling(tmp_path, config, settings):
    for family in ("sd1", "sdxl"):
        WRITERS[family, ""](tmp_path / f"{family}.safetensors")
    tiny.write_vae(tmp_path / "shared.vae.safetensors")
    vae = ModelFile("shared", tmp_path / "shared.vae.safetensors", kind="vae", identity=Identity("vae"))
    catalog = Catalog.over([tmp_path])

    def draw(engine, family):
        recorder, checkpoint = Recorder(), catalog.find(family)
        engine.draw(Order(SMALL, checkpoint, 7, vae), recorder)
        return recorder.images[0]

    alone = draw(LocalEngine(config, settings, catalog), "sdxl")
    engine = LocalEngine(config, settings, catalog)
    draw(engine, "sd1")
    np.testing.assert_array_equal(draw(engine, "sdxl"), alone)
