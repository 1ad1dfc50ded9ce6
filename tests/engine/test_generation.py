"""One order from prompt to pictures, on the demo model."""

import io

import numpy as np
import pytest
import torch
from PIL import Image

from tests.conftest import PROMPT, Recorder, pixels
from tests.loading import decode, token_rows
from webui import infotext
from webui.engine import previews
from webui.engine.protocol import EngineError, Order
from webui.infotext import ModelIdentity
from webui.params import GenerationParams
from webui.prompting.prepared import PicturePrompt

LONG = ", ".join(["a 3d panda on a blue background"] * 10)  # 80 tokens
SAMPLERS = ["DPM++ 2M", "Euler a", "Euler", "DDIM", "UniPC"]


@pytest.fixture(scope="module")
def panda(draw):
    """Seed 7, 4 steps."""
    return draw()


@pytest.fixture
def unet(studio, panda):
    return studio.model.unet


def difference(a, b):
    return int(abs(a - b).max())


def test_tells_what_it_does(panda):
    assert panda.phases == ["loading the checkpoint", "reading the prompt", "sampling", "decoding"]
    assert panda.steps == [(1, step, 4) for step in range(5)]
    (picture,) = panda.pictures
    assert (picture.image.mode, picture.image.size) == ("RGB", (128, 128))


def test_the_same_order_twice_gives_the_same_bytes(draw, panda):
    assert draw().pictures[0].image.tobytes() == panda.pictures[0].image.tobytes()


def test_another_seed_another_picture(draw, panda):
    assert abs(draw(seed=8).images[0] - panda.images[0]).mean() > 3


@pytest.mark.parametrize(
    "fields",
    [
        {"prompt": "sunflower, flat style, blue background"},
        {"negative_prompt": "white background"},
        {"cfg_scale": 6.0},
        {"steps": 5},
        {"sampler_name": "Euler"},
        {"scheduler": "Uniform"},
    ],
    ids=lambda fields: next(iter(fields)),
)
def test_every_setting_has_its_say(draw, panda, fields):
    assert difference(draw(**fields).images[0], panda.images[0]) > 10


@pytest.mark.parametrize("name", SAMPLERS)
def test_every_sampler_draws_the_same_thing(draw, name):
    """In ten steps each comes near to what DPM++ 2M draws in fifteen: a panda, white around it."""
    image = draw(sampler_name=name, steps=10).images[0]
    assert image[:6, :6].mean() > 225
    assert image[40:80, 40:88].mean() < 200


def test_names_of_samplers_in_any_case_and_alias(draw, panda):
    assert draw(sampler_name="K_DPMPP_2M", scheduler="karras").images[0].tolist() == panda.images[0].tolist()


def test_each_picture_carries_its_text(draw, demo, catalog):
    recorder = draw(seed=40, n_iter=2, batch_size=2, width=64, height=64, steps=1)
    params = GenerationParams(
        prompt=PROMPT, scheduler="Karras", n_iter=2, batch_size=2, width=64, height=64, steps=1, cfg_scale=4
    )
    identity = ModelIdentity("darkroom-demo", catalog.short_hash(demo))
    assert [picture.seed for picture in recorder.pictures] == [40, 41, 42, 43]
    for picture in recorder.pictures:
        assert picture.infotext == infotext.write(params.changed(seed=picture.seed), identity)


@pytest.mark.parametrize(("sampler", "told"), [("DPM++ 2M", "Karras"), ("Euler a", "Automatic")])
def test_the_schedule_that_automatic_stands_for_is_told(draw, sampler, told):
    recorder = draw(sampler_name=sampler, width=64, height=64, steps=1)
    assert f"Schedule type: {told}, " in recorder.pictures[0].infotext


def test_every_picture_of_a_batch_is_its_single_run(draw, panda):
    batch = draw(seed=6, batch_size=3).images
    assert difference(batch[1], panda.images[0]) <= 2
    for seed, image in [(6, batch[0]), (8, batch[2])]:
        assert difference(image, draw(seed=seed).images[0]) <= 2


def test_noise_added_on_the_way_is_each_pictures_own(draw):
    batch = draw(seed=6, batch_size=2, sampler_name="Euler a").images
    assert difference(batch[1], draw(sampler_name="Euler a").images[0]) <= 2


def test_batches_count_seeds_up(draw, panda):
    recorder = draw(seed=6, n_iter=2)
    assert recorder.pictures[1].image.tobytes() == panda.pictures[0].image.tobytes()
    assert recorder.steps == [(batch, step, 4) for batch in (1, 2) for step in range(5)]


@pytest.mark.parametrize("size", [(64, 64), (72, 104), (200, 64)])
def test_other_sizes(draw, size):
    (picture,) = draw(width=size[0], height=size[1], steps=1).pictures
    assert picture.image.size == size


# Stopping


@pytest.mark.parametrize("step", [1, 3, 4])
def test_an_interrupted_batch_gives_no_picture_and_leaves_no_trace(draw, panda, step):
    recorder = draw(Recorder(interrupt_at=(1, step)), n_iter=2, seed=20)
    assert not recorder.pictures
    assert recorder.steps[-1] == (1, step, 4)
    assert draw().pictures[0].image.tobytes() == panda.pictures[0].image.tobytes()


def test_what_was_finished_before_an_interrupt_stays(draw, panda):
    recorder = draw(Recorder(interrupt_at=(2, 2)), n_iter=3)
    assert [picture.image.tobytes() for picture in recorder.pictures] == [panda.pictures[0].image.tobytes()]
    assert recorder.steps[-1] == (2, 2, 4)


def test_a_skipped_batch_is_followed_by_the_next(draw, panda):
    recorder = draw(Recorder(skip_at=(1, 2)), n_iter=2, seed=6)
    assert [picture.seed for picture in recorder.pictures] == [7]
    assert recorder.pictures[0].image.tobytes() == panda.pictures[0].image.tobytes()
    assert recorder.steps[:4] == [(1, 0, 4), (1, 1, 4), (1, 2, 4), (2, 0, 4)]


# Previews


@pytest.fixture
def every_step(monkeypatch):
    """Previews without a budget."""
    monkeypatch.setattr(previews.PreviewBudget, "allows", lambda _: True)


def test_no_preview_where_nobody_looks(draw, monkeypatch):
    monkeypatch.setattr(previews.PreviewDecoder, "__call__", None)  # it can't be made
    assert not draw(Recorder(watched=False)).previews


def test_previews_where_somebody_does(draw, panda):
    recorder = draw(Recorder(watched=True), batch_size=2)
    assert 1 <= len(recorder.previews) <= 4
    for files in recorder.previews:
        assert [Image.open(io.BytesIO(file)).size for file in files] == [(128, 128)] * 2
    assert difference(recorder.images[0], panda.images[0]) <= 2


def test_previews_come_nearer_to_the_picture(draw, every_step):
    recorder = draw(Recorder(watched=True), steps=8, prompt="sunflower, 3d style, white background")
    previews = [pixels(Image.open(io.BytesIO(files[0]))) for files in recorder.previews]
    far = [abs(preview - recorder.images[0]).mean() for preview in previews]
    assert len(far) == 8
    assert far[-1] < 12  # of 255; measured: 9
    assert far[0] > 1.25 * far[4] > 1.25 * far[-1]
    assert far[0] > 2 * far[-1]


def test_previews_of_large_pictures_are_small(draw, every_step):
    recorder = draw(Recorder(watched=True), width=64, height=320, steps=1)
    assert Image.open(io.BytesIO(recorder.previews[0][0])).size == (32, 160)


def test_watching_does_not_change_the_picture(draw, panda, every_step):
    watched = draw(Recorder(watched=True))
    assert watched.pictures[0].image.tobytes() == panda.pictures[0].image.tobytes()


# Guidance and prompts


@pytest.mark.parametrize(("cfg_scale", "rows"), [(4.0, [4, 4]), (1.0, [2, 2])])
def test_without_guidance_half_the_work(draw, unet, count_rows, cfg_scale, rows):
    counted = count_rows(unet)
    draw(cfg_scale=cfg_scale, steps=2, batch_size=2, width=64, height=64)
    assert counted == rows


def test_a_prompt_is_heard_beyond_its_75th_token(draw, studio):
    tokenizer = studio.model.encoders[0].tokenizer
    longer = f"{LONG}, a flat sunflower on a red background"
    assert len(tokenizer.ids(LONG)) > 75
    assert token_rows(tokenizer, LONG)[0] == token_rows(tokenizer, longer)[0]  # they differ behind it only
    one, other = draw(prompt=LONG).images[0], draw(prompt=longer).images[0]
    assert abs(one - other).mean() > 2


def test_the_negative_prompt_may_be_the_longer_one(draw):
    assert len(draw(negative_prompt=LONG).pictures) == 1


def test_each_picture_has_its_own_prompt(engine, demo, draw):
    said = [PicturePrompt(PROMPT, "", "panda, {3d|flat} style"), PicturePrompt("owl, 3d style", "flat")]
    params = GenerationParams(prompt="unused", width=128, height=128, steps=4, cfg_scale=4.0, batch_size=2)
    together = Recorder()
    engine.draw(Order(params, demo, 7, prompts=tuple(said)), together)
    for place, prompt in enumerate(said):
        alone = draw(seed=7 + place, prompt=prompt.prompt, negative_prompt=prompt.negative)
        assert difference(together.images[place], alone.images[0]) <= 2
        assert together.pictures[place].infotext.startswith(prompt.prompt)
    assert "Template: " in together.pictures[0].infotext
    assert "Template: " not in together.pictures[1].infotext


def test_an_edited_prompt_begins_as_one_thing_and_ends_as_another(draw):
    """Changed at the very end it is nearly the first prompt's picture, at the beginning the second's."""
    owl, panda = (draw(prompt=f"{it}, 3d style", steps=8).images[0] for it in ("owl", "panda"))
    early, late = (draw(prompt=f"[owl:panda:{at}], 3d style", steps=8).images[0] for at in (0, 7))
    assert abs(early - panda).mean() < abs(early - owl).mean()
    assert abs(late - owl).mean() < abs(late - panda).mean()


def test_networks_are_taken_out_and_told(draw, panda):
    recorder = draw(prompt=f"{PROMPT}<lora:a:1>")
    assert recorder.pictures[0].image.tobytes() == panda.pictures[0].image.tobytes()
    assert recorder.notices == ['There is no LoRA "a"; the picture was drawn without it.']


@pytest.mark.parametrize(
    "fields",
    [
        {"tiling": True},
        {"freeu": True, "freeu_b1": 1.4, "freeu_s2": 0.4},
        {"token_merging_ratio": 0.5},
        {"cfg_rescale": 0.8},
        {"cfg_start": 0.5},
        {"cfg_end": 0.5},
        {"rng": "NV"},
        {"subseed": 5, "subseed_strength": 0.5},
        {"seed_resize_from_w": 64, "seed_resize_from_h": 64},
        {"sigma_max": 8.0},
        {"rho": 3.0},
        {"noise_schedule": "Zero Terminal SNR"},
        {"discard_next_to_last_sigma": True},
        {"sgm_noise_multiplier": True},
        {"clip_skip": 2},
        {"prompt": "(panda:1.5), 3d style, white background"},
    ],
    ids=lambda fields: next(iter(fields)),
)
def test_every_option_has_its_say_and_leaves_no_trace(draw, panda, fields):
    # That the first noise is stronger by a little changes little.
    least = 0 if "sgm_noise_multiplier" in fields else 5
    assert difference(draw(**fields).images[0], panda.images[0]) > least
    assert draw().pictures[0].image.tobytes() == panda.pictures[0].image.tobytes()


def test_a_variation_seed_counts_up_while_the_seed_stays(engine, demo):
    params = GenerationParams(prompt=PROMPT, width=64, height=64, steps=1, batch_size=2, subseed_strength=1.0)
    mixed, plain = Recorder(), Recorder()
    engine.draw(Order(params, demo, 7, subseed=40), mixed)
    engine.draw(Order(params.changed(subseed_strength=0.0), demo, 40), plain)
    assert [picture.seed for picture in mixed.pictures] == [7, 7]
    for one, other in zip(mixed.images, plain.images, strict=True):
        assert difference(one, other) <= 2
    assert "Variation seed: 41, Variation seed strength: 1" in mixed.pictures[1].infotext


# Decoding


@torch.inference_mode()
def test_decoding_rounds_to_the_nearest_level(model):
    latents = torch.randn(1, 4, 8, 8, generator=torch.Generator().manual_seed(0))
    exact = (model.vae.decode(latents).sample[0].permute(1, 2, 0) + 1) * 127.5
    image = np.asarray(decode(model, latents)).astype(float)
    assert abs(image - exact.clamp(0, 255).numpy()).max() <= 0.5 + 1e-3


@torch.inference_mode()
def test_numbers_that_are_none_are_no_picture(model):
    with pytest.raises(EngineError, match=r"NaN.*precision to fp32"):
        decode(model, torch.full((1, 4, 8, 8), float("nan")))
