"""From a picture to a picture on the demo model."""

import numpy as np
import pytest
import torch
from diffusers import DDIMScheduler, EulerDiscreteScheduler, StableDiffusionImg2ImgPipeline
from PIL import Image, ImageDraw

from tests.conftest import PROMPT, Recorder, pixels
from tests.engine.pipelines import pipeline_of
from webui import infotext
from webui.engine.batch import Batch
from webui.engine.conditioning import Conditioning
from webui.engine.denoiser import Denoiser
from webui.engine.encoding import PromptEncoder
from webui.engine.guidance import Guidance
from webui.engine.previews import PreviewBudget
from webui.engine.protocol import Inputs, Order
from webui.engine.samplers.table import SAMPLER_NAMES
from webui.engine.start import Start
from webui.engine.way import Way
from webui.params import GenerationParams
from webui.prompting.prepared import PicturePrompt

NEAR = 1e-4
WHITE_PANDA = "panda, 3d style, white background"


@pytest.fixture(scope="module")
def strawberry(draw):
    return draw(prompt="strawberry, 3d style, white background", steps=10).pictures[0].image


@pytest.fixture(scope="module")
def berry(strawberry):
    """The same, small: for what doesn't need to be looked at."""
    return strawberry.resize((64, 64))


@pytest.fixture
def redraw(engine, demo):
    """Draws from a picture, at its size."""

    def redraw(image, mask=None, observer=None, seed=7, **fields):
        size = {"width": max(64, image.width // 8 * 8), "height": max(64, image.height // 8 * 8)}
        small = {"prompt": WHITE_PANDA, **size, "steps": 6, "cfg_scale": 4.0}
        params = GenerationParams(**{**small, **fields, "init_images": ("it",)})
        recorder = observer or Recorder()
        engine.draw(Order(params, demo, seed, inputs=Inputs(image, mask)), recorder)
        return recorder

    return redraw


def disc(size, box):
    mask = Image.new("L", size)
    ImageDraw.Draw(mask).ellipse(box, fill=255)
    return mask


def far(a, b):
    return abs(pixels(a) - pixels(b)).mean()


# The strength


def test_it_tells_what_it_does(redraw, berry):
    recorder = redraw(berry, denoising_strength=0.5)
    assert recorder.phases == [
        "loading the checkpoint",
        "reading the picture",
        "reading the prompt",
        "sampling",
        "decoding",
    ]
    assert recorder.steps == [(1, step, 4) for step in range(5)]
    assert "Denoising strength: 0.5" in recorder.pictures[0].infotext
    assert "Steps: 6," in recorder.pictures[0].infotext


def test_the_stronger_the_further_from_the_picture(redraw, strawberry):
    moved = [
        far(redraw(strawberry, denoising_strength=strength).pictures[0].image, strawberry)
        for strength in (0.0, 0.2, 0.6, 1.0)
    ]
    assert moved[0] == 0
    assert moved == sorted(moved)
    assert moved[1] < 6
    assert moved[3] > 20


def test_without_strength_it_is_the_picture_itself(redraw, berry):
    recorder = redraw(berry, denoising_strength=0.0, batch_size=2)
    assert [picture.image.tobytes() for picture in recorder.pictures] == [berry.tobytes()] * 2
    assert recorder.steps == []
    assert [picture.seed for picture in recorder.pictures] == [7, 8]


def test_exact_steps_are_all_made(redraw, berry):
    recorder = redraw(berry, denoising_strength=0.3, img2img_fix_steps=True)
    assert recorder.steps[-1] == (1, 6, 6)
    assert redraw(berry, denoising_strength=0.3).steps[-1] == (1, 2, 2)
    assert far(recorder.pictures[0].image, berry) < 10


def test_the_same_again_is_the_same_and_another_seed_is_not(redraw, berry):
    first, again, other = (redraw(berry, seed=seed).pictures[0].image for seed in (7, 7, 8))
    assert first.tobytes() == again.tobytes()
    assert far(first, other) > 1


@pytest.mark.parametrize("name", SAMPLER_NAMES)
def test_every_sampler_draws_on_a_picture(redraw, berry, name):
    """The white around stays white, and the strawberry red where little is to change."""
    image = redraw(berry, sampler_name=name, denoising_strength=0.2, steps=5, prompt="strawberry")
    made = image.images[0]
    assert made[:6, :6].mean() > 215
    assert far(image.pictures[0].image, berry) < 25


def test_the_pictures_of_a_batch_are_their_single_runs(redraw, berry):
    batch = redraw(berry, batch_size=2, n_iter=2, sampler_name="Euler a", inpainting_fill=2)
    assert len(batch.pictures) == 4
    for number, picture in enumerate(batch.pictures):
        alone = redraw(berry, seed=7 + number, sampler_name="Euler a").pictures[0].image
        assert abs(pixels(picture.image) - pixels(alone)).max() <= 2


@pytest.mark.parametrize(
    "fields",
    [
        {"initial_noise_multiplier": 0.8},
        {"img2img_extra_noise": 0.3},
        {"subseed": 5, "subseed_strength": 0.5},
        {"cfg_end": 0.5},
        {"prompt": "[strawberry:panda:0.5], 3d style, white background"},
        {"tiling": True},
        {"rng": "NV"},
        {"resize_mode": 1},
        {"resize_mode": 2},
        {"resize_mode": 3},
        {"img2img_color_correction": True},
    ],
    ids=lambda fields: next(iter(fields)) + str(next(iter(fields.values())))[:2],
)
def test_every_option_has_its_say(redraw, berry, fields):
    wide, size = berry.crop((0, 8, 64, 50)), {"width": 64, "height": 64, "steps": 4}
    plain, changed = (redraw(wide, **size, **more).images[0] for more in ({}, fields))
    assert changed.shape == (64, 64, 3)
    assert abs(plain - changed).max() > 5


def test_colours_are_brought_back(redraw, strawberry):
    fields = {"prompt": "panda, 3d style, green background", "denoising_strength": 0.8}
    plain, corrected = (redraw(strawberry, **fields, img2img_color_correction=on) for on in (False, True))
    own = pixels(strawberry).mean((0, 1))
    greener = [made.images[0].mean((0, 1)) - own for made in (plain, corrected)]
    assert abs(greener[1] - greener[1].mean()).max() < abs(greener[0] - greener[0].mean()).max()


def test_prompts_change_as_if_the_last_steps_were_left_out(redraw, berry):
    """A1111 counts from the first step that is made: of 10 at strength 0.5 six are, so the fifth is late."""
    fields = {"steps": 10, "denoising_strength": 0.5}
    early, late, never = (redraw(berry, prompt=f"[owl:panda:{at}]", **fields).images[0] for at in (0, 4, 8))
    owl, panda = (redraw(berry, prompt=it, **fields).images[0] for it in ("owl", "panda"))
    assert np.array_equal(early, panda)
    assert np.array_equal(never, owl)
    assert not np.array_equal(late, owl)


# Sizes


@pytest.mark.parametrize(
    ("size", "fields", "expected"),
    [
        ((100, 75), {"width": 96, "height": 64}, (96, 64)),
        ((101, 75), {"scale_by": 1.0}, (101, 75)),
        ((50, 50), {"scale_by": 1.5}, (75, 75)),
        ((30, 20), {"scale_by": 1.0, "outpaint_left": 40, "outpaint_down": 51}, (70, 71)),
        ((120, 90), {"width": 64, "height": 96, "resize_mode": 3}, (64, 96)),
        ((90, 120), {"scale_by": 0.75, "resize_mode": 3}, (68, 90)),
    ],
)
def test_the_size_is_exact(redraw, berry, size, fields, expected):
    recorder = redraw(berry.resize(size), steps=1, denoising_strength=0.2, **fields)
    assert recorder.pictures[0].image.size == expected


def test_enlarged_as_latents_nothing_is_lost(redraw, strawberry):
    """Beside the picture enlarged by Lanczos it is softer, and shows the same."""
    small = strawberry.resize((96, 96))
    made = redraw(small, resize_mode=3, denoising_strength=0.01, scale_by=4 / 3, steps=2)
    assert far(made.pictures[0].image, strawberry) < 12


# Masks


def test_a_strawberry_becomes_a_panda_and_the_rest_stays(redraw, strawberry):
    mask = disc((128, 128), (20, 14, 108, 106))
    for fields in (
        {},
        {"inpainting_fill": 0},
        {"inpainting_fill": 2, "denoising_strength": 1.0},
        {"inpaint_full_res": True},
        {"soft_inpainting": True, "mask_blur": 5},
    ):
        made = redraw(strawberry, mask, **{"steps": 8, "denoising_strength": 0.9, **fields}).images[0]
        changed = (made != pixels(strawberry)).any(-1)
        assert not changed[:, :4].any()
        assert not changed[120:, :].any()
        berry, panda = pixels(strawberry)[48:80, 48:80], made[48:80, 48:80]
        red = berry[..., 0] - berry[..., 1]
        assert (red > 80).mean() > 0.6
        assert (panda[..., 0] - panda[..., 1] > 80).mean() < 0.3


def test_the_seam_does_not_show(redraw, strawberry):
    """Where the picture's ground meets the new one there is no step."""
    mask = Image.new("L", (128, 128))
    mask.paste(255, (0, 0, 64, 128))
    made = redraw(strawberry, mask, denoising_strength=0.7, steps=8).images[0]
    across = abs(np.diff(made[:12].astype(int), axis=1)).max(-1)
    assert across[:, 54:74].max() < 24


def test_an_empty_mask_leaves_the_picture_and_says_so(redraw, berry):
    recorder = redraw(berry, Image.new("L", (64, 64)), n_iter=2)
    assert [picture.image.tobytes() for picture in recorder.pictures] == [berry.tobytes()] * 2
    assert len(recorder.notices) == 1
    assert "Nothing is masked" in recorder.notices[0]


def test_the_settings_of_a_mask_that_the_picture_brings_are_told_and_read(redraw, berry):
    own = {"mask_blur": 9, "inpainting_fill": 2, "inpaint_full_res": True, "soft_inpainting": True}
    pierced = berry.convert("RGBA")
    pierced.paste((0, 0, 0, 0), (10, 10, 40, 40))
    told = redraw(pierced, **own, steps=2).pictures[0].infotext
    assert {name: infotext.read(told).fields[name] for name in own} == own
    opaque = redraw(berry.convert("RGBA"), **own, steps=2).pictures[0].infotext
    assert "Mask blur" not in opaque


def test_room_is_painted_beside_the_picture(redraw, strawberry):
    recorder = redraw(strawberry, scale_by=1.0, outpaint_right=40, denoising_strength=0.9, mask_blur=4)
    made = recorder.images[0]
    assert made.shape == (128, 168, 3)
    assert np.array_equal(made[:, :112], pixels(strawberry)[:, :112])
    assert made[:, 136:].mean() > 200


def test_what_is_drawn_from_under_the_mask(redraw, berry):
    mask = disc((64, 64), (15, 15, 50, 50))
    fills = [
        redraw(berry, mask, inpainting_fill=fill, denoising_strength=0.5, prompt="").images[0]
        for fill in range(4)
    ]
    for number, one in enumerate(fills):
        for other in fills[:number]:
            assert abs(one - other).max() > 20
    red = [int((made[25:40, 25:40, 0] - made[25:40, 25:40, 1]).mean()) for made in fills]
    assert red[1] > 100 > red[0]


def test_interrupting_and_skipping(redraw, berry):
    interrupted = redraw(berry, observer=Recorder(interrupt_at=(1, 2)), n_iter=2)
    assert not interrupted.pictures
    skipped = redraw(berry, observer=Recorder(skip_at=(1, 2)), n_iter=2)
    assert [picture.seed for picture in skipped.pictures] == [8]


def test_a_refiner_takes_over_on_the_way_or_begins_at_once(engine, demo, berry):
    def drawn(refiner, strength, at=0.8):
        params = GenerationParams(
            prompt=PROMPT, width=64, height=64, steps=8, init_images=("it",), denoising_strength=strength
        )
        recorder = Recorder()
        order = Order(params.changed(refiner_switch_at=at), demo, 7, refiner=refiner, inputs=Inputs(berry))
        engine.draw(order, recorder)
        return recorder

    for strength, at in [(0.8, 0.7), (0.2, 0.3)]:
        alone, refined = drawn(None, strength), drawn(demo, strength, at)
        assert refined.pictures[0].image.tobytes() == alone.pictures[0].image.tobytes()
        assert refined.phases.count("sampling") == (2 if strength == 0.8 else 1)


def test_a_region_can_be_inpainted_by_itself(studio, demo, strawberry):
    """What the detailer asks for."""
    params = GenerationParams(
        prompt=PROMPT, width=64, height=64, steps=3, inpaint_full_res=True, denoising_strength=0.8
    )
    batch = Batch(Order(params, demo, 7), 1, range(1))
    mask = Image.new("L", strawberry.size)
    mask.paste(255, (40, 40, 60, 60))
    with torch.inference_mode():
        made = studio.inpainted(strawberry, mask, batch, Recorder(), PreviewBudget())
        stopped = studio.inpainted(strawberry, mask, batch, Recorder(interrupt_at=(1, 1)), PreviewBudget())
        empty = studio.inpainted(strawberry, Image.new("L", (128, 128)), batch, Recorder(), PreviewBudget())
    changed = (pixels(made) != pixels(strawberry)).any(-1)
    assert changed[45:55, 45:55].mean() > 0.9
    assert not changed[:25].any()
    assert stopped is None
    assert empty is strawberry


# Beside diffusers' pipeline, on the same latents and noise


def ours(model, demo, name, steps, latents, strength):
    params = GenerationParams(
        prompt="sunflower", width=128, height=128, steps=steps, cfg_scale=4.0, sampler_name=name
    )
    way = Way.of(model, Batch(Order(params, demo, 7), 1, range(1)), Start(latents, strength))
    said = Conditioning(PromptEncoder(model), [PicturePrompt("sunflower", "flat")])
    *_, last = way.walk(way.begin(), Denoiser(model, said, Guidance(4.0)))
    return way.finished(last), len(way.sigmas) - 1


def theirs(model, scheduler, steps, latents, strength):
    pipeline = pipeline_of(StableDiffusionImg2ImgPipeline, model, scheduler)
    encoder = PromptEncoder(model)
    return pipeline(
        prompt_embeds=encoder.embed("sunflower").tokens,
        negative_prompt_embeds=encoder.embed("flat").tokens,
        image=latents,
        strength=strength,
        num_inference_steps=steps,
        guidance_scale=4.0,
        generator=torch.Generator().manual_seed(7),
        output_type="latent",
    ).images


CONFIG = {
    "beta_start": 0.00085,
    "beta_end": 0.012,
    "beta_schedule": "scaled_linear",
    "prediction_type": "v_prediction",
}


@pytest.mark.parametrize(("strength", "walked"), [(0.5, 6), (0.99, 10), (0.05, 1)])
@torch.inference_mode()
def test_euler_gives_the_pipelines_latents(model, demo, strength, walked):
    """diffusers makes a share of the steps rounded down, A1111 one more."""
    latents = torch.randn(1, 4, 16, 16, generator=torch.Generator().manual_seed(3))
    mine, made = ours(model, demo, "Euler", 10, latents, strength)
    scheduler = EulerDiscreteScheduler(**CONFIG, timestep_spacing="linspace")
    assert made == walked
    expected = theirs(model, scheduler, 10, latents, walked / 10)
    assert float((mine - expected).abs().max()) < NEAR * max(1, float(expected.std()))


@torch.inference_mode()
def test_ddim_gives_the_pipelines_latents(model, demo):
    latents = torch.randn(1, 4, 16, 16, generator=torch.Generator().manual_seed(3))
    mine, made = ours(model, demo, "DDIM", 10, latents, 0.5)
    scheduler = DDIMScheduler(**CONFIG, steps_offset=1, set_alpha_to_one=False, clip_sample=False)
    expected = theirs(model, scheduler, 10, latents, made / 10)
    assert float((mine - expected).abs().max()) < NEAR * max(1, float(expected.std()))
