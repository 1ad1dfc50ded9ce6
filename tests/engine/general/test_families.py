"""What holds for every family, each from a folder in diffusers' format."""

import io

import pytest
import torch
from PIL import Image

from tests.engine.general import tiny
from tests.engine.general.conftest import IDENTITY, Recorder
from webui import infotext
from webui.catalog.diffusers_folder import describe_folder
from webui.engine import previews
from webui.engine.general.call import prepare
from webui.engine.general.latents import encoded, normalized, unpacked
from webui.engine.general.watch import fresh, listen

EULER = dict.fromkeys(tiny.FAMILIES, "Euler")
SAMPLERS = {**EULER, "pixart": "DPM++ 2M", "sana": "DPM++ 2M", "hunyuan-dit": "DDPM"}


@pytest.fixture(params=tiny.FAMILIES)
def model(models, request):
    return models(request.param)


def test_the_catalog_takes_its_folder_for_usable(model):
    found = describe_folder(model.file.path, model.file.name).identity
    assert (found.kind, found.problem) == ("checkpoint", None)


def test_draws_a_picture_and_tells_how_far_it_is(model):
    recorder = model.draw()
    (picture,) = recorder.pictures
    assert (picture.image.mode, picture.image.size) == ("RGB", (64, 64))
    assert recorder.phases == ["reading the prompt", "sampling", "decoding"]
    assert recorder.steps == [(1, 0, 2), (1, 1, 2), (1, 2, 2)]
    assert recorder.notices == []


def test_the_same_seed_gives_the_same_bytes_and_another_others(model):
    assert model.draw().bytes == model.draw().bytes
    assert model.draw(seed=8).bytes != model.draw().bytes


def test_every_picture_of_a_batch_is_its_single_run(model):
    batch = model.draw(seed=6, batch_size=2)
    assert [picture.seed for picture in batch.pictures] == [6, 7]
    assert abs(batch.images[1] - model.draw(seed=7).images[0]).max() <= 2
    assert abs(batch.images[0] - batch.images[1]).max() > 2


def test_a_later_batch_is_its_single_run_to_the_byte(model):
    assert model.draw(seed=6, n_iter=2).bytes[1] == model.draw(seed=7).bytes[0]


def test_an_interrupt_stops_after_the_step_and_leaves_no_trace(model):
    recorder = model.draw(Recorder(interrupt_at=(1, 1)), n_iter=2, seed=20)
    assert not recorder.pictures
    assert recorder.steps[-1] == (1, 1, 2)
    assert "decoding" not in recorder.phases
    assert model.draw().bytes == model.draw().bytes


def test_the_infotext_names_the_models_own_sampler(model):
    order = model.order()
    told = order.params.changed(sampler_name=SAMPLERS[model.file.name])
    (picture,) = model.draw().pictures
    assert picture.infotext == infotext.write(told.changed(seed=7), IDENTITY)


def test_previews_come_and_change_nothing(model, monkeypatch):
    monkeypatch.setattr(previews.PreviewBudget, "allows", lambda _: True)
    watched = model.draw(Recorder(watched=True), batch_size=2)
    assert len(watched.previews) == 2
    for files in watched.previews:
        assert [Image.open(io.BytesIO(file)).size for file in files] == [(64, 64)] * 2
    assert watched.bytes == model.draw(batch_size=2).bytes


class Predictions:
    """Keeps the last clean latents that were predicted."""

    def begun(self, steps):
        self.steps = steps

    def stepped(self, step, predicted):
        self.last = predicted()


@torch.no_grad()
@pytest.mark.parametrize("size", [(64, 64), (96, 64)])
def test_previews_show_what_will_be_decoded(model, monkeypatch, size):
    """What the last step predicts, unpacked, is what the VAE gets, scaled back; so it is the right thing."""
    pipeline, heard, decoded = model.pipeline, Predictions(), []
    decode = pipeline.vae.decode
    monkeypatch.setattr(pipeline.vae, "decode", lambda z, **rest: decoded.append(z) or decode(z, **rest))
    monkeypatch.setattr(pipeline, "scheduler", fresh(pipeline.scheduler))
    listen(pipeline.scheduler, heard)
    call = prepare(pipeline, model.order(width=size[0], height=size[1], steps=3).params)
    pipeline(**call.arguments, generator=torch.Generator().manual_seed(0))
    (raw,) = decoded
    wanted = normalized(pipeline.vae, raw.squeeze(2) if raw.ndim == 5 else raw)
    shown = unpacked(pipeline, heard.last, *size)
    assert shown.shape == wanted.shape
    # DDPM's last step isn't quite at zero noise.
    torch.testing.assert_close(
        shown, wanted, atol=0.05 if model.file.name == "hunyuan-dit" else 1e-4, rtol=1e-3
    )


@torch.no_grad()
def test_the_preview_decoder_was_fitted_to_latents_of_that_shape(model):
    rows = encoded(model.pipeline.vae, torch.zeros(1, 3, 64, 64))
    assert model.decoder.weight.shape[1] == rows.shape[1]
    assert model.decoder(rows).shape == (1, 64, 64, 3)


def test_warming_up_leaves_no_trace(model):
    before = model.draw().bytes
    model.studio.run_once()
    assert model.draw().bytes == before


def test_networks_are_taken_as_they_are(model):
    for name, module in model.modules.items():
        assert getattr(model.pipeline, name) is module
        assert not module.training
