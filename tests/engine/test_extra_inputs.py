"""UNets that take more than latents: checkpoints that inpaint, and such that follow instructions."""

from contextlib import contextmanager

import numpy as np
import pytest
import torch
from diffusers import (
    EulerDiscreteScheduler,
    StableDiffusionInpaintPipeline,
    StableDiffusionInstructPix2PixPipeline,
)
from PIL import Image

from tests import tiny
from tests.conftest import Recorder, pixels
from tests.engine.pipelines import pipeline_of
from tests.loading import open_file
from webui.catalog.catalog import Catalog
from webui.engine import extra_inputs
from webui.engine.batch import Batch
from webui.engine.conditioning import Conditioning
from webui.engine.denoiser import Denoiser
from webui.engine.encoding import PromptEncoder
from webui.engine.guidance import Guidance
from webui.engine.inpainting import Ground
from webui.engine.protocol import Inputs, Order
from webui.engine.sources import Scene
from webui.engine.start import Start
from webui.engine.studio import Helpers
from webui.engine.way import Way
from webui.params import GenerationParams
from webui.prompting.prepared import PicturePrompt

NEAR = 1e-4
SIDE, STEPS = 64, 6
LATENTS = torch.randn(1, 4, 8, 8, generator=torch.Generator().manual_seed(1))
PICTURE = torch.randn(1, 4, 8, 8, generator=torch.Generator().manual_seed(2))
NOISE = torch.randn(2, 4, 8, 8, generator=torch.Generator().manual_seed(3))
MASK = (torch.arange(64) % 8 < 4).float().reshape(1, 1, 8, 8)


@pytest.fixture(autouse=True)
def inference_mode():
    with torch.inference_mode():
        yield


@pytest.fixture(scope="module")
def studios(tmp_path_factory):
    """One of each kind, of tiny random networks."""
    folder = tmp_path_factory.mktemp("models")
    tiny.write_sd1(folder / "plain.safetensors")
    for variant in ("inpaint", "pix2pix"):
        tiny.write_sd1(folder / f"{variant}.safetensors", variant=variant)
    catalog = Catalog.over([folder])
    return {name: open_file(catalog.find(name)) for name in ("plain", "inpaint", "pix2pix")}


def params_of(**fields):
    small = {"prompt": "a cat", "width": SIDE, "height": SIDE, "steps": STEPS, "sampler_name": "Euler"}
    return GenerationParams(**{**small, **fields})


def ours(model, start, guidance, beside):
    batch = Batch(Order(params_of(), model.checkpoint, 7), 1, range(1))
    way = Way.of(model, batch, start)
    said = Conditioning(PromptEncoder(model), [PicturePrompt("a cat", "a dog")])
    *_, last = way.walk(way.begin(), Denoiser(model, said, guidance, beside, kept=way.kept))
    return way.finished(last), len(way.sigmas) - 1


def called_by(kind, model):
    scheduler = EulerDiscreteScheduler(
        beta_start=0.00085, beta_end=0.012, beta_schedule="scaled_linear", timestep_spacing="linspace"
    )
    pipeline = pipeline_of(kind, model, scheduler)
    encoder = PromptEncoder(model)
    said = {
        "prompt_embeds": encoder.embed("a cat").tokens,
        "negative_prompt_embeds": encoder.embed("a dog").tokens,
        "num_inference_steps": STEPS,
        "generator": torch.Generator().manual_seed(7),
        "output_type": "latent",
    }
    return lambda **others: pipeline(**said, **others).images


def close(mine, expected):
    return float((mine - expected).abs().max()) < NEAR * max(1, float(expected.std()))


def test_an_inpainting_unet_gives_the_pipelines_latents(studios):
    model = studios["inpaint"].model
    mine, walked = ours(model, Start(LATENTS, 0.5), Guidance(4.0), torch.cat([MASK, PICTURE], 1))
    expected = called_by(StableDiffusionInpaintPipeline, model)(
        image=LATENTS,
        mask_image=torch.nn.functional.interpolate(MASK, scale_factor=8),
        masked_image_latents=PICTURE,
        strength=walked / STEPS,
        guidance_scale=4.0,
        height=SIDE,
        width=SIDE,
    )
    assert close(mine, expected)


@pytest.mark.parametrize("image_scale", [1.5, 3.0])
def test_an_instructed_unet_gives_the_pipelines_latents(studios, image_scale):
    model = studios["pix2pix"].model
    start = Start(torch.zeros_like(LATENTS), 1.0)
    mine, walked = ours(model, start, Guidance(4.0, image_scale=image_scale), PICTURE)
    expected = called_by(StableDiffusionInstructPix2PixPipeline, model)(
        image=PICTURE, guidance_scale=4.0, image_guidance_scale=image_scale
    )
    assert walked == STEPS
    assert close(mine, expected)


# Three ways at once: Brooks et al., eq. 3


def clean(model, guidance, prompt="a cat", beside=PICTURE, pictures=1):
    said = Conditioning(PromptEncoder(model), [PicturePrompt(prompt, "a dog")] * pictures)
    denoise = Denoiser(model, said, guidance, beside)
    return denoise(NOISE[:pictures] * 3, 3.0), denoise


def test_the_picture_and_the_prompt_pull_by_scales_of_their_own(studios):
    model = studios["pix2pix"].model
    told, _ = clean(model, Guidance(1.0))
    seen, _ = clean(model, Guidance(1.0), "a dog")
    blind, _ = clean(model, Guidance(1.0), "a dog", torch.zeros_like(PICTURE))
    for image_scale in (0.0, 1.0, 1.5):
        made, denoise = clean(model, Guidance(4.0, image_scale=image_scale))
        expected = blind + image_scale * (seen - blind) + 4 * (told - seen)
        torch.testing.assert_close(made, expected, rtol=0, atol=1e-4)
        torch.testing.assert_close(denoise.unconditional, seen, rtol=0, atol=1e-4)
    assert float((seen - blind).abs().max()) > 1e-3


@pytest.mark.parametrize(("image_scale", "rows"), [(1.5, 6), (0.0, 6), (1.0, 4)])
def test_where_the_picture_has_its_plain_say_it_is_not_asked_blindly(studios, count_rows, image_scale, rows):
    model = studios["pix2pix"].model
    counted = count_rows(model.unet)
    clean(model, Guidance(4.0, image_scale=image_scale), pictures=2)
    assert counted == [rows]


def test_prompts_joined_by_and_pull_from_what_is_seen(studios):
    model = studios["pix2pix"].model
    both, _ = clean(model, Guidance(3.0, image_scale=2.0), "a cat AND an owl:0.5")
    one, _ = clean(model, Guidance(3.0, image_scale=2.0))
    owl, _ = clean(model, Guidance(1.0), "an owl")
    seen, _ = clean(model, Guidance(1.0), "a dog")
    torch.testing.assert_close(both, one + 3 * 0.5 * (owl - seen), rtol=0, atol=1e-3)


def test_without_guidance_for_a_while_the_prompt_alone_is_asked(studios, count_rows):
    counted = count_rows(studios["pix2pix"].model.unet)
    guidance = Guidance(4.0, 2, start=0.5, image_scale=1.5)
    said = Conditioning(PromptEncoder(studios["pix2pix"].model), [PicturePrompt("a cat", "")])
    denoise = Denoiser(studios["pix2pix"].model, said, guidance, PICTURE)
    for _ in range(3):
        denoise(NOISE[:1], 3.0)
    assert counted == [1, 1, 3]


# From the picture to what the UNet is given


def image(seed=0):
    values = np.random.default_rng(seed).integers(0, 256, (SIDE, SIDE, 3), np.uint8)
    return Image.fromarray(values)


def half_masked():
    mask = Image.new("L", (SIDE, SIDE))
    mask.paste(255, (0, 0, SIDE // 2, SIDE))
    return mask


def start_of(studio, mask=None, **fields):
    params = params_of(init_images=("it",), mask_blur=0, **fields)
    scene = Scene.of(Inputs(image(), mask), params)
    ground = Ground(studio.model, studio.decoder, scene, params, pytest.fail)
    return ground.start(Batch(Order(params, studio.model.checkpoint, 7), 1, range(1)))


def test_an_inpainting_unet_sees_the_picture_around_the_mask(studios):
    studio = studios["inpaint"]
    start = start_of(studio, half_masked())
    beside = start.beside(studio.model)
    assert beside.shape == (1, 5, 8, 8)
    assert torch.equal(beside[:, :1], start.mask)
    assert torch.equal(start.mask[0, 0, 0], torch.tensor([1.0] * 4 + [0.0] * 4))
    masked = torch.from_numpy(np.asarray(image(), np.float32)).permute(2, 0, 1)[None] / 127.5 - 1
    masked[..., : SIDE // 2] = 0
    torch.testing.assert_close(beside[:, 1:], studio.decoder.encode(masked))


def test_how_much_it_sees_of_what_is_masked(studios):
    whole = start_of(studios["inpaint"], half_masked(), inpainting_mask_weight=0.0)
    beside = whole.beside(studios["inpaint"].model)
    torch.testing.assert_close(beside[:, 1:], whole.latents)
    assert torch.equal(beside[:, :1], whole.mask)


def test_without_a_mask_all_is_masked(studios):
    studio = studios["inpaint"]
    start = start_of(studio)
    assert start.mask is None
    blind = extra_inputs.without_picture(studio.model, studio.decoder, 8, 8)
    torch.testing.assert_close(start.beside(studio.model), blind)


def test_an_instructed_unet_sees_the_picture_as_the_vae_has_it(studios):
    studio = studios["pix2pix"]
    start = start_of(studio)
    raw = studio.model.vae.encode(
        torch.from_numpy(np.asarray(image(), np.float32)).permute(2, 0, 1)[None] / 127.5 - 1
    ).latent_dist.mode()
    torch.testing.assert_close(start.beside(studio.model), raw, rtol=1e-4, atol=1e-4)
    # What starts from latents alone, as the second pass of hires fix, has them from there.
    torch.testing.assert_close(extra_inputs.of_latents(studio.model, start.latents), raw)


@pytest.mark.parametrize("variant", ["inpaint", "pix2pix"])
@pytest.mark.parametrize(
    "fields", [{}, {"step_cache": 2, "batch_size": 2}, {"sampler_name": "DDIM CFG++"}, {"cfg_scale": 1.0}]
)
def test_it_draws_with_and_without_a_picture(studios, variant, fields):
    studio = studios[variant]
    made = []
    for picture, mask in [(None, None), (image(), None), (image(), half_masked())]:
        given = {"init_images": ("it",)} if picture else {}
        order = Order(
            params_of(**given, **fields, mask_blur=0, denoising_strength=0.9),
            studio.model.checkpoint,
            7,
            inputs=Inputs(picture, mask),
        )
        recorder = Recorder(watched=True)
        studio.draw(order, recorder)
        assert recorder.previews
        assert len(recorder.pictures) == fields.get("batch_size", 1)
        made.append(recorder.images[0])
    assert not np.array_equal(made[0], made[1])
    assert np.array_equal(made[2][:, SIDE // 2 :], pixels(image())[:, SIDE // 2 :])
    assert (made[2][:, : SIDE // 2] != pixels(image())[:, : SIDE // 2]).any()


def test_how_closely_to_keep_to_the_picture_has_its_say(studios):
    studio, made = studios["pix2pix"], []
    for scale in (1.0, 1.5, 4.0):
        params = params_of(init_images=("it",), image_cfg_scale=scale, denoising_strength=1.0)
        recorder = Recorder()
        studio.draw(Order(params, studio.model.checkpoint, 7, inputs=Inputs(image())), recorder)
        made.append(recorder.images[0])
    assert not np.array_equal(made[0], made[1])
    assert not np.array_equal(made[1], made[2])


def test_each_picture_of_an_instructed_second_pass_is_seen_by_itself(studios):
    studio, pictures = studios["pix2pix"], {}
    for size in (1, 2):
        params = params_of(batch_size=size, enable_hr=True, hr_scale=1.5, denoising_strength=0.6)
        recorder = Recorder()
        studio.draw(Order(params, studio.model.checkpoint, 7), recorder)
        pictures[size] = recorder.images
    assert len(pictures[2]) == 2
    assert abs(pictures[2][0] - pictures[1][0]).max() <= 2
    assert abs(pictures[2][1] - pictures[1][0]).max() > 2


@contextmanager
def lent(studio):
    yield studio


@pytest.mark.parametrize("variant", ["inpaint", "pix2pix"])
def test_a_refiner_of_another_kind_sees_the_scene_too(studios, monkeypatch, variant):
    """What is drawn by a model that takes nothing beside the latents may be finished by one that does."""
    first, second, seen = studios["plain"], studios[variant], []
    inner = second.model.unet.forward

    def spied(latents, *args, **kwargs):
        seen.append(latents[-1:, 4:].clone())
        return inner(latents, *args, **kwargs)

    monkeypatch.setattr(second.model.unet, "forward", spied)
    fields = {"mask_blur": 0, "refiner_switch_at": 0.6, "denoising_strength": 1.0}
    order = Order(
        params_of(init_images=("it",), **fields),
        first.model.checkpoint,
        7,
        refiner=second.model.checkpoint,
        inputs=Inputs(image(), half_masked()),
    )
    first.draw(order, Recorder(), helpers=Helpers(refiner=lambda: lent(second)))
    start = start_of(first, half_masked())
    assert start.beside(first.model) is None
    expected = start.beside(second.model)
    if variant == "inpaint":
        assert torch.equal(expected[:, :1], start.mask)
    assert seen
    torch.testing.assert_close(seen[0], expected, rtol=1e-4, atol=1e-4)
