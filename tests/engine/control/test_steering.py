"""Units on walks, held against diffusers' own pipelines."""

from dataclasses import replace

import diffusers
import pytest
import torch
from diffusers import EulerDiscreteScheduler
from PIL import Image

from tests.conftest import Recorder
from tests.engine.control.walks import SIDE, STEPS, control, file_of, picture, walked
from tests.engine.pipelines import pipeline_of
from tests.tiny import controls as tiny
from webui.engine.control.kinds import kind_of
from webui.engine.control.steering import FALLOFF, weightiest
from webui.engine.encoding import PromptEncoder
from webui.engine.protocol import EngineError

NEAR = 1e-4


def scheduler():
    return EulerDiscreteScheduler(
        beta_start=0.00085, beta_end=0.012, beta_schedule="scaled_linear", timestep_spacing="linspace"
    )


@torch.inference_mode()
def theirs(kind, model, *, guidance=4.0, **others):
    """What diffusers' pipeline of the class `kind` draws, its UNet steered by `others`."""
    encoder = PromptEncoder(model)
    wanted, unwanted = encoder.embed("a cat"), encoder.unwanted("a dog")
    said = {"prompt_embeds": wanted.tokens, "negative_prompt_embeds": unwanted.tokens}
    components = {name: others.pop(name) for name in ("controlnet", "adapter") if name in others}
    if wanted.pooled is not None:
        said |= {"pooled_prompt_embeds": wanted.pooled, "negative_pooled_prompt_embeds": unwanted.pooled}
        pipeline = getattr(diffusers, kind)(
            vae=model.vae,
            text_encoder=model.encoders[0].network,
            text_encoder_2=model.encoders[1].network,
            tokenizer=None,
            tokenizer_2=None,
            unet=model.unet,
            scheduler=scheduler(),
            **components,
        )
        pipeline.set_progress_bar_config(disable=True)
    else:
        pipeline = pipeline_of(getattr(diffusers, kind), model, scheduler(), **components)
    return pipeline(
        **said,
        width=SIDE,
        height=SIDE,
        num_inference_steps=STEPS,
        guidance_scale=guidance,
        latents=torch.randn(1, 4, SIDE // 8, SIDE // 8, generator=torch.Generator().manual_seed(7)),
        output_type="latent",
        **others,
    ).images


def close(mine, expected):
    return float((mine - expected).abs().max()) < NEAR * max(1, float(expected.std()))


@pytest.fixture(scope="module")
def nets(tmp_path_factory, models):
    """A ControlNet for each family, in a file, and as it was written."""
    folder = tmp_path_factory.mktemp("nets")
    found = {}
    for family, model in models.items():
        network = tiny.make_controlnet(model.unet, seed=5)
        tiny.write_controlnet(folder / f"{family}.safetensors", network)
        found[family] = file_of(folder / f"{family}.safetensors"), network
    return found


@pytest.fixture(scope="module")
def plain(sd1):
    return walked(sd1)


def test_a_controlnet_is_heard_as_diffusers_has_it_heard(sd1, nets, plain):
    file, network = nets["sd1"]
    mine = walked(sd1, control(file, weight=0.7))
    expected = theirs(
        "StableDiffusionControlNetPipeline",
        sd1,
        controlnet=network,
        image=picture(),
        controlnet_conditioning_scale=0.7,
    )
    assert close(mine, expected)
    assert not close(mine, plain)


def test_two_units_with_starts_and_ends(sd1, nets, tmp_path):
    other = tiny.make_controlnet(sd1.unet, seed=6)
    tiny.write_diffusers(tmp_path / "other.safetensors", other)
    units = (
        control(nets["sd1"][0], weight=0.5, guidance_end=0.5),
        control(file_of(tmp_path / "other.safetensors"), picture(3), guidance_start=0.25),
    )
    expected = theirs(
        "StableDiffusionControlNetPipeline",
        sd1,
        controlnet=[nets["sd1"][1], other],
        image=[picture(), picture(3)],
        controlnet_conditioning_scale=[0.5, 1.0],
        control_guidance_start=[0.0, 0.25],
        control_guidance_end=[0.5, 1.0],
    )
    assert close(walked(sd1, *units), expected)


def test_sdxls_is_told_sizes_and_pooled_text(sdxl, nets):
    file, network = nets["sdxl"]
    expected = theirs("StableDiffusionXLControlNetPipeline", sdxl, controlnet=network, image=picture())
    assert close(walked(sdxl, control(file)), expected)


@pytest.mark.parametrize(("asked", "kind"), [("Depth", 1), ("hard edge", 3), ("", 3)])
def test_a_union_is_told_the_kind_of_map(sdxl, tmp_path, asked, kind):
    network = tiny.make_union(sdxl.unet)
    tiny.write_diffusers(tmp_path / "union.safetensors", network)
    expected = theirs(
        "StableDiffusionXLControlNetUnionPipeline",
        sdxl,
        controlnet=network,
        control_image=[picture()],
        control_mode=[kind],
    )
    unit = control(file_of(tmp_path / "union.safetensors"), union_control_type=asked)
    assert close(walked(sdxl, unit), expected)


def test_a_preprocessor_tells_a_union_the_kind():
    assert kind_of("", "Depth", 6, "union") == 1
    assert kind_of("", "Tile/Blur", 8, "union") == 6
    assert kind_of("normalmap", "Depth", 6, "union") == 4


def test_a_union_knows_no_other_kinds(sdxl, tmp_path):
    tiny.write_diffusers(tmp_path / "union.safetensors", tiny.make_union(sdxl.unet))
    file = file_of(tmp_path / "union.safetensors")
    with pytest.raises(EngineError, match=r'no maps of the kind "Tile".*OpenPose, Depth'):
        walked(sdxl, control(file, module="tile_resample"))


def test_an_adapter_is_heard_as_diffusers_has_it_heard(sd1, tmp_path, plain):
    adapter = tiny.make_adapter(sd1.unet)
    tiny.save(tiny.adapter_names(adapter), tmp_path / "a.pth", torch.float32)
    mine = walked(sd1, control(file_of(tmp_path / "a.pth"), weight=0.8))
    expected = theirs(
        "StableDiffusionAdapterPipeline",
        sd1,
        adapter=adapter,
        image=picture(),
        adapter_conditioning_scale=0.8,
    )
    assert close(mine, expected)
    assert not close(mine, plain)


@pytest.mark.parametrize("width", [64, 72])
def test_sdxls_adapter_sees_blocks_of_sixteen_pixels(sdxl, tmp_path, width):
    adapter = tiny.make_adapter(sdxl.unet, "full_adapter_xl")
    tiny.write_diffusers(tmp_path / "a.safetensors", adapter)
    unit = control(file_of(tmp_path / "a.safetensors"), picture(width=width))
    steered, free = walked(sdxl, unit, width=width), walked(sdxl, width=width)
    assert steered.shape == free.shape
    assert not torch.equal(steered, free)


@pytest.mark.parametrize(
    "unit",
    [{"weight": 0}, {"guidance_start": 1}, {"guidance_start": 0.5, "guidance_end": 0.5}, {"guidance_end": 0}],
)
def test_without_a_say_nothing_is_changed(sd1, nets, plain, unit):
    assert torch.equal(walked(sd1, control(nets["sd1"][0], **unit)), plain)


def test_before_its_start_nothing_is_changed(sd1, nets):
    def second_step(*units):
        seen = []
        walked(sd1, *units, seen=seen)
        return [given.latents for given in seen]

    free, steered = second_step(), second_step(control(nets["sd1"][0], guidance_start=0.5))
    same = [torch.equal(one, other) for one, other in zip(free, steered, strict=True)]
    assert same == [True, True, True, False]


def residuals_of(model, *units):
    """What the first call of the UNet is given."""
    seen = []
    hook = model.unet.register_forward_pre_hook(lambda _, __, named: seen.append(named), with_kwargs=True)
    walked(model, *units)
    hook.remove()
    given = seen[0]
    return [*given["down_block_additional_residuals"], given["mid_block_additional_residual"]]


def test_the_prompt_is_more_important(sd1, nets):
    file = nets["sd1"][0]
    whole = residuals_of(sd1, control(file))
    less = residuals_of(sd1, control(file, control_mode="My prompt is more important"))
    for place, (mine, theirs) in enumerate(zip(less, whole, strict=True)):
        torch.testing.assert_close(mine, theirs * FALLOFF ** (len(whole) - 1 - place))


def test_the_controlnet_is_more_important(sd1, nets):
    file = nets["sd1"][0]
    whole = residuals_of(sd1, control(file))
    more = residuals_of(sd1, control(file, control_mode="ControlNet is more important"))
    for place, (mine, theirs) in enumerate(zip(more, whole, strict=True)):
        assert not mine[0].any(), "the negative prompt is steered"
        torch.testing.assert_close(mine[1:], theirs[1:] * FALLOFF ** (len(whole) - 1 - place))


@pytest.mark.parametrize(("count", "place"), [(13, 12), (10, 12), (9, 8), (7, 6)])
def test_the_middle_of_small_unets_weighs_most(count, place):
    assert weightiest(count) == place


def test_an_adapter_that_is_more_important(sd1, tmp_path):
    tiny.write_diffusers(tmp_path / "a.safetensors", tiny.make_adapter(sd1.unet))
    file, seen = file_of(tmp_path / "a.safetensors"), []

    def note(_, __, named):
        seen.append([each.clone() for each in named["down_intrablock_additional_residuals"]])

    hook = sd1.unet.register_forward_pre_hook(note, with_kwargs=True)
    walked(sd1, control(file))
    walked(sd1, control(file, control_mode="ControlNet is more important"))
    hook.remove()
    for place, (whole, more) in enumerate(zip(seen[0], seen[STEPS], strict=True)):
        assert not more[0].any()
        torch.testing.assert_close(more[1], whole[1] * FALLOFF ** (12 - (3 * place + 2)))


def test_a_region(sd1, nets):
    mask = Image.new("L", (SIDE, SIDE))
    mask.paste(255, (0, 0, SIDE // 2, SIDE))
    file = nets["sd1"][0]
    whole = residuals_of(sd1, control(file))
    part = residuals_of(sd1, control(file, mask=mask))
    for mine, theirs in zip(part, whole, strict=True):
        half = mine.shape[-1] // 2
        torch.testing.assert_close(mine[..., :half], theirs[..., :half])
        assert not mine[..., half:].any()


def test_all_pictures_of_a_batch_are_steered_alike(sd1, nets):
    one = walked(sd1, control(nets["sd1"][0]))
    two = walked(sd1, control(nets["sd1"][0]), prompts=2)
    torch.testing.assert_close(two[:1], one, rtol=1e-4, atol=1e-4)
    assert not torch.allclose(two[1], two[0], atol=0.1)


def test_what_doesnt_fit_is_told(sd1, nets, tmp_path, models):
    file = nets["sdxl"][0]
    with pytest.raises(EngineError, match=r"is for SDXL, and .* is SD 1\.x"):
        walked(sd1, control(file))
    # One that the catalog could not tell is found out by its shapes.
    unknown = replace(file, identity=replace(file.identity, family="", context=0, channels=0))
    with pytest.raises(EngineError, match="UNet of another shape"):
        walked(sd1, control(unknown))


def test_a_pickle_that_holds_code_is_refused(sd1, tmp_path):
    class Hostile:
        def __reduce__(self):
            return print, ("run",)

    torch.save({"control_model.input_hint_block.0.weight": Hostile()}, tmp_path / "a.pth")
    file = replace(file_of_kind(tmp_path / "a.pth"), problem=None)
    with pytest.raises(EngineError, match="can't be loaded"):
        walked(sd1, control(file))


def file_of_kind(path):
    file = file_of(path)
    return replace(file, kind="controlnet", identity=replace(file.identity, kind="controlnet", family="sd1"))


def test_units_of_another_kind_are_left_to_others(sd1, nets, plain):
    file = replace(nets["sd1"][0], kind="ip-adapter")
    observer = Recorder()
    assert torch.equal(walked(sd1, control(file), observer=observer), plain)
    assert not observer.notices
