"""The engine in this process: it survives what goes wrong, and stays ready."""

import logging
import sys
import time
import weakref

import pytest
import torch
from diffusers.models.unets.unet_2d_condition import UNet2DConditionModel
from PIL import Image
from torch.nn.modules.module import register_module_forward_pre_hook

from tests import tiny
from tests.conftest import PROMPT, Recorder, copy_of
from tests.engine.upscaling.weights import compact, write
from webui.catalog.catalog import Catalog
from webui.catalog.entry import Identity, ModelFile
from webui.config import Config
from webui.engine import parts
from webui.engine.local import LocalEngine
from webui.engine.protocol import EngineError, Order, Repair
from webui.params import GenerationParams
from webui.params.extras import ExtrasParams
from webui.settings import SettingsStore

SMALL = GenerationParams(prompt=PROMPT, width=64, height=64, steps=2, cfg_scale=4)


@pytest.fixture(scope="module")
def expected(draw):
    return draw(width=64, height=64, steps=2).pictures[0].image.tobytes()


@pytest.fixture
def draws_as_before(draw, expected):
    return lambda: draw(width=64, height=64, steps=2).pictures[0].image.tobytes() == expected


@pytest.fixture(autouse=True)
def _nothing_remembered(engine):
    """What one test ran out of memory for is not to make the next thrifty."""
    engine._sufficed = {}


@pytest.fixture
def before_unets():
    """Has a function called before each run of any UNet."""
    hooks = []

    def before_unets(act):
        def hook(module, _):
            if isinstance(module, UNet2DConditionModel):
                act()

        hooks.append(register_module_forward_pre_hook(hook))

    yield before_unets
    for hook in hooks:
        hook.remove()


@pytest.fixture
def failing(before_unets, expected):
    """Makes UNets fail at their next runs, `times` of them."""

    def failing(error, times=1000):
        left = iter(range(times))

        def fail():
            if next(left, None) is not None:
                raise error

        before_unets(fail)

    return failing


@pytest.fixture
def another(config, settings, catalog):
    """An engine beside the shared one."""
    return LocalEngine(config, settings, catalog)


def unet_of(engine, demo):
    order = Order(SMALL, demo, 7)
    with engine._manager.open(order, engine._forms.plan(order)) as studio:
        return studio.model.unet


def test_is_warm_after_warming_up(another, demo):
    said, recorder = [], Recorder()
    another.warm_up(demo, said.append)
    assert said == ["loading darkroom-demo", "warming up darkroom-demo"]
    warm = unet_of(another, demo)
    another.draw(Order(SMALL, demo, 7), recorder)
    assert len(recorder.pictures) == 1
    assert unet_of(another, demo) is warm


def test_without_a_checkpoint_there_is_nothing_to_warm(another):
    another.warm_up(None, pytest.fail)


def test_a_bad_checkpoint_is_named_and_a_good_one_still_draws(draw, demo, tmp_path, draws_as_before):
    damaged = copy_of(demo, tmp_path / "damaged")
    weights = damaged.path / "vae" / "diffusion_pytorch_model.safetensors"
    weights.write_bytes(weights.read_bytes()[:100_000])
    with pytest.raises(EngineError, match=r"^The checkpoint .damaged. can't be loaded: "):
        draw(checkpoint=damaged)
    assert draws_as_before()


def test_checkpoints_change_places(draw, demo, tmp_path, draws_as_before):
    other = copy_of(demo, tmp_path / "other")
    assert "Model: other," in draw(checkpoint=other, width=64, height=64, steps=1).pictures[0].infotext
    assert draws_as_before()


@pytest.mark.parametrize(
    ("kind", "text"),
    [
        (torch.OutOfMemoryError, "CUDA out of memory. Tried to allocate 20.00 GiB."),
        (MemoryError, ""),
        (
            RuntimeError,
            "[enforce fail at alloc_cpu.cpp] DefaultCPUAllocator: can't allocate memory: you tried",
        ),
        (RuntimeError, "[enforce fail at alloc_cpu.cpp] DefaultCPUAllocator: not enough memory: you tried"),
    ],
    ids=["gpu", "python", "cpu", "cpu on Windows"],
)
def test_too_little_memory_says_the_way_out(draw, failing, kind, text):
    failing(kind(text))
    with pytest.raises(EngineError) as caught:
        draw(width=128, height=64, batch_size=2)
    assert str(caught.value) == (
        "There isn't enough memory for 128x64 in batches of 2. Lower the width, the height or the batch size."
    )


def test_what_did_not_fit_once_is_tried_more_thriftily_and_said(draw, failing, expected):
    failing(MemoryError(), times=1)
    recorder = draw(width=64, height=64, steps=2)
    assert recorder.pictures[0].image.tobytes() == expected
    assert recorder.notices == ["Memory ran out; drawn with the VAE in tiles instead."]


def test_the_next_job_like_one_that_did_not_fit_begins_thriftily(another, demo, before_unets):
    runs = []

    def fail_once():
        runs.append(1)
        if len(runs) == 1:
            raise MemoryError

    before_unets(fail_once)
    for _ in range(2):
        recorder = Recorder()
        another.draw(Order(SMALL, demo, 7), recorder)
        assert recorder.notices == ["Memory ran out; drawn with the VAE in tiles instead."]
    assert len(runs) == 1 + SMALL.steps + SMALL.steps


def test_memory_that_runs_out_while_loading_is_freed_and_tried_again(another, demo, monkeypatch):
    fails = iter([True])
    in_form = parts.in_form

    def run_out(*arguments):
        if next(fails, False):
            raise MemoryError
        return in_form(*arguments)

    monkeypatch.setattr(parts, "in_form", run_out)
    recorder = Recorder()
    another.draw(Order(SMALL, demo, 7), recorder)
    assert len(recorder.pictures) == 1
    assert recorder.notices


def test_what_was_finished_before_memory_ran_out_is_not_drawn_again(draw, before_unets, expected):
    runs = []

    def fail_in_the_third_batch():
        runs.append(1)
        if len(runs) == 6:
            raise MemoryError

    before_unets(fail_in_the_third_batch)
    recorder = draw(width=64, height=64, steps=2, n_iter=3, seed=5)
    assert [picture.seed for picture in recorder.pictures] == [5, 6, 7]
    assert recorder.pictures[2].image.tobytes() == expected
    assert len(runs) == 2 + 2 + 2 + 2  # the third batch twice, once not to its end


def test_draws_again_after_running_out_of_memory(draws_as_before):
    assert draws_as_before()


@pytest.mark.skipif(torch.cuda.is_available(), reason="the sizes are for the CPU's allocator")
def test_too_little_memory_as_torch_really_says_it(draw, before_unets, draws_as_before):
    once = [2**60]
    before_unets(lambda: torch.empty(once[0]))
    with pytest.raises(EngineError, match="There isn't enough memory for 128x128 in batches of 1"):
        draw()
    once[0] = 1
    assert draws_as_before()


def test_a_mistake_of_ours_is_not_called_a_lack_of_memory(draw, failing):
    failing(RuntimeError("mat1 and mat2 shapes cannot be multiplied"))
    with pytest.raises(RuntimeError, match="mat1 and mat2"):
        draw()


def test_draws_where_nothing_can_be_kept(settings, catalog, demo, tmp_path, expected):
    """The data folder's cache can't be made: a file is in its place."""
    config = Config(data_dir=tmp_path, use_cpu=True)
    config.cache_dir.write_text("")
    recorder = Recorder(watched=True)
    LocalEngine(config, settings, catalog).draw(Order(SMALL, demo, 7), recorder)
    assert recorder.pictures[0].image.tobytes() == expected
    assert recorder.previews


def test_the_fitted_preview_is_kept_in_the_cache(config, engine):
    (file,) = (config.cache_dir / "previews").iterdir()
    assert file.suffix == ".safetensors"
    assert file.stat().st_size > 10_000


def test_xformers_where_it_does_not_work_is_no_reason_to_stop(
    settings, catalog, demo, tmp_path, expected, caplog, monkeypatch
):
    monkeypatch.setitem(sys.modules, "xformers.ops", None)
    config = Config(data_dir=tmp_path, use_cpu=True, xformers=True)
    recorder = Recorder()
    with caplog.at_level(logging.WARNING):
        LocalEngine(config, settings, catalog).draw(Order(SMALL, demo, 7), recorder)
    assert recorder.pictures[0].image.tobytes() == expected
    assert "xformers does not work here" in caplog.text


def test_a_gpu_that_is_not_there_is_said_at_the_start(tmp_path, settings, monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    with pytest.raises(EngineError, match="torch sees none"):
        LocalEngine(Config(device_id=3, data_dir=tmp_path), settings, Catalog.over([]))


def test_a_checkpoint_that_went_away(draw, tmp_path, draws_as_before):
    gone = ModelFile("gone", tmp_path / "gone", identity=Identity("checkpoint", "sd1"), folder=True)
    with pytest.raises(EngineError, match=r"^The checkpoint .gone. can't be loaded: "):
        draw(checkpoint=gone)
    assert draws_as_before()


# What is loaded


def test_what_is_loaded_is_told(another, demo):
    another.warm_up(demo, lambda _: None)
    report = another.memory()
    assert {(part.model, part.part) for part in report.residents} == {
        (demo.name, part) for part in ("unet", "vae", "text_encoder")
    }
    assert not any(part.in_use for part in report.residents)
    assert sum(part.size for part in report.residents) > 30_000_000
    assert (report.device, report.precision, report.vram_total) == ("CPU", "fp32", 0)
    assert 0 < report.ram_budget < report.ram_total
    another.unload(demo.name)
    assert not another.memory().residents
    another.draw(Order(SMALL, demo, 7), Recorder())
    assert len(another.memory().residents) == 3


def test_checkpoints_stay_loaded_while_there_is_room(another, demo, tmp_path):
    other = copy_of(demo, tmp_path / "other")
    first = unet_of(another, demo)
    assert unet_of(another, other) is not first
    assert unet_of(another, demo) is first


def test_beyond_the_budget_the_last_checkpoint_makes_room(config, catalog, demo, tmp_path):
    settings = SettingsStore(tmp_path / "settings.json")
    settings.update({"precision": "fp32", "ram_budget": 0.04})
    engine = LocalEngine(config, settings, catalog)
    first = weakref.ref(unet_of(engine, demo))
    unet_of(engine, copy_of(demo, tmp_path / "other"))
    assert first() is None
    assert {part.model for part in engine.memory().residents} == {"other"}


def test_the_next_checkpoint_is_read_ahead(another, demo, tmp_path):
    another.preload(Order(SMALL, demo, 7))
    another._manager._ahead.join(10)
    assert len(another.memory().residents) == 3
    # One that can't be read is left to the job that wants it.
    damaged = copy_of(demo, tmp_path / "damaged")
    (damaged.path / "unet" / "config.json").unlink()
    another.preload(Order(SMALL, damaged, 7))
    another._manager._ahead.join(10)
    assert another.memory().residents


def test_nothing_is_read_ahead_where_it_is_switched_off(config, catalog, demo, tmp_path):
    settings = SettingsStore(tmp_path / "settings.json")
    settings.update({"preload": False})
    engine = LocalEngine(config, settings, catalog)
    engine.preload(Order(SMALL, demo, 7))
    assert engine._manager._ahead is None


def test_settings_hold_from_the_next_picture_on(config, catalog, demo, tmp_path, expected):
    settings = SettingsStore(tmp_path / "settings.json")
    engine = LocalEngine(config, settings, catalog)
    settings.update({"precision": "bf16"})
    half, full = Recorder(), Recorder()
    engine.draw(Order(SMALL, demo, 7), half)
    assert engine.memory().precision == "bf16"
    settings.update({"precision": "fp32", "channels_last": "Off"})
    engine.draw(Order(SMALL, demo, 7), full)
    assert full.pictures[0].image.tobytes() == expected
    assert 0 < abs(half.images[0] - full.images[0]).mean() < 6


def test_idle_models_are_let_go(config, catalog, demo, tmp_path, monkeypatch):
    settings = SettingsStore(tmp_path / "settings.json")
    engine = LocalEngine(config, settings, catalog)
    settings.update({"idle_unload": 1})
    monkeypatch.setattr(engine._idle, "_seconds", lambda: 0.05)
    engine.draw(Order(SMALL, demo, 7), Recorder())
    deadline = time.monotonic() + 5
    while engine.memory().residents and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not engine.memory().residents


def test_a_file_that_was_replaced_is_told_by_its_own_hash(config, settings, tmp_path):
    """Before the catalog has looked again, and after."""
    folder, other = tmp_path / "models", tmp_path / "other.safetensors"
    tiny.write_sd1(folder / "x.safetensors", seed=1)
    tiny.write_sd1(other, seed=2)
    catalog = Catalog.over([folder])
    engine = LocalEngine(config, settings, catalog)

    def told():
        recorder = Recorder()
        engine.draw(Order(SMALL, catalog.find("x"), 7), recorder)
        return recorder.pictures[0].infotext

    first = catalog.short_hash(catalog.find("x"))
    assert f"Model hash: {first}," in told()
    other.replace(folder / "x.safetensors")
    second = told()
    assert first not in second
    catalog.refresh()
    assert f"Model hash: {catalog.short_hash(catalog.find('x'))}," in second
    assert told() == second


def test_fp8_weights_stand_in_the_infotext(config, catalog, demo, tmp_path):
    settings = SettingsStore(tmp_path / "settings.json")
    settings.update({"fp8_storage": "On"})
    recorder = Recorder()
    LocalEngine(config, settings, catalog).draw(Order(SMALL, demo, 7), recorder)
    assert "FP8 weight: Enable, " in recorder.pictures[0].infotext


def test_a_lower_budget_holds_from_the_next_picture_on(config, catalog, demo, tmp_path):
    settings = SettingsStore(tmp_path / "settings.json")
    engine = LocalEngine(config, settings, catalog)
    other = copy_of(demo, tmp_path / "other")
    unet_of(engine, demo), unet_of(engine, other)
    settings.update({"ram_budget": 0})
    unet_of(engine, demo)
    assert {part.model for part in engine.memory().residents} == {demo.name}


@pytest.fixture
def four(tmp_path):
    return write(tmp_path / "4x_small.pth", compact())


def repair(four, **fields):
    asked = ExtrasParams(**{"upscaler_1": "4x_small", "upscaling_resize": 2.0, **fields})
    return Repair(Image.new("RGB", (40, 30), "red"), asked, {"4x_small": four})


def test_a_picture_is_repaired_and_the_network_counts_as_loaded_until_it_is_let_go(another, four):
    recorder = Recorder()
    another.repair(repair(four), recorder)
    assert recorder.pictures[0].image.size == (80, 60)
    assert recorder.phases == ["enlarging"]
    [resident] = another.memory().residents
    assert (resident.model, resident.part) == ("4x_small.pth", "upscaler")
    another.unload("another")
    assert another.memory().residents
    another.unload("4x_small.pth")
    assert another.memory().residents == ()


def test_a_repair_can_be_interrupted(another, four):
    recorder = Recorder(interrupt_at=(1, 0))
    another.repair(repair(four), recorder)
    assert recorder.pictures == []


def test_a_repair_for_which_memory_does_not_suffice_says_the_way_out(another, four, monkeypatch):
    def fail(*_):
        raise MemoryError

    monkeypatch.setattr(Image.Image, "resize", fail)
    with pytest.raises(EngineError, match="isn't enough memory for this"):
        another.repair(repair(four, upscaler_1="Lanczos"), Recorder())


def test_upscalers_are_let_go_where_memory_runs_out_while_drawing(another, demo, four, failing):
    another.repair(repair(four), Recorder())
    failing(MemoryError(), times=1)
    another.draw(Order(SMALL, demo, 7), Recorder())
    assert "upscaler" not in {resident.part for resident in another.memory().residents}


def test_too_little_memory_speaks_of_the_size_of_the_second_pass(draw, failing):
    failing(MemoryError())
    with pytest.raises(EngineError, match=r"^There isn't enough memory for 128x128 in batches of 1\."):
        draw(width=64, height=64, steps=2, enable_hr=True, hr_scale=2)


def test_hires_fix_enlarges_with_the_orders_upscaler(another, demo, four):
    fields = {"enable_hr": True, "hr_scale": 2, "denoising_strength": 0.0, "hr_upscaler": "4x_small"}
    params = SMALL.changed(**fields)
    made, plain = Recorder(), Recorder()
    another.draw(Order(params, demo, 7, upscalers={"4x_small": four}), made)
    another.draw(Order(params.changed(hr_upscaler="Lanczos"), demo, 7), plain)
    assert made.pictures[0].image.size == plain.pictures[0].image.size == (128, 128)
    assert made.pictures[0].image != plain.pictures[0].image
