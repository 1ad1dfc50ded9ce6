"""Hires fix, on the demo model."""

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image
from safetensors.torch import load_file, save_file

from tests.conftest import PROMPT, Recorder, copy_of, pixels
from tests.tiny.files import write_sdxl
from webui.catalog.catalog import Catalog
from webui.catalog.upscalers import LATENT
from webui.engine.batch import Batch
from webui.engine.conditioning import Interrupted
from webui.engine.hires import of_second_pass
from webui.engine.protocol import EngineError, Inputs, Order
from webui.engine.studio import Helpers
from webui.infotext import read
from webui.params import GenerationParams
from webui.prompting.prepared import PicturePrompt

LANCZOS = Image.Resampling.LANCZOS
PARAMS = GenerationParams(
    prompt=PROMPT,
    width=64,
    height=64,
    steps=3,
    cfg_scale=4.0,
    enable_hr=True,
    hr_scale=1.5,
    denoising_strength=0.6,
)
OWL = "owl, flat style, blue background"


@pytest.fixture(scope="module")
def drawn(engine, demo):
    """Draws on the shared engine and returns the Recorder. `order` are fields of the order."""

    def drawn(observer=None, *, seed=7, order=None, **fields) -> Recorder:
        observer = observer or Recorder()
        wish = Order(PARAMS.changed(**fields), demo, seed, **(order or {}))
        engine.draw(wish, observer)
        return observer

    return drawn


@pytest.fixture(scope="module")
def first(drawn):
    """The first pass alone."""
    return drawn(enable_hr=False).pictures[0].image


@pytest.fixture(scope="module")
def plain(drawn):
    """Both passes, enlarged by Lanczos."""
    return drawn(hr_upscaler="Lanczos")


@pytest.fixture(scope="module")
def other(demo, tmp_path_factory):
    """The demo model with weights that are a little off."""
    checkpoint = copy_of(demo, tmp_path_factory.mktemp("models") / "other")
    file = next((checkpoint.path / "unet").glob("*.safetensors"))
    weights = load_file(file)
    weights["conv_out.bias"] += 0.3
    save_file(weights, file)
    return checkpoint


def difference(a, b):
    return abs(pixels(a) - pixels(b)).mean()


# Sizes


@pytest.mark.parametrize("upscaler", [*LATENT, "None", "Lanczos", "Nearest"])
def test_every_upscaler_gives_the_size_asked_for(drawn, upscaler):
    recorder = drawn(hr_upscaler=upscaler, hr_resize_x=104, hr_resize_y=80, steps=1)
    assert recorder.pictures[0].image.size == (104, 80)


@settings(max_examples=8)
@given(
    size=st.tuples(st.integers(8, 11), st.integers(8, 11)),
    x=st.sampled_from([0, 96, 107]),
    y=st.sampled_from([0, 96, 120]),
    upscaler=st.sampled_from(["Latent", "Lanczos"]),
)
def test_any_rule_gives_its_size(drawn, size, x, y, upscaler):
    width, height = (8 * side for side in size)
    fields = {"width": width, "height": height, "hr_resize_x": x, "hr_resize_y": y, "hr_upscaler": upscaler}
    (picture,) = drawn(**fields, steps=1).pictures
    assert picture.image.size == PARAMS.changed(**fields).hires_size()


# What the second pass does


def test_without_strength_an_upscaler_of_pictures_has_the_last_word(drawn, first):
    recorder = drawn(hr_upscaler="Lanczos", denoising_strength=0)
    assert recorder.pictures[0].image.tobytes() == first.resize((96, 96), LANCZOS).tobytes()
    assert recorder.steps[-1] == (1, 3, 3)
    cut = drawn(hr_upscaler="Lanczos", denoising_strength=0, hr_resize_x=128, hr_resize_y=96).pictures[0]
    assert cut.image.tobytes() == first.resize((128, 128), LANCZOS).crop((0, 16, 128, 112)).tobytes()


def test_without_strength_enlarged_latents_are_decoded_as_they_are(drawn, first):
    image = drawn(hr_upscaler="Latent (bicubic)", denoising_strength=0).pictures[0].image
    assert image.size == (96, 96)
    assert difference(image, first.resize((96, 96), LANCZOS)) < 24


def test_with_little_strength_the_composition_stays(drawn, first):
    image = drawn(hr_upscaler="Lanczos", denoising_strength=0.2).pictures[0].image
    assert difference(image, first.resize((96, 96), LANCZOS)) < 10
    assert image.tobytes() != first.resize((96, 96), LANCZOS).tobytes()


def test_the_same_seed_gives_the_same_bytes(drawn, plain):
    assert drawn(hr_upscaler="Lanczos").pictures[0].image.tobytes() == plain.pictures[0].image.tobytes()


@pytest.mark.parametrize("upscaler", ["Latent", "Lanczos"])
def test_every_picture_of_a_batch_is_its_single_run(drawn, upscaler):
    batch = drawn(hr_upscaler=upscaler, batch_size=2, seed=6).images
    assert len(batch) == 2
    assert abs(batch[0] - batch[1]).mean() > 3
    assert abs(drawn(hr_upscaler=upscaler).images[0] - batch[1]).max() <= 2


@pytest.mark.parametrize(
    "fields",
    [
        {"hr_prompt": OWL},
        {"hr_negative_prompt": "white background"},
        {"hr_sampler_name": "Euler a"},
        {"hr_scheduler": "Exponential"},
        {"hr_second_pass_steps": 6},
        {"hr_cfg": 7.0},
        {"token_merging_ratio_hr": 0.6},
        {"denoising_strength": 0.8},
        {"img2img_extra_noise": 0.3},
    ],
    ids=lambda fields: next(iter(fields)),
)
def test_every_setting_has_its_say(drawn, plain, fields):
    changed = drawn(hr_upscaler="Lanczos", **fields).pictures[0].image
    assert abs(pixels(changed) - pixels(plain.pictures[0].image)).max() > 10


def test_settings_of_the_second_pass_leave_the_first_alone(drawn, first):
    fields = {"hr_prompt": OWL, "hr_sampler_name": "Euler a", "hr_cfg": 9.0, "hr_second_pass_steps": 6}
    seen: list[Image.Image] = []

    def enlarge(_name, image, width, height, _observer):
        seen.append(image)
        return image.resize((width, height))

    _draw_with(drawn, Helpers(enlarge=enlarge), **fields)
    assert [image.tobytes() for image in seen] == [first.tobytes()]


def _draw_with(drawn, helpers, observer=None, **fields):
    """Draws on the studio itself, with other helpers than the engine's."""
    studio, order = drawn.studio, drawn.order
    observer = observer or Recorder()
    studio.draw(replace(order, params=order.params.changed(**fields)), observer, 0, helpers)
    return observer


@pytest.fixture(scope="module", autouse=True)
def _studio(engine, demo, drawn):
    drawn.order = Order(PARAMS.changed(hr_upscaler="Lanczos"), demo, 7)
    with engine._manager.open(drawn.order, engine._forms.plan(drawn.order)) as studio:
        drawn.studio = studio


def test_each_passes_params():
    order = Order(
        PARAMS.changed(
            hr_second_pass_steps=9,
            hr_sampler_name="Euler",
            hr_scheduler="Karras",
            hr_cfg=2.5,
            token_merging_ratio=0.5,
            hr_prompt="x",
            sampler_name="Heun",
        ),
        None,
        7,
    )
    batch = of_second_pass(Batch(order, 1, range(1)), (192, 256))
    params = batch.params
    assert (params.width, params.height, params.steps, params.hires) == (192, 256, 9, False)
    assert (params.sampler_name, params.scheduler, params.cfg_scale) == ("Euler", "Karras", 2.5)
    assert (params.token_merging_ratio, batch.before) == (0.5, 6)
    assert batch.prompts == [PicturePrompt("x", "")]
    said = PicturePrompt("own", "dull", hires="large")
    own = of_second_pass(Batch(replace(order, prompts=(said,)), 1, range(1)), (192, 256))
    assert [(prompt.prompt, prompt.negative) for prompt in own.prompts] == [("large", "dull")]
    same = of_second_pass(Batch(Order(PARAMS, None, 7), 1, range(1)), (192, 192))
    assert (same.params.steps, same.params.sampler_name, same.params.cfg_scale) == (3, "DPM++ 2M", 4.0)
    assert same.prompts == [PicturePrompt(PROMPT, "")]


def test_prompts_that_change_count_on_in_the_second_pass(drawn, plain):
    """The first pass hears nothing of what is to change in the second."""
    later = drawn(hr_upscaler="Lanczos", prompt=f"[{PROMPT}:{OWL}:2.5]")
    assert later.pictures[0].image.tobytes() == plain.pictures[0].image.tobytes()
    halfway = drawn(hr_upscaler="Lanczos", prompt=f"[{PROMPT}:{OWL}:1.4]")
    assert halfway.pictures[0].image.tobytes() != plain.pictures[0].image.tobytes()
    whole = drawn(hr_upscaler="Lanczos", prompt=f"[{PROMPT}:{OWL}:1.0]")
    assert whole.pictures[0].image.tobytes() != halfway.pictures[0].image.tobytes()


def test_the_text_tells_what_was_asked_for(drawn):
    text = drawn(hr_upscaler="Lanczos", hr_prompt="owl", steps=1).pictures[0].infotext
    assert text.startswith(f"{PROMPT}\nSteps: 1, ")
    assert "Size: 64x64, " in text
    assert "Hires prompt: owl" in text


# A picture in place of the first pass


@pytest.mark.parametrize("upscaler", ["Latent", "Lanczos"])
def test_a_picture_takes_the_first_passs_place(drawn, upscaler):
    own = Image.linear_gradient("L").resize((100, 75)).convert("RGB")
    fields = {"firstpass_image": "0" * 32, "hr_upscaler": upscaler, "hr_scale": 2}
    recorder = drawn(**fields, order={"inputs": Inputs(own)}, batch_size=2)
    assert [picture.image.size for picture in recorder.pictures] == [(200, 144)] * 2
    assert recorder.steps == [(1, step, 3) for step in range(4)]
    assert recorder.images[0].tolist() != recorder.images[1].tolist()
    top, bottom = recorder.images[0][:20].mean(), recorder.images[0][-20:].mean()
    assert top < bottom - 100


def test_a_finished_picture_enlarged_is_what_both_passes_give(drawn, first, plain):
    fields = {"firstpass_image": "0" * 32, "hr_upscaler": "Lanczos"}
    again = drawn(**fields, order={"inputs": Inputs(first)}).pictures[0].image
    assert again.tobytes() == plain.pictures[0].image.tobytes()


# Other models


def test_another_checkpoint_draws_the_second_pass(drawn, plain, other):
    recorder = drawn(hr_upscaler="Lanczos", order={"hires_checkpoint": other})
    assert "loading the hires checkpoint" in recorder.phases
    assert difference(recorder.pictures[0].image, plain.pictures[0].image) > 1


def test_the_text_tells_the_other_checkpoint(drawn, other):
    fields = {"hr_upscaler": "Lanczos", "hr_checkpoint_name": "other", "steps": 1}
    text = drawn(**fields, order={"hires_checkpoint": other}).pictures[0].infotext
    assert "Model: darkroom-demo, " in text
    assert "Hires checkpoint: other [" in text


def test_the_same_checkpoint_changes_nothing(drawn, plain, demo):
    recorder = drawn(hr_upscaler="Lanczos", order={"hires_checkpoint": demo})
    assert recorder.pictures[0].image.tobytes() == plain.pictures[0].image.tobytes()


def test_a_checkpoint_of_other_latents_is_refused(drawn, tmp_path):
    write_sdxl(tmp_path / "xl.safetensors")
    foreign = Catalog.over([tmp_path]).find("xl")
    with pytest.raises(EngineError, match=r"can't draw over pictures of .* different families"):
        drawn(hr_upscaler="Lanczos", order={"hires_checkpoint": foreign})


def test_the_refiner_is_the_second_passs(drawn, plain, other, demo):
    fields = {"hr_upscaler": "Lanczos", "refiner_switch_at": 0.7}
    alone = drawn(**fields, order={"refiner": demo})
    assert alone.pictures[0].image.tobytes() == plain.pictures[0].image.tobytes()
    assert alone.phases.count("loading the refiner") == 1
    assert alone.phases.index("loading the refiner") > alone.phases.index("enlarging")
    refined = drawn(**fields, order={"refiner": other})
    assert difference(refined.pictures[0].image, plain.pictures[0].image) > 1


# Progress, and stopping


def test_steps_of_both_passes_count_as_one_row(plain):
    assert plain.steps == [(1, step, 6) for step in (0, 1, 2, 3, 3, 4, 5, 6)]


def test_as_many_steps_are_made_as_are_asked_for(drawn):
    assert drawn(denoising_strength=0.2, hr_second_pass_steps=5).steps[-1] == (1, 8, 8)


@pytest.mark.parametrize("step", [2, 4, 5])
def test_an_interrupted_batch_gives_no_picture(drawn, step):
    recorder = drawn(Recorder(interrupt_at=(1, step)), n_iter=2)
    assert not recorder.pictures
    assert recorder.steps[-1] == (1, step, 6)


def test_a_skipped_batch_is_followed_by_the_next(drawn, plain):
    recorder = drawn(Recorder(skip_at=(1, 5)), n_iter=2, seed=6, hr_upscaler="Lanczos")
    assert [picture.seed for picture in recorder.pictures] == [7]
    assert recorder.pictures[0].image.tobytes() == plain.pictures[0].image.tobytes()


def test_stopping_while_a_picture_is_enlarged_gives_none(drawn):
    def enlarge(_name, _image, _width, _height, observer):
        observer.step(1, 0, 2)
        observer.step(1, 1, 2)
        raise Interrupted

    recorder = _draw_with(drawn, Helpers(enlarge=enlarge))
    assert not recorder.pictures
    assert recorder.phases[-3:] == ["enlarging", "enlarging, tile 1 of 2", "enlarging, tile 2 of 2"]
    assert recorder.steps[-1] == (1, 3, 6)


def test_previews_are_shown_in_both_passes(drawn, monkeypatch):
    monkeypatch.setattr("webui.engine.previews.PreviewBudget.allows", lambda _: True)
    assert len(drawn(Recorder(watched=True)).previews) == 6


# Memory


def test_the_plan_is_for_the_largest_pass(engine, demo):
    def working(brought=None, **fields):
        order = Order(GenerationParams(**fields), demo, 0, inputs=Inputs(brought))
        return engine._forms.plan(order).working

    large = working(width=1024, height=1536)
    assert working(width=512, height=768, enable_hr=True, hr_scale=2) == large
    assert working(width=1024, height=1536, enable_hr=True, hr_resize_x=256) == large
    assert working(width=512, height=768, enable_hr=False, hr_scale=2) < large
    brought = Image.new("RGB", (256, 384))
    assert working(brought, enable_hr=True, firstpass_image="0" * 32, hr_scale=4) == large


def test_an_infotext_tells_the_second_passes_own_schedule(demo):
    asked = GenerationParams(enable_hr=True, sampler_name="DPM++ 2M", hr_sampler_name="Euler a")
    order = Order(asked, demo, 1)
    assert order.told(0, "Karras").hr_scheduler == "Automatic"
    same = replace(order, params=asked.changed(hr_sampler_name="DPM2"))
    assert same.told(0, "Karras").hr_scheduler == ""
    chosen = replace(order, params=asked.changed(scheduler="Karras"))
    assert chosen.told(0, "Karras").hr_scheduler == ""


def test_settings_read_from_an_infotext_draw_the_same_second_pass(drawn):
    fields = {"hr_upscaler": "Lanczos", "hr_sampler_name": "Euler a", "denoising_strength": 0.7}
    made = drawn(**fields).pictures[0]
    told = read(made.infotext).fields
    again = drawn(**{name: value for name, value in told.items() if name not in ("checkpoint", "seed")})
    assert again.pictures[0].image.tobytes() == made.image.tobytes()
