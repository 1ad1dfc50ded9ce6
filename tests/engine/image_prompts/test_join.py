"""IP-Adapters: the numbers of diffusers' pipelines, and nothing left behind."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from diffusers import EulerDiscreteScheduler, StableDiffusionPipeline
from PIL import Image
from safetensors.torch import save_file
from transformers import CLIPImageProcessor

from tests import tiny as checkpoints
from tests.conftest import PROMPT, Recorder
from tests.engine.image_prompts import tiny
from tests.engine.networks import state
from tests.engine.pipelines import pipeline_of
from webui.catalog.catalog import Catalog
from webui.catalog.folders import ModelFolder
from webui.catalog.index import ModelIndex
from webui.catalog.model_settings import ModelSettingsStore
from webui.config import BUILT_IN_CHECKPOINTS
from webui.engine.batch import Batch
from webui.engine.encoding import PromptEncoder
from webui.engine.local import LocalEngine
from webui.engine.previews import PreviewBudget
from webui.engine.protocol import Control, EngineError, Order
from webui.engine.way import Way
from webui.imaging.views import View
from webui.params import GenerationParams
from webui.params.control import ControlUnit

STEPS = 4
NEAR = 1e-4  # latents have deviation 1
NEGATIVE = "flat"
KINDS = ("base", "plus", "full")


def made_up(seed=0, size=(60, 40)):
    return Image.fromarray(np.random.default_rng(seed).integers(0, 255, (*size[::-1], 3), np.uint8))


PICTURE = made_up()


def catalog_of(folder):
    folders = [
        ModelFolder(BUILT_IN_CHECKPOINTS),
        ModelFolder(folder / "ControlNet", ("controlnet", "t2i-adapter", "ip-adapter")),
        ModelFolder(folder / "clip_vision", ("clip-vision",)),
    ]
    return Catalog(folders, ModelIndex(), ModelSettingsStore())


class Bench:
    """The demo model with tiny adapters, and what is drawn with them."""

    def __init__(self, folder, config, settings, unet):
        self.vision = tiny.write_vision(folder / "clip_vision" / "tiny")
        self.vision_file = folder / "clip_vision" / "tiny" / "model.safetensors"
        self.parts = {kind: tiny.adapter(unet, kind, seed) for seed, kind in enumerate(KINDS)}
        for kind, parts in self.parts.items():
            tiny.write_adapter(folder / "ControlNet" / f"{kind}.safetensors", parts)
        self.catalog = catalog_of(folder)
        self.engine = LocalEngine(config, settings, self.catalog)
        self.checkpoint = self.catalog.find("darkroom-demo")

    def control(self, kind="base", image=PICTURE, mask=None, **unit):
        file = next(file for file in self.catalog.files("ip-adapter") if file.stem == kind)
        return Control(ControlUnit(model=file.name, **unit), image, file, mask)

    def order(self, *controls, **fields):
        small = {"prompt": PROMPT, "negative_prompt": NEGATIVE, "sampler_name": "Euler", "steps": STEPS}
        params = GenerationParams(**{**small, "width": 64, "height": 64, "cfg_scale": 4.0, **fields})
        return Order(params, self.checkpoint, 7, controls=controls)

    def studio(self, order):
        return self.engine._manager.open(order, self.engine._forms.plan(order))

    @torch.inference_mode()
    def latents(self, *controls, view=None, recorder=None, **fields):
        order = self.order(*controls, **fields)
        if view:
            order = replace(order, view=view)
        with self.studio(order) as studio:
            batch = Batch(order, 1, range(order.params.batch_size))
            way = Way.of(studio.model, batch)
            watch = recorder or Recorder()
            return way.finished(studio.advance(batch, way, way.begin(), watch, PreviewBudget()))


@pytest.fixture(scope="module")
def bench(tmp_path_factory, config, settings, model):
    return Bench(tmp_path_factory.mktemp("models"), config, settings, model.unet)


@pytest.fixture(scope="module")
def plain(bench):
    return bench.latents()


def far(a, b):
    return float((a - b).abs().max())


def theirs(bench, parts, weights, images, **config):
    """What diffusers' pipeline draws with these adapters; the model's UNet is given back as it was."""
    with bench.studio(bench.order()) as studio, torch.inference_mode():
        scheduler = EulerDiscreteScheduler(
            beta_start=0.00085,
            beta_end=0.012,
            beta_schedule="scaled_linear",
            prediction_type="v_prediction",
            timestep_spacing="linspace",
        )
        pipeline = pipeline_of(StableDiffusionPipeline, studio.model, scheduler)
        pipeline.register_modules(
            image_encoder=bench.vision,
            feature_extractor=CLIPImageProcessor(size={"shortest_edge": tiny.SIDE}, crop_size=tiny.SIDE),
        )
        names = [""] * len(parts)
        pipeline.load_ip_adapter(parts, subfolder=names, weight_name=names)
        pipeline.set_ip_adapter_scale(weights)
        encoder = PromptEncoder(studio.model)
        order = bench.order(**config)
        latents = Way.of(studio.model, Batch(order, 1, range(1))).noise.first()
        try:
            return pipeline(
                prompt_embeds=encoder.embed(PROMPT).tokens,
                negative_prompt_embeds=encoder.embed(NEGATIVE).tokens,
                latents=latents,
                num_inference_steps=STEPS,
                guidance_scale=order.params.cfg_scale,
                output_type="latent",
                ip_adapter_image=images,
            ).images
        finally:
            pipeline.unload_ip_adapter()


@pytest.mark.parametrize("kind", KINDS)
def test_the_pipelines_numbers(bench, plain, kind):
    mine = bench.latents(bench.control(kind, weight=0.8))
    expected = theirs(bench, [bench.parts[kind]], 0.8, [PICTURE])
    assert far(mine, expected) < NEAR
    assert far(mine, plain) > 100 * NEAR


def test_several_at_once(bench):
    other = made_up(1, (30, 50))
    controls = bench.control("plus", weight=0.5), bench.control("base", other, weight=1.2)
    expected = theirs(bench, [bench.parts["plus"], bench.parts["base"]], [0.5, 1.2], [PICTURE, other])
    assert far(bench.latents(*controls), expected) < NEAR


def test_without_guidance(bench):
    mine = bench.latents(bench.control("plus"), cfg_scale=1.0)
    assert far(mine, theirs(bench, [bench.parts["plus"]], 1.0, [PICTURE], cfg_scale=1.0)) < NEAR


@pytest.mark.parametrize("unit", [{"weight": 0.0}, {"guidance_start": 0.9, "guidance_end": 0.95}])
def test_without_a_say_every_bit_is_as_ever(bench, plain, unit):
    assert torch.equal(bench.latents(bench.control(**unit)), plain)


def test_nothing_is_left_behind(bench, plain):
    with bench.studio(bench.order()) as studio:
        unet = studio.model.unet
    before = state(unet)
    assert far(bench.latents(bench.control("plus")), plain) > NEAR
    assert state(unet) == before
    assert torch.equal(bench.latents(), plain)


def test_from_and_up_to_a_share_of_the_steps(bench, plain):
    """Four steps begin at 0, 0.25, 0.5 and 0.75 of the way."""
    whole = bench.latents(bench.control("base"))
    late = bench.latents(bench.control("base", guidance_start=0.6))
    early = bench.latents(bench.control("base", guidance_end=0.6))
    assert torch.equal(bench.latents(bench.control("base", guidance_end=0.8)), whole)
    assert len({float(each.sum()) for each in (plain, whole, late, early)}) == 4


def test_a_mask_tells_where(bench, plain):
    white, black = Image.new("L", (50, 30), 255), Image.new("L", (50, 30), 0)
    whole = bench.latents(bench.control("plus"))
    assert far(bench.latents(bench.control("plus", mask=white)), whole) < 1e-5
    assert torch.equal(bench.latents(bench.control("plus", mask=black)), plain)
    left = black.copy()
    left.paste(255, (0, 0, 25, 30))
    half = (bench.latents(bench.control("plus", mask=left)) - plain).abs()
    assert half[..., :4].mean() > half[..., 4:].mean()


def test_a_mask_is_seen_as_far_as_its_part_of_the_picture_is_drawn(bench, plain):
    left = Image.new("L", (50, 30), 0)
    left.paste(255, (0, 0, 25, 30))
    control = bench.control("plus", mask=left)
    assert torch.equal(bench.latents(control, view=View(0.5, 0, 0.5, 1)), plain)
    assert far(bench.latents(control, view=View(0, 0, 0.5, 1)), bench.latents(bench.control("plus"))) < 1e-5


def test_with_other_ways_to_compute_attention_and_changed_networks(bench, settings):
    """Slices give the same numbers; token merging and FreeU go on as ever."""
    control = bench.control("plus")
    whole = bench.latents(control)
    settings.update({"attention": "Sliced"})
    try:
        assert far(bench.latents(control), whole) < NEAR
    finally:
        settings.update({"attention": "Automatic"})
    for fields in ({"token_merging_ratio": 0.5}, {"freeu": True}, {"step_cache": 2}):
        changed = bench.latents(control, **fields)
        assert far(changed, bench.latents(**fields)) > NEAR
        assert far(changed, whole) > NEAR


def test_each_picture_of_a_batch_hears_it(bench):
    control = bench.control("base")
    both = bench.latents(control, batch_size=2)
    assert far(both[:1], bench.latents(control)) < NEAR


def test_hires_fix_hears_it_in_the_pass_that_was_asked_for(bench):
    fields = {"enable_hr": True, "hr_scale": 1.5, "hr_second_pass_steps": 3, "denoising_strength": 0.6}

    def drawn(*controls):
        recorder = Recorder()
        bench.engine.draw(bench.order(*controls, **fields), recorder)
        return recorder.images[0]

    options = ("Both", "Low res only", "High res only")
    made = [drawn(), *(drawn(bench.control("plus", hr_option=option)) for option in options)]
    assert len({image.tobytes() for image in made}) == 4


def test_pictures_are_looked_at_once(bench):
    control = bench.control("full", made_up(9))
    calls = []
    vision = [
        part for part in bench.engine._manager._cache._held.values() if part.key.part == "image_encoder"
    ]
    handle = vision[0].module.register_forward_pre_hook(lambda *_: calls.append(1))
    recorder = Recorder()
    first = bench.latents(control, recorder=recorder)
    again = bench.latents(replace(control, unit=control.unit.model_copy(update={"weight": 0.3})))
    handle.remove()
    assert len(calls) == 1
    assert far(first, again) > NEAR
    assert recorder.phases[-3:] == ["sampling", "looking at the image prompt", "sampling"]


def test_pictures_are_looked_at_anew_by_another_encoder_and_after_unloading(bench):
    control = bench.control("base", made_up(10))
    whole = bench.latents(control)
    bench.engine.unload()
    assert not bench.engine._manager._image_prompts._known
    file = bench.vision_file
    before = file.read_bytes()
    weights = {name: weight * 1.5 for name, weight in bench.vision.state_dict().items()}
    assert torch.equal(bench.latents(control), whole)
    try:
        save_file(weights, file)
        bench.catalog.refresh()
        assert far(bench.latents(control), whole) > NEAR
    finally:
        file.write_bytes(before)
        bench.catalog.refresh()


def test_the_published_pickle_gives_the_same(bench, tmp_path, config, settings):
    """Two dicts in one .bin, and an image encoder by OpenCLIP's names."""
    tiny.write_adapter(tmp_path / "ControlNet" / "plus.bin", bench.parts["plus"])
    (tmp_path / "clip_vision").mkdir()
    weights = tiny.open_clip(bench.vision)
    save_file(weights, tmp_path / "clip_vision" / "open.safetensors")
    (tmp_path / "clip_vision" / "config.json").write_text(
        '{"model_type": "clip_vision_model", "num_attention_heads": 2, "hidden_act": "gelu"}'
    )
    catalog = catalog_of(tmp_path)
    (file,) = catalog.files("ip-adapter")
    assert (file.problem, file.identity.context) == (None, 192)
    engine = LocalEngine(config, settings, catalog)
    mine = Bench.__new__(Bench)
    mine.engine, mine.catalog, mine.checkpoint = engine, catalog, bench.checkpoint
    assert far(mine.latents(mine.control("plus")), bench.latents(bench.control("plus"))) < 1e-5


def test_another_model_that_draws_on_goes_without_and_that_is_said_once(bench, tmp_path):
    """The second pass of hires fix, by a model of the same family but of another width."""
    file = tmp_path / "narrow.safetensors"
    checkpoints.write_sd1(file)
    narrow = Catalog.over([tmp_path]).find("narrow")
    fields = {"enable_hr": True, "hr_scale": 1.5, "hr_second_pass_steps": 2, "n_iter": 2}
    order = replace(bench.order(bench.control("plus"), **fields), hires_checkpoint=narrow)
    recorder = Recorder()
    bench.engine.draw(order, recorder)
    told = [notice for notice in recorder.notices if "left out where another model draws" in notice]
    assert len(told) == 1
    assert len(recorder.pictures) == 2


def refusal(bench, *controls):
    with pytest.raises(EngineError) as caught:
        bench.latents(*controls)
    return str(caught.value)


def test_what_stands_in_the_way_is_said(bench, tmp_path, config, settings, model):
    parts = {**bench.parts["base"]}
    narrow = {name: weight[:, :100].contiguous() for name, weight in parts["ip_adapter"].items()}
    projection = {"proj.weight": torch.zeros(400, tiny.PROJECTION), "proj.bias": torch.zeros(400)}
    projection |= {"norm.weight": torch.ones(100), "norm.bias": torch.zeros(100)}
    folder = tmp_path / "ControlNet"
    tiny.write_adapter(folder / "other.safetensors", {"image_proj": projection, "ip_adapter": narrow})
    wide = {**parts["image_proj"], "proj.weight": torch.zeros(4 * 192, 1024)}
    tiny.write_adapter(folder / "base.safetensors", {**parts, "image_proj": wide})
    few = {name: weight for name, weight in parts["ip_adapter"].items() if not name.startswith("1.")}
    tiny.write_adapter(folder / "few.safetensors", {**parts, "ip_adapter": few})
    cut = {name: weight for name, weight in parts["image_proj"].items() if name != "norm.bias"}
    tiny.write_adapter(folder / "cut.safetensors", {**parts, "image_proj": cut})
    bad = Bench.__new__(Bench)
    bad.catalog, bad.checkpoint = catalog_of(tmp_path), bench.checkpoint
    bad.engine = LocalEngine(config, settings, bad.catalog)
    assert "made for a UNet of another width" in refusal(bad, bad.control("other"))
    assert "other layers than darkroom-demo" in refusal(bad, bad.control("few"))
    told = refusal(bad, bad.control("base"))
    assert "CLIP ViT-H/14" in told
    assert "models/clip_vision" in told
    assert refusal(bad, bad.control("cut")).startswith('The IP-Adapter "cut.safetensors" can\'t be loaded:')
