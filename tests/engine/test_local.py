"""The engine in this process: it survives what goes wrong, and stays ready."""

import logging
import sys
import weakref

import pytest
import torch

from tests.conftest import PROMPT, Recorder, copy_of
from webui.catalog.checkpoints import Catalog, Checkpoint
from webui.config import Config
from webui.engine import local
from webui.engine.local import LocalEngine
from webui.engine.model import load
from webui.engine.protocol import EngineError, Order
from webui.params import GenerationParams

SMALL = GenerationParams(prompt=PROMPT, width=64, height=64, steps=2, cfg_scale=4)


@pytest.fixture(scope="module")
def expected(draw):
    return draw(width=64, height=64, steps=2).pictures[0].image.tobytes()


@pytest.fixture
def draws_as_before(draw, expected):
    return lambda: draw(width=64, height=64, steps=2).pictures[0].image.tobytes() == expected


@pytest.fixture
def failing(engine, expected):
    """Makes the UNet fail at its next run."""
    hooks = []

    def failing(error):
        def fail(*_):
            raise error

        hooks.append(engine._studio.model.unet.register_forward_pre_hook(fail))

    yield failing
    for hook in hooks:
        hook.remove()


def test_is_warm_after_warming_up(config, catalog, demo, monkeypatch):
    engine, said = LocalEngine(config, catalog), []
    engine.warm_up(demo, said.append)
    assert said == ["loading darkroom-demo", "warming up darkroom-demo"]
    monkeypatch.setattr(local, "load", None)  # it need not be loaded again
    recorder = Recorder()
    engine.draw(Order(SMALL, demo, 7), recorder)
    assert len(recorder.pictures) == 1


def test_without_a_checkpoint_there_is_nothing_to_warm(config, catalog):
    LocalEngine(config, catalog).warm_up(None, pytest.fail)


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


def test_draws_again_after_running_out_of_memory(draws_as_before):
    assert draws_as_before()


@pytest.mark.skipif(torch.cuda.is_available(), reason="the sizes are for the CPU's allocator")
def test_too_little_memory_as_torch_really_says_it(draw, engine, expected, draws_as_before):
    hook = engine._studio.model.unet.register_forward_pre_hook(lambda *_: torch.empty(2**60))
    with pytest.raises(EngineError, match="There isn't enough memory for 128x128 in batches of 1"):
        draw()
    hook.remove()
    assert draws_as_before()


def test_a_mistake_of_ours_is_not_called_a_lack_of_memory(draw, failing):
    failing(RuntimeError("mat1 and mat2 shapes cannot be multiplied"))
    with pytest.raises(RuntimeError, match="mat1 and mat2"):
        draw()


def test_draws_where_nothing_can_be_kept(catalog, demo, tmp_path, expected):
    """The data folder's cache can't be made: a file is in its place."""
    config = Config(data_dir=tmp_path, use_cpu=True)
    config.cache_dir.write_text("")
    recorder = Recorder(watched=True)
    LocalEngine(config, catalog).draw(Order(SMALL, demo, 7), recorder)
    assert recorder.pictures[0].image.tobytes() == expected
    assert recorder.previews


def test_the_fitted_preview_is_kept_in_the_cache(config, engine):
    (file,) = (config.cache_dir / "previews").iterdir()
    assert file.suffix == ".safetensors"
    assert file.stat().st_size > 10_000


def test_xformers_where_it_does_not_work_is_no_reason_to_stop(
    catalog, demo, tmp_path, expected, caplog, monkeypatch
):
    monkeypatch.setitem(sys.modules, "xformers.ops", None)
    config = Config(data_dir=tmp_path, use_cpu=True, xformers=True)
    recorder = Recorder()
    with caplog.at_level(logging.WARNING):
        LocalEngine(config, catalog).draw(Order(SMALL, demo, 7), recorder)
    assert recorder.pictures[0].image.tobytes() == expected
    assert "xformers does not work here" in caplog.text


def test_a_gpu_that_is_not_there_is_said_at_the_start(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    with pytest.raises(EngineError, match="torch sees none"):
        LocalEngine(Config(device_id=3), Catalog([]))


def test_two_checkpoints_are_never_held_at_once(engine, draw, demo, tmp_path, draws_as_before, monkeypatch):
    assert draws_as_before()
    old = weakref.ref(engine._studio.model.unet)

    def loading(*arguments):
        assert old() is None
        return load(*arguments)

    monkeypatch.setattr(local, "load", loading)
    draw(checkpoint=copy_of(demo, tmp_path / "other"), width=64, height=64, steps=1)
    monkeypatch.undo()
    assert draws_as_before()


def test_a_checkpoint_that_went_away(draw, tmp_path, draws_as_before):
    with pytest.raises(EngineError, match=r"^The checkpoint .gone. can't be loaded: "):
        draw(checkpoint=Checkpoint("gone", tmp_path / "gone"))
    assert draws_as_before()
