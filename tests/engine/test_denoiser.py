"""The UNet as the samplers see it, beside diffusers' pipeline on the same weights and noise."""

import math
from dataclasses import replace

import pytest
import torch
from diffusers import DDIMScheduler, EulerDiscreteScheduler, StableDiffusionPipeline

from tests.conftest import pixels
from tests.loading import decode
from webui.engine.denoiser import Denoiser
from webui.engine.encoding import PromptEncoder
from webui.engine.samplers.table import find_sampler
from webui.engine.sampling import Noise, begin, finished, walk

CPU = torch.device("cpu")
SHAPE = (4, 16, 16)
STEPS = 5
NEAR = 1e-4  # latents have deviation 1; measured: 1e-5
PROMPT, NEGATIVE = "sunflower, 3d style, white background", "flat"


@pytest.fixture(autouse=True)
def inference_mode():
    with torch.inference_mode():
        yield


def embeddings(model):
    return PromptEncoder(model).encode(PROMPT, NEGATIVE)


def ours(model, name, steps, cfg_scale=4.0, seeds=(7,)):
    sampler = find_sampler(name)
    sigmas = sampler.sigmas("Automatic", model.noise_table, steps)
    noise = Noise(seeds, SHAPE, CPU)
    denoise = Denoiser(model, embeddings(model), cfg_scale, len(seeds))
    states = list(walk(sampler, sigmas, begin(sampler, sigmas, noise), noise, denoise))
    return finished(states[-1], sigmas)


def theirs(model, scheduler, steps, cfg_scale=4.0):
    pipeline = StableDiffusionPipeline(
        vae=model.vae,
        text_encoder=model.encoders[0].network,
        tokenizer=None,
        unet=model.unet,
        scheduler=scheduler,
        safety_checker=None,
        feature_extractor=None,
        requires_safety_checker=False,
    )
    pipeline.set_progress_bar_config(disable=True)
    known = embeddings(model)
    return pipeline(
        prompt_embeds=known.positive.tokens,
        negative_prompt_embeds=known.negative.tokens,
        latents=Noise([7], SHAPE, CPU)(),
        num_inference_steps=steps,
        guidance_scale=cfg_scale,
        output_type="latent",
    ).images


def far(a, b):
    return float((a - b).abs().max())


def scheduler_config(prediction):
    return {
        "beta_start": 0.00085,
        "beta_end": 0.012,
        "beta_schedule": "scaled_linear",
        "prediction_type": prediction,
    }


def test_euler_gives_the_pipelines_picture(model):
    scheduler = EulerDiscreteScheduler(**scheduler_config("v_prediction"), timestep_spacing="linspace")
    mine, expected = ours(model, "Euler", STEPS), theirs(model, scheduler, STEPS)
    assert far(mine, expected) < NEAR
    assert abs(pixels(decode(model, mine)) - pixels(decode(model, expected))).max() <= 1


def test_ddim_gives_the_pipelines_picture(model):
    scheduler = DDIMScheduler(
        **scheduler_config("v_prediction"), steps_offset=1, set_alpha_to_one=False, clip_sample=False
    )
    # diffusers begins with unit variance, Darkroom with what that is in its scaling: the same.
    assert far(ours(model, "DDIM", STEPS), theirs(model, scheduler, STEPS)) < NEAR


def test_epsilon_prediction(model):
    """The demo model's output, taken for noise: no picture, but the same numbers as diffusers'."""
    model = replace(model, prediction="epsilon")
    scheduler = EulerDiscreteScheduler(**scheduler_config("epsilon"), timestep_spacing="linspace")
    mine, expected = ours(model, "Euler", STEPS), theirs(model, scheduler, STEPS)
    assert far(mine, expected) < NEAR * float(expected.std())


def test_without_guidance(model):
    scheduler = EulerDiscreteScheduler(**scheduler_config("v_prediction"), timestep_spacing="linspace")
    mine = ours(model, "Euler", STEPS, cfg_scale=1.0)
    expected = theirs(model, scheduler, STEPS, cfg_scale=1.0)
    assert far(mine, expected) < NEAR


def test_guidance_goes_beyond_the_prompt_by_its_scale(model):
    x = Noise([1, 2], SHAPE, CPU)() * 3
    known = embeddings(model)
    positive = Denoiser(model, known, 1.0, 2)(x, 3.0)
    negative = Denoiser(model, replace(known, positive=known.negative), 1.0, 2)(x, 3.0)
    guided = Denoiser(model, known, 2.5, 2)
    clean = guided(x, 3.0)
    torch.testing.assert_close(clean, negative + 2.5 * (positive - negative), rtol=0, atol=1e-4)
    assert guided.latest is clean
    assert float((positive - negative).abs().max()) > 0.1


@pytest.mark.parametrize(("cfg_scale", "rows"), [(4.0, 6), (1.5, 6), (1.0, 3)])
def test_the_unconditional_half_is_left_out_where_it_has_no_say(model, count_rows, cfg_scale, rows):
    counted = count_rows(model.unet)
    Denoiser(model, embeddings(model), cfg_scale, 3)(Noise([1, 2, 3], SHAPE, CPU)(), 1.0)
    assert counted == [rows]


def test_the_model_hears_the_noise_level(model):
    """From a known mixture of picture and noise the prediction is far nearer to the picture."""
    picture = ours(model, "DPM++ 2M", 8)
    for sigma in (0.2, 1.0, 3.0):
        x = picture + sigma * Noise([3], SHAPE, CPU)()
        clean = Denoiser(model, embeddings(model), 1.0, 1)(x, sigma)
        assert math.sqrt(float((clean - picture).square().mean())) < 0.5 * sigma
