"""The UNet as the samplers see it, beside diffusers' pipeline on the same weights and noise."""

import math
from dataclasses import replace

import pytest
import torch
from diffusers import DDIMScheduler, EulerDiscreteScheduler, StableDiffusionPipeline

from tests.conftest import pixels
from tests.engine.pipelines import pipeline_of
from tests.loading import decode
from webui.engine import conditioning
from webui.engine.conditioning import Conditioning, Interrupted
from webui.engine.denoiser import Denoiser
from webui.engine.encoding import PromptEncoder
from webui.engine.guidance import Guidance
from webui.engine.noise_source import NoiseSource, Seeds
from webui.engine.protocol import EngineError
from webui.engine.samplers.options import SamplerOptions
from webui.engine.samplers.table import find_sampler
from webui.engine.sampling import begin, finished, walk
from webui.prompting.prepared import PicturePrompt

CPU = torch.device("cpu")
SHAPE = (4, 16, 16)
STEPS = 5
NEAR = 1e-4  # latents have deviation 1; measured: 1e-5
PROMPT, NEGATIVE = "sunflower, 3d style, white background", "flat"


@pytest.fixture(autouse=True)
def inference_mode():
    with torch.inference_mode():
        yield


def said(model, prompt=PROMPT, negative=NEGATIVE, pictures=1, evaluations=1):
    return Conditioning(PromptEncoder(model), [PicturePrompt(prompt, negative)] * pictures, evaluations)


def noise_of(*seeds):
    return NoiseSource(Seeds(seeds, seeds), SHAPE, CPU)


def ours(model, name, steps, cfg_scale=4.0, seeds=(7,)):
    sampler = find_sampler(name)
    sigmas = sampler.sigmas("Automatic", model.noise_table, steps)
    noise, options = noise_of(*seeds), SamplerOptions()
    denoise = Denoiser(model, said(model, pictures=len(seeds)), Guidance(cfg_scale))
    start = begin(sampler, sigmas, noise, options)
    states = list(walk(sampler, sigmas, start, noise, denoise, options))
    return finished(states[-1], sigmas)


def theirs(model, scheduler, steps, cfg_scale=4.0):
    pipeline = pipeline_of(StableDiffusionPipeline, model, scheduler)
    encoder = PromptEncoder(model)
    return pipeline(
        prompt_embeds=encoder.embed(PROMPT).tokens,
        negative_prompt_embeds=encoder.embed(NEGATIVE).tokens,
        latents=noise_of(7).first(),
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
    x = noise_of(1, 2).first() * 3
    positive = Denoiser(model, said(model, pictures=2), Guidance(1.0))(x, 3.0)
    negative = Denoiser(model, said(model, NEGATIVE, pictures=2), Guidance(1.0))(x, 3.0)
    guided = Denoiser(model, said(model, pictures=2), Guidance(2.5))
    clean = guided(x, 3.0)
    torch.testing.assert_close(clean, negative + 2.5 * (positive - negative), rtol=0, atol=1e-4)
    assert guided.latest is clean
    torch.testing.assert_close(guided.unconditional, negative, rtol=0, atol=1e-4)
    assert float((positive - negative).abs().max()) > 0.1


@pytest.mark.parametrize(("cfg_scale", "rows"), [(4.0, 6), (1.5, 6), (1.0, 3)])
def test_the_unconditional_half_is_left_out_where_it_has_no_say(model, count_rows, cfg_scale, rows):
    counted = count_rows(model.unet)
    Denoiser(model, said(model, pictures=3), Guidance(cfg_scale))(noise_of(1, 2, 3).first(), 1.0)
    assert counted == [rows]


def test_the_model_hears_the_noise_level(model):
    """From a known mixture of picture and noise the prediction is far nearer to the picture."""
    picture = ours(model, "DPM++ 2M", 8)
    for sigma in (0.2, 1.0, 3.0):
        x = picture + sigma * noise_of(3).first()
        clean = Denoiser(model, said(model), Guidance(1.0))(x, sigma)
        assert math.sqrt(float((clean - picture).square().mean())) < 0.5 * sigma


def clean(model, conditioning, guidance, evaluation=0, sigma=3.0):
    x = noise_of(*range(len(conditioning))).first() * sigma
    return Denoiser(model, conditioning, guidance, evaluation=evaluation)(x, sigma)


def test_prompts_joined_by_and_pull_together(model):
    weak = Guidance(1.0)
    empty, owl, panda = (clean(model, said(model, text), weak) for text in (NEGATIVE, "owl", "panda"))
    both = clean(model, said(model, "owl AND panda:0.5"), Guidance(3.0))
    expected = empty + 3 * (owl - empty) + 3 * 0.5 * (panda - empty)
    torch.testing.assert_close(both, expected, rtol=0, atol=1e-3)


@pytest.mark.parametrize("text", [" AND ".join(["owl"] * 40), "owl BREAK " * 101])
def test_more_than_can_be_drawn_is_refused(model, text):
    with pytest.raises(EngineError, match=r"up to 32 can be drawn|Use fewer"):
        said(model, text)


def test_too_much_editing_is_refused_before_it_fills_the_memory(model, monkeypatch):
    monkeypatch.setattr(conditioning, "MOST_CHUNKS_ALTOGETHER", 5)
    with pytest.raises(EngineError, match="too many different things"):
        said(model, "".join(f"[a:b:{step}]" for step in range(1, 9)), evaluations=9)


def test_reading_ends_when_the_person_wishes_so(model):
    with pytest.raises(Interrupted):
        Conditioning(PromptEncoder(model), [PicturePrompt("owl", "")], stopped=lambda: True)


def test_a_scale_of_one_still_weighs_prompts_joined_by_and(model, count_rows):
    rows = count_rows(model.unet)
    clean(model, said(model, "owl AND panda:0.5"), Guidance(1.0))
    assert rows == [3]


def test_prompts_of_other_lengths_go_one_after_the_other(model, count_rows):
    long = ", ".join(["a 3d panda on a blue background"] * 12)
    rows = count_rows(model.unet)
    both = clean(model, said(model, long), Guidance(4.0))
    assert rows == [1, 1]
    positive = clean(model, said(model, long), Guidance(1.0))
    negative = clean(model, said(model, NEGATIVE), Guidance(1.0))
    torch.testing.assert_close(both, negative + 4 * (positive - negative), rtol=0, atol=1e-3)


def test_each_picture_hears_its_own_prompt(model):
    prompts = [PicturePrompt("owl", NEGATIVE), PicturePrompt("panda AND fox", "")]
    together = Conditioning(PromptEncoder(model), prompts)
    x = noise_of(1, 2).first() * 3
    both = Denoiser(model, together, Guidance(4.0))(x, 3.0)
    for place, prompt in enumerate(prompts):
        alone = Denoiser(model, Conditioning(PromptEncoder(model), [prompt]), Guidance(4.0))
        torch.testing.assert_close(both[place], alone(x[place : place + 1], 3.0)[0], rtol=0, atol=1e-3)


def test_an_edited_prompt_changes_between_evaluations(model):
    changing = said(model, "[owl:panda:2]", evaluations=4)
    heard = [clean(model, changing, Guidance(4.0), evaluation) for evaluation in range(4)]
    owl, panda = (clean(model, said(model, text), Guidance(4.0)) for text in ("owl", "panda"))
    for evaluation, expected in enumerate([owl, owl, owl, panda]):
        assert torch.equal(heard[evaluation], expected)


@pytest.mark.parametrize(
    ("guidance", "rows"),
    [
        (Guidance(4.0, 4), [2, 2, 2, 2]),
        (Guidance(4.0, 4, start=0.25), [1, 1, 2, 2]),
        (Guidance(4.0, 4, end=0.5), [2, 2, 1, 1]),
        (Guidance(4.0, 4, least_sigma=5.0), [2, 1, 2, 1]),
        (Guidance(4.0, 4, least_sigma=2.0), [2, 2, 2, 2]),
    ],
)
def test_the_negative_prompt_is_not_computed_where_it_is_not_heard(model, count_rows, guidance, rows):
    counted = count_rows(model.unet)
    denoise = Denoiser(model, said(model, evaluations=4), guidance)
    x = noise_of(1).first() * 3
    found = [denoise(x, 3.0) for _ in range(4)]
    assert counted == rows
    alone = Denoiser(model, said(model), Guidance(1.0))(x, 3.0)
    for clean, count in zip(found, rows, strict=True):
        assert torch.equal(clean, alone) == (count == 1)


def test_rescaling_brings_the_spread_back(model):
    x = noise_of(1).first() * 3
    model = replace(model, prediction="epsilon")

    def output(guidance):
        return (x - Denoiser(model, said(model), guidance)(x, 3.0)) / 3

    prompt, guided = output(Guidance(1.0)), output(Guidance(9.0))
    full, half = output(Guidance(9.0, rescale=1.0)), output(Guidance(9.0, rescale=0.5))
    assert float(guided.std()) > 1.05 * float(prompt.std())
    assert float(full.std()) == pytest.approx(float(prompt.std()), rel=1e-3)
    torch.testing.assert_close(half, (full + guided) / 2, rtol=0, atol=1e-4)
