import json
import math
from dataclasses import replace

import pytest
import torch
from PIL import Image
from safetensors import safe_open
from safetensors.torch import load_file

from tests import tiny
from tests.conftest import Recorder
from tests.training.conftest import CPU, Stopping, again
from webui.catalog.catalog import Catalog
from webui.catalog.folders import ModelFolder
from webui.catalog.index import ModelIndex
from webui.catalog.model_settings import ModelSettingsStore
from webui.config import BUILT_IN_CHECKPOINTS
from webui.engine.generation import ClassicStudio
from webui.engine.local import LocalEngine
from webui.engine.protocol import EngineError, Order
from webui.params.training import TrainParams
from webui.training import loop
from webui.training.captions import Captions
from webui.training.keeping import optimizer_of
from webui.training.latents import Latents, framed
from webui.training.loop import Loop, Material, pace
from webui.training.lora import Lora
from webui.training.networks import own_studio
from webui.training.runs import STATE, find_run
from webui.training.trainer import train


def state(training):
    return load_file(training.folder / STATE)


def header(file):
    with safe_open(file, framework="pt") as opened:
        return opened.metadata()


def same(one, other):
    return one.keys() == other.keys() and all(torch.equal(one[name], other[name]) for name in one)


@pytest.mark.parametrize(
    "fields",
    [
        {"flip": True, "lr_scheduler": "Cosine", "warmup": 1},
        {"train_text_encoder": True, "min_snr_gamma": 5},
        {"kind": "Textual inversion", "vectors": 2, "initial_text": "red"},
    ],
    ids=["lora", "lora with text encoder", "inversion"],
)
def test_a_run_that_stopped_goes_on_as_if_it_had_not(trained, fields):
    whole, _ = trained("heart", **fields)
    whole_state, whole_losses = state(whole), find_run(whole.folder).losses()
    whole_result = load_file(whole.result)
    broken, _ = trained("heart", Stopping(2), resume=False, **fields)
    assert find_run(broken.folder).card.step == 2
    assert not same(state(broken), whole_state)
    trained("heart", **fields)
    assert same(state(broken), whole_state)
    assert same(load_file(broken.result), whole_result)
    assert find_run(broken.folder).losses() == whole_losses
    assert [step for step, _ in whole_losses] == [1, 2, 3, 4]


def test_steps_and_phases_are_told(trained):
    _, observer = trained(steps=3, save_every=2)
    assert observer.steps == [(1, 0, 3), (1, 1, 3), (1, 2, 3), (1, 3, 3)]
    phases = ["loading the checkpoint", "encoding the pictures", "training", "saving", "training"]
    assert observer.phases[:5] == phases


def test_a_sample_that_is_due_comes_before_a_stop(trained):
    training, observer = trained(observer=Stopping(2), sample_every=2)
    assert len(observer.pictures) == 1
    assert find_run(training.folder).card.step == 2


def test_told_to_stop_while_pictures_are_encoded_it_keeps_nothing(trained, tmp_path):
    training, _ = trained(observer=Stopping(0))
    assert not training.result.exists()
    assert find_run(training.folder).card.step == 0


def test_what_it_learns_shows(trained):
    """A few steps on three pictures, again and again, are enough for the loss to fall."""
    training, _ = trained(steps=30, batch_size=3, learning_rate=3e-3, caption_dropout=0)
    losses = [loss for _, loss in find_run(training.folder).losses()]
    assert sum(losses[-8:]) < 0.8 * sum(losses[:8])


def test_a_sample_is_what_the_finished_lora_draws(trained, config, settings, demo, draw, tmp_path):
    prompt = "red heart <lora:dots:1>"
    training, observer = trained(
        steps=6, learning_rate=5e-3, sample_every=3, train_text_encoder=True, sample={"prompt": prompt}
    )
    assert len(observer.pictures) == 2
    assert prompt in observer.pictures[-1].infotext
    folders = [ModelFolder(BUILT_IN_CHECKPOINTS), ModelFolder(tmp_path, ("lora",))]
    engine = LocalEngine(config, settings, Catalog(folders, ModelIndex(), ModelSettingsStore()))
    drawn, plain = Recorder(), Recorder()
    engine.draw(training.order, drawn)
    params = training.order.params.changed(prompt="red heart", train=None)
    engine.draw(Order(params, demo, training.order.seed), plain)
    assert drawn.notices == []
    off = abs(drawn.images[0] - observer.images[-1]).mean()
    learned = abs(plain.images[0] - observer.images[-1]).mean()
    assert off < 1 < 4 * off + 1 < learned


def test_the_file_is_kohyas(trained, demo):
    training, _ = trained(
        trigger="dotty", rank=3, alpha=6, train_text_encoder=True, modules="Transformer blocks"
    )
    told, tensors = header(training.result), load_file(training.result)
    assert told["ss_network_module"] == "networks.lora"
    assert (told["ss_network_dim"], told["ss_network_alpha"]) == ("3", "6.0")
    assert told["ss_base_model_version"] == "sd_v1"
    assert told["ss_output_name"] == training.train.name
    assert told["modelspec.architecture"] == "stable-diffusion-v1/lora"
    assert told["modelspec.prediction_type"] == "v"
    assert json.loads(told["ss_tag_frequency"])["x"]["flat style"] == 3
    stem = "lora_unet_down_blocks_0_attentions_0_transformer_blocks_0_attn1_to_q"
    assert tensors[f"{stem}.lora_down.weight"].shape == (3, 128)
    assert tensors[f"{stem}.lora_up.weight"].shape == (128, 3)
    assert float(tensors[f"{stem}.alpha"]) == 6
    assert tensors["lora_te_text_model_encoder_layers_2_mlp_fc1.lora_up.weight"].shape == (768, 3)
    assert "lora_unet_mid_block_attentions_0_proj_in.lora_down.weight" in tensors
    assert not any("resnets" in name for name in tensors)
    assert json.loads(training.result.with_suffix(".json").read_text())["activation text"] == "dotty"
    found = Catalog.over([training.result.parent], "lora").files("lora")[0]
    assert (found.problem, found.identity.family) == (None, "sd1")


def test_modules_are_chosen(trained):
    attention, _ = trained("attention", steps=1, modules="Attention")
    whole, _ = trained("whole", steps=1, modules="Transformer blocks and convolutions")
    names = {name.rpartition(".lora_")[0] for name in load_file(attention.result) if "lora_up" in name}
    assert names
    assert all(name.endswith(("to_q", "to_k", "to_v", "to_out_0")) for name in names)
    convolution = load_file(whole.result)["lora_unet_down_blocks_0_resnets_0_conv1.lora_down.weight"]
    assert convolution.shape == (2, 128, 3, 3)


def test_an_embedding_is_a1111s(trained):
    training, observer = trained(
        "heartword", kind="Textual inversion", vectors=3, sample_every=2, sample={"prompt": "heartword"}
    )
    tensors = load_file(training.result)
    assert {name: tuple(tensor.shape) for name, tensor in tensors.items()} == {"emb_params": (3, 192)}
    # What is heard has changed between the samples.
    first, last = observer.images
    assert abs(first - last).max() > 0
    assert Catalog.over([training.result.parent], "embedding").files("embedding")[0].problem is None


def test_the_last_sample_is_its_picture_in_the_browser(trained):
    training, observer = trained(sample_every=4)
    preview = training.result.with_name("dots.preview.png")
    assert Image.open(preview).tobytes() == observer.pictures[-1].image.tobytes()


def test_networks_that_draw_are_left_as_they_are(trained, engine, demo, draw):
    before = draw().images[0]
    networks = {name: held.module for name, held in enumerate(engine._manager._cache._held.values())}
    weights = {name: [p.clone() for p in module.parameters()] for name, module in networks.items()}
    trained(steps=2, train_text_encoder=True)
    for name, module in networks.items():
        assert all(map(torch.equal, module.parameters(), weights[name]))
        assert not any("lora" in part for part, _ in module.named_modules())
    assert (draw().images[0] == before).all()


def test_the_rate_rises_and_falls():
    def rates(**fields):
        wanted = TrainParams(name="x", dataset="x", steps=8, **fields)
        return [pace(wanted, step) for step in range(8)]

    assert rates() == [1] * 8
    assert rates(warmup=3)[:5] == [0.25, 0.5, 0.75, 1, 1]
    cosine = rates(lr_scheduler="Cosine")
    assert cosine[0] == 1
    assert cosine[4] == pytest.approx(0.5)
    assert cosine == sorted(cosine, reverse=True)


def test_a_loss_that_is_no_number_is_told(trained):
    with pytest.raises(EngineError, match="Lower the learning rate"):
        trained(learning_rate=1.0, steps=60, rank=8, alpha=320)


def test_where_memory_runs_out_the_steps_that_are_done_are_kept(trained, monkeypatch):
    taken = loop.Loop.step

    def step(self, number):
        if number == 2:
            raise torch.OutOfMemoryError("CUDA out of memory")
        return taken(self, number)

    monkeypatch.setattr(loop.Loop, "step", step)
    with pytest.raises(EngineError, match="Lower the training batch size or the resolution"):
        trained()
    monkeypatch.undo()
    _, observer = trained()
    assert observer.steps[0] == (1, 2, 4)


def test_what_was_kept_may_be_damaged(trained):
    training, _ = trained(steps=1)
    (training.folder / STATE).write_bytes(b"nonsense")
    with pytest.raises(EngineError, match="damaged"):
        train(again(training, steps=2), CPU, Recorder())


def test_a_picture_may_be_gone(trained, examples, tmp_path):
    (tmp_path / "broken.png").write_bytes(b"nonsense")
    training, _ = trained(steps=1)
    broken = replace(training.pictures[0], file=tmp_path / "broken.png")
    with pytest.raises(EngineError, match=r"broken\.png"):
        train(replace(again(training, steps=2), pictures=(broken,)), CPU, Recorder())


@pytest.mark.parametrize("family", ["sd2", "sdxl"])
def test_other_families(trained, tmp_path, family):
    (tmp_path / "checkpoints").mkdir()
    getattr(tiny, f"write_{family}")(tmp_path / "checkpoints" / "tiny.safetensors")
    checkpoint = Catalog.over([tmp_path / "checkpoints"]).find("tiny")
    lora, observer = trained("lora", checkpoint=checkpoint, steps=2, train_text_encoder=True, sample_every=2)
    assert all(math.isfinite(loss) for _, loss in find_run(lora.folder).losses())
    names = {
        name.partition("_text_model")[0] for name in load_file(lora.result) if name.startswith("lora_te")
    }
    assert names == ({"lora_te1", "lora_te2"} if family == "sdxl" else {"lora_te"})
    assert len(observer.pictures) == 1
    word, _ = trained("word", checkpoint=checkpoint, steps=2, kind="Textual inversion", vectors=2)
    assert set(load_file(word.result)) == ({"clip_l", "clip_g"} if family == "sdxl" else {"emb_params"})


def test_sdxl_is_told_the_sizes_of_buckets(tmp_path, examples):
    tiny.write_sdxl(tmp_path / "tiny.safetensors")
    studio = own_studio(Catalog.over([tmp_path]).find("tiny"), CPU)
    wanted = TrainParams(name="x", dataset="x", batch_size=1, resolution=64)
    lora, seen = Lora(studio.model, wanted, studio.encoder), {}

    def beside(question):
        seen[tuple(question.noisy.shape[2:])] = question.told.added["time_ids"].tolist()
        return {}

    files, captions = [one.file for one in examples], tuple(one.caption for one in examples)
    with torch.no_grad():
        latents = Latents(framed(files, 64, Recorder(), buckets=True), studio.decoder, flip=False)
    material = Material(latents, captions, Captions(studio.model, 1))
    run = Loop(studio.model, wanted, lora.parameters, material, optimizer_of(lora.parameters, 1e-3), beside)
    for number in range(3):
        assert math.isfinite(run.step(number))
    assert len(seen) == 3
    pixels = latents.sizes[0][0] // latents.batch([0], [False]).shape[3]
    for (height, width), told in seen.items():
        size = [height * pixels, width * pixels]
        assert told == [[*size, 0, 0, *size]]


def test_what_is_trained_may_be_read_by_whom_other_files_may(trained, tmp_path):
    training, _ = trained(steps=1)
    (tmp_path / "other").touch()
    assert training.result.stat().st_mode == (tmp_path / "other").stat().st_mode


def test_a_sample_too_large_for_the_memory_is_left_out(trained, monkeypatch):
    def draw(self, *_):
        raise torch.OutOfMemoryError("CUDA out of memory")

    monkeypatch.setattr(ClassicStudio, "draw", draw)
    training, observer = trained(steps=2, sample_every=1)
    assert find_run(training.folder).card.step == 2
    assert any("ask for smaller ones" in notice for notice in observer.notices)


def test_samples_come_before_anything_is_kept(trained, tmp_path, examples):
    """The folder of the result isn't there yet."""
    training, _ = trained(steps=1)
    fresh = replace(
        again(training, steps=2, sample_every=1, save_every=0, resume=False),
        result=tmp_path / "models" / "Lora" / "dots.safetensors",
    )
    observer = Recorder()
    train(fresh, CPU, observer)
    assert len(observer.pictures) == 2
    assert fresh.result.with_name("dots.preview.png").is_file()
