"""A second checkpoint that finishes the picture."""

import pytest
import torch
from safetensors.torch import load_file, save_file

from tests.conftest import PROMPT, Recorder, copy_of
from tests.tiny.files import write_sdxl, write_sdxl_refiner
from webui.catalog.catalog import Catalog
from webui.engine.protocol import EngineError, Order
from webui.params import GenerationParams

PARAMS = GenerationParams(prompt=PROMPT, width=128, height=128, steps=8, cfg_scale=4.0)


@pytest.fixture(scope="module")
def other(demo, tmp_path_factory):
    """The demo model with weights that are a little off."""
    checkpoint = copy_of(demo, tmp_path_factory.mktemp("models") / "other")
    file = next((checkpoint.path / "unet").glob("*.safetensors"))
    weights = load_file(file)
    weights["conv_out.bias"] += torch.tensor([0.4, -0.4, 0.4, -0.4], dtype=weights["conv_out.bias"].dtype)
    save_file(weights, file)
    return checkpoint


@pytest.fixture
def drawn(engine, demo):
    def drawn(refiner=None, checkpoint=demo, observer=None, **fields):
        recorder = observer or Recorder()
        engine.draw(Order(PARAMS.changed(**fields), checkpoint, 7, refiner=refiner), recorder)
        return recorder

    return drawn


@pytest.mark.parametrize("sampler", ["DPM++ 2M", "Euler a", "UniPC", "DPM++ 2M SDE", "Heun"])
def test_a_model_that_refines_itself_changes_nothing(drawn, demo, sampler):
    alone = drawn(sampler_name=sampler)
    refined = drawn(demo, sampler_name=sampler, refiner_switch_at=0.5)
    assert refined.pictures[0].image.tobytes() == alone.pictures[0].image.tobytes()
    assert "loading the refiner" in refined.phases
    assert list(dict.fromkeys(refined.steps)) == alone.steps


def test_the_refiner_finishes_what_the_checkpoint_began(drawn, demo, other, count_rows, engine):
    order = Order(PARAMS, other, 7)
    with engine._manager.open(order, engine._forms.plan(order)) as studio:
        rows = count_rows(studio.model.unet)
    first, second = drawn().images[0], drawn(checkpoint=other).images[0]
    assert len(rows) == 8
    both = drawn(other, refiner_switch_at=0.5, scheduler="Uniform").images[0]
    assert len(rows) == 8 + 4
    assert abs(both - first).mean() > 1
    assert abs(both - second).mean() > 1


def test_a_refiner_that_takes_over_never_is_not_loaded(drawn, other):
    recorder = drawn(other, refiner_switch_at=1.0)
    assert "loading the refiner" not in recorder.phases
    assert recorder.pictures[0].image.tobytes() == drawn().pictures[0].image.tobytes()


def test_the_text_tells_the_refiner(drawn, demo, other, catalog):
    text = drawn(other, refiner_checkpoint="other", refiner_switch_at=0.5).pictures[0].infotext
    assert f"Model: {demo.stem}, " in text
    assert "Refiner: other [" in text
    assert "Refiner switch at: 0.5" in text


def test_interrupting_and_skipping_work_in_both_halves(drawn, demo):
    for step in (2, 7):
        recorder = drawn(demo, observer=Recorder(interrupt_at=(1, step)), refiner_switch_at=0.5, n_iter=2)
        assert not recorder.pictures
        assert recorder.steps[-1] == (1, step, 8)
    recorder = drawn(demo, observer=Recorder(skip_at=(1, 7)), refiner_switch_at=0.5, n_iter=2)
    assert [picture.seed for picture in recorder.pictures] == [8]


def test_sdxl_and_its_refiner(drawn, tmp_path, count_rows):
    write_sdxl(tmp_path / "base.safetensors")
    write_sdxl_refiner(tmp_path / "finisher.safetensors")
    catalog = Catalog.over([tmp_path])
    base, finisher = catalog.find("base"), catalog.find("finisher")
    alone = drawn(checkpoint=base, sampler_name="Euler")
    refined = drawn(finisher, base, sampler_name="Euler", refiner_switch_at=0.5)
    assert list(dict.fromkeys(refined.steps)) == alone.steps
    assert abs(refined.images[0] - alone.images[0]).max() > 0


def test_a_refiner_of_another_family_is_refused(drawn, tmp_path):
    write_sdxl(tmp_path / "large.safetensors")
    foreign = Catalog.over([tmp_path]).find("large")
    with pytest.raises(EngineError, match=r'"large.*" can\'t refine pictures of "darkroom-demo"'):
        drawn(foreign, refiner_switch_at=0.5)
