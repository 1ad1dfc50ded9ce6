"""Units in the engine: through its passes, its memory, and beside whatever else changes a UNet."""

from dataclasses import replace

import pytest
import torch
from PIL import Image

from tests import tiny
from tests.conftest import Recorder
from tests.engine.control.walks import SIDE, control, file_of, params_of, picture
from tests.loading import load
from tests.tiny import controls
from webui.catalog.catalog import Catalog
from webui.engine.batch import Batch
from webui.engine.detailing import order_of
from webui.engine.protocol import EngineError, Inputs, Order
from webui.params.scripts import SDUpscale


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    """A checkpoint, another one, a ControlNet and a Control-LoRA for it, and one for neither."""
    folder = tmp_path_factory.mktemp("files")
    tiny.write_sd1(folder / "one.safetensors")
    tiny.write_sd1(folder / "other.safetensors", seed=1)
    tiny.write_sd2(folder / "sd2.safetensors")
    catalog = Catalog.over([folder])
    found = {name: catalog.find(name) for name in ("one", "other", "sd2")}
    networks = tmp_path_factory.mktemp("networks")
    unet = load(found["one"]).unet
    controls.write_controlnet(networks / "net.pth", controls.make_controlnet(unet))
    controls.write_diffusers(networks / "half.safetensors", controls.make_controlnet(unet), torch.float16)
    controls.write_control_lora(networks / "lora.safetensors", unet)
    found |= {name.name.partition(".")[0]: file_of(name) for name in networks.iterdir()}
    return found


@pytest.fixture
def drawn(engine, files):
    """Draws with the tiny checkpoint; gives the Recorder."""

    def drawn(*units, checkpoint="one", inputs=None, refiner=None, **fields):
        observer = Recorder()
        order = Order(params_of(**fields), files[checkpoint], 7, controls=units)
        order = replace(order, inputs=inputs or order.inputs, refiner=refiner)
        engine.draw(order, observer)
        return observer

    return drawn


def same(one, other):
    pairs = zip(one.images, other.images, strict=True)
    return all((mine == theirs).all() for mine, theirs in pairs)


def test_a_unit_steers_and_is_forgotten(drawn, files):
    free = drawn()
    assert not same(drawn(control(files["net"])), free)
    assert same(drawn(), free)
    assert same(drawn(control(files["net"], weight=0)), free)


def test_batches_and_jobs_share_a_loaded_network(drawn, files, engine):
    engine.unload()
    drawn(control(files["net"]), n_iter=2)
    drawn(control(files["net"]), control(files["net"], picture(3), weight=0.5))
    resident = [each for each in engine.memory().residents if each.part == "controlnet"]
    assert [each.model for each in resident] == ["net.pth"]
    assert resident[0].size > 100_000
    assert not resident[0].in_use
    engine.unload("net.pth")
    assert not [each for each in engine.memory().residents if each.model == "net.pth"]


def test_a_control_lora_is_made_for_each_checkpoint(drawn, files):
    unit = control(files["lora"])
    one, other = drawn(unit), drawn(unit, checkpoint="other")
    assert not same(one, drawn())
    assert not same(other, drawn(checkpoint="other"))
    assert same(drawn(unit), one)


def test_sixteen_bits_in_the_file_are_computed_as_the_checkpoint_is(drawn, files, engine):
    engine.unload()
    drawn(control(files["half"]))
    (resident,) = [each for each in engine.memory().residents if each.part == "controlnet"]
    assert resident.size > 1.9 * files["half"].size


def test_what_an_order_needs_is_loaded_ahead(engine, files):
    engine.unload()
    engine.load(Order(params_of(), files["one"], 7, controls=(control(files["net"]),)))
    assert "controlnet" in {each.part for each in engine.memory().residents}


def test_a_misfit_is_told(drawn, files):
    with pytest.raises(EngineError, match=r'"net.pth" is for SD 1.x, and "sd2.safetensors" is SD 2.x'):
        drawn(control(files["net"]), checkpoint="sd2")


HIRES = {"enable_hr": True, "hr_scale": 2.0, "hr_upscaler": "Latent", "denoising_strength": 0.7}


@pytest.mark.parametrize(
    ("option", "steered"),
    [("Both", (True, True)), ("Low res only", (True, False)), ("High res only", (False, True))],
)
def test_the_passes_of_hires_fix(drawn, files, engine, studio, option, steered):
    heard = []
    order = Order(params_of(**HIRES), files["one"], 7, controls=(control(files["net"], hr_option=option),))
    with engine._manager.open(order, engine._forms.plan(order)) as studio:
        unet = studio.model.unet
    hook = unet.register_forward_pre_hook(
        lambda _, inputs, named: heard.append(
            (inputs[0].shape[-1], "mid_block_additional_residual" in named)
        ),
        with_kwargs=True,
    )
    engine.draw(order, Recorder())
    hook.remove()
    assert set(heard) == {(SIDE // 8, steered[0]), (SIDE // 4, steered[1])}


def test_high_res_only_counts_where_there_is_one_pass(drawn, files):
    assert not same(drawn(control(files["net"], hr_option="High res only")), drawn())


def test_a_refiner_of_another_family_goes_on_alone(drawn, files):
    units = (control(files["net"]), control(module="reference_only"))
    observer = drawn(*units, refiner=files["sd2"], refiner_checkpoint="sd2", refiner_switch_at=0.5, n_iter=2)
    assert len(observer.pictures) == 2
    told = [notice for notice in observer.notices if "left out where another model draws" in notice]
    assert len(told) == 1
    assert "is for SD 1.x" in told[0]


def test_sd_upscale_shows_each_tile_its_part(drawn, files, engine):
    """Tiles see different parts, so that what steers them differs."""
    init = picture(2, SIDE, SIDE)
    script = SDUpscale(upscaler="None", overlap=0, scale_factor=1)
    asked = {
        "init_images": ("0" * 32,),
        "script": script,
        "width": 64,
        "height": 64,
        "denoising_strength": 0.9,
    }
    large = init.resize((128, 64))
    map_of = Image.new("RGB", (128, 64))
    map_of.paste((255, 255, 255), (64, 0, 128, 64))
    unit = control(files["net"], map_of)
    found = drawn(unit, inputs=Inputs(large), **asked).images[0]
    white = drawn(control(files["net"], Image.new("RGB", (128, 64), "white")), inputs=Inputs(large), **asked)
    black = drawn(control(files["net"], Image.new("RGB", (128, 64))), inputs=Inputs(large), **asked)
    assert (found[:, :64] == black.images[0][:, :64]).all()
    assert (found[:, 64:] == white.images[0][:, 64:]).all()
    assert (black.images[0] != white.images[0]).any()


def test_the_detailer_draws_without_units(files):
    order = Order(params_of(), files["one"], 7, controls=(control(files["net"]),))
    assert order_of(order, 0, 0).controls == ()
    assert Batch(order, 1, range(1)).order.controls


def test_the_step_cache_is_left_out(drawn, files):
    unit = control(files["net"])
    cached = drawn(unit, step_cache=3)
    assert same(cached, drawn(unit))
    assert any("step cache was left out" in notice for notice in cached.notices)
    assert not any("step cache" in notice for notice in drawn(step_cache=3).notices)


@pytest.mark.parametrize("unit", [{"file": "net"}, {"module": "reference_only"}])
def test_beside_what_else_changes_the_unet(drawn, files, unit):
    own = control(files[unit["file"]]) if "file" in unit else control(**unit)
    changed = {"token_merging_ratio": 0.5, "tiling": True, "freeu": True}
    both = drawn(own, **changed)
    assert not same(both, drawn(**changed))
    assert not same(both, drawn(own))
    assert same(drawn(), drawn())


def test_damaged_files_are_told(drawn, files, tmp_path):
    for content in (b"", b"<html>", (files["net"].path.read_bytes())[:5000]):
        file = tmp_path / "net.pth"
        file.write_bytes(content)
        with pytest.raises(EngineError, match=r'The ControlNet "net.pth" can.t be loaded'):
            drawn(control(replace(files["net"], path=file, modified=len(content))))
