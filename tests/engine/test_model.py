"""Loading a checkpoint: what is read from it, and the sentence for each way it can be damaged."""

import json
import shutil
from pathlib import Path

import numpy as np
import psutil
import pytest
import torch
from safetensors.torch import load_file, save_file

from tests import tiny
from tests.conftest import copy_of
from tests.loading import CPU, load, token_rows
from webui.catalog.entry import Identity, ModelFile
from webui.engine import classic
from webui.engine.devices import Placement
from webui.engine.noise import noise_of as noise_of_file
from webui.engine.protocol import EngineError
from webui.engine.samplers.schedules import NoiseTable

UNET = "unet/diffusion_pytorch_model.safetensors"
VAE = "vae/diffusion_pytorch_model.safetensors"
TEXT_ENCODER = "text_encoder/model.safetensors"


def test_the_demo_model(model):
    assert model.prediction == "v_prediction"
    assert (model.latent_channels, model.scale) == (4, 8)
    np.testing.assert_array_equal(model.noise_table.sigmas, NoiseTable.scaled_linear().sigmas)
    for network in (model.unet, model.vae, model.encoders[0].network):
        assert not network.training
        weights = list(network.parameters())
        assert {weight.dtype for weight in weights} == {torch.float32}
        assert not any(weight.requires_grad for weight in weights)


def test_weights_take_the_number_format_asked_for(demo):
    half = load(demo, Placement(torch.device("cpu"), torch.float16))
    for network in (half.unet, half.vae, half.encoders[0].network):
        assert next(network.parameters()).dtype == torch.float16


# The scheduler's config


def noise_of(tmp_path, **config):
    file = tmp_path / "scheduler" / "scheduler_config.json"
    file.parent.mkdir(exist_ok=True)
    file.write_text(json.dumps({"beta_start": 0.00085, "beta_end": 0.012, **config}))
    return noise_of_file(ModelFile("x", tmp_path, identity=Identity("checkpoint", "sd1"), folder=True))


def test_what_a_scheduler_config_leaves_out(tmp_path):
    table, prediction = noise_of(tmp_path)
    assert prediction == "epsilon"
    np.testing.assert_array_equal(table.sigmas, NoiseTable.scaled_linear().sigmas)


def test_other_noise_tables(tmp_path):
    table, _ = noise_of(tmp_path, beta_schedule="linear", num_train_timesteps=500)
    np.testing.assert_array_equal(table.sigmas, NoiseTable.linear(0.00085, 0.012, 500).sigmas)
    betas = [0.1, 0.2, 0.5]
    table, _ = noise_of(tmp_path, trained_betas=betas)
    np.testing.assert_allclose(table.sigmas**2, 1 / np.cumprod([0.9, 0.8, 0.5]) - 1)


@pytest.mark.parametrize("field", ["prediction_type", "beta_schedule"])
def test_an_unknown_word_in_the_scheduler_config(tmp_path, field):
    with pytest.raises(ValueError, match=f'its scheduler config says {field} "nonsense", which is unknown'):
        noise_of(tmp_path, **{field: "nonsense"})


def test_a_folder_without_scheduler_has_its_family_s_noise(tmp_path):
    tiny.write_folder(tmp_path, "sdxl")
    shutil.rmtree(tmp_path / "scheduler")
    file = ModelFile("x", tmp_path, identity=Identity("checkpoint", "sdxl", "", "diffusers"), folder=True)
    model = load(file, CPU)
    assert model.prediction == "epsilon"
    np.testing.assert_array_equal(model.noise_table.sigmas, NoiseTable.scaled_linear().sigmas)


PLAYGROUND = {
    "_class_name": "EDMDPMSolverMultistepScheduler",
    "num_train_timesteps": 1000,
    "prediction_type": "epsilon",
    "rho": 7.0,
    "sigma_data": 0.5,
    "sigma_max": 80.0,
    "sigma_min": 0.002,
}


@pytest.mark.parametrize(
    ("config", "reason"),
    [
        (PLAYGROUND, "it was trained in the EDM formulation, which Darkroom can't draw with"),
        ({}, "its scheduler config lacks beta_start or beta_end, which tell the noise it knows"),
        ([], "its scheduler config holds no JSON object"),
    ],
)
def test_noise_that_is_unknown_is_told(tmp_path, config, reason):
    (tmp_path / "scheduler").mkdir()
    (tmp_path / "scheduler" / "scheduler_config.json").write_text(json.dumps(config))
    with pytest.raises(ValueError, match=f"^{reason}$"):
        noise_of_file(ModelFile("x", tmp_path, identity=Identity("checkpoint", "sdxl"), folder=True))


# Damaged folders. Each is a way that a download or a copy goes wrong.


def truncate(part):
    def change(folder: Path):
        (folder / part).write_bytes((folder / part).read_bytes()[:1_000_000])

    return change


def empty(part):
    return lambda folder: (folder / part).write_bytes(b"")


def remove(part):
    return lambda folder: (folder / part).unlink()


def write(part, text):
    return lambda folder: (folder / part).write_text(text)


def drop_a_weight(part):
    def change(folder: Path):
        weights = load_file(folder / part)
        del weights[min(weights)]
        save_file(weights, folder / part)

    return change


SCHEDULER = "scheduler/scheduler_config.json"
DAMAGES = {
    "unet cut off": truncate(UNET),
    "vae cut off": truncate(VAE),
    "text encoder cut off": truncate(TEXT_ENCODER),
    "unet empty": empty(UNET),
    "text encoder empty": empty(TEXT_ENCODER),
    "unet gone": remove(UNET),
    "text encoder gone": remove(TEXT_ENCODER),
    "unet lacks a weight": drop_a_weight(UNET),
    "vae lacks a weight": drop_a_weight(VAE),
    "text encoder lacks a weight": drop_a_weight(TEXT_ENCODER),
    "another model's unet": write("unet/config.json", '{"_class_name": "UNet2DConditionModel"}'),
    "no JSON": write("text_encoder/config.json", "{"),
    "no tokenizer": lambda folder: shutil.rmtree(folder / "tokenizer"),
    "vocabulary of another tokenizer": write("tokenizer/vocab.json", "{}"),
    "scheduler is a list": write(SCHEDULER, "[]"),
    "scheduler without betas": write(SCHEDULER, "{}"),
    "unknown prediction": write(SCHEDULER, '{"prediction_type": "sample"}'),
}


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_damaged_checkpoint_is_named_in_one_sentence(damage, demo, tmp_path):
    damaged = copy_of(demo, tmp_path / "my model")
    DAMAGES[damage](damaged.path)
    with pytest.raises(EngineError, match=r"^The checkpoint .my model. can't be loaded: .") as caught:
        load(damaged, CPU)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("field", ["latents_mean", "latents_std"])
def test_a_vae_that_scales_each_channel_by_itself_is_refused(demo, tmp_path, field):
    other = copy_of(demo, tmp_path / "playground")
    config = json.loads((other.path / "vae" / "config.json").read_text())
    (other.path / "vae" / "config.json").write_text(json.dumps({**config, field: None}))
    load(other, CPU)
    (other.path / "vae" / "config.json").write_text(json.dumps({**config, field: [0.1, 0.2, 0.3, 0.4]}))
    with pytest.raises(EngineError, match=rf"its vae scales each channel .* \({field}\)"):
        load(other, CPU)


def test_an_old_pickle_is_read_once_for_each_part(tmp_path):
    file = tmp_path / "old.ckpt"
    tiny.write_sd1(tmp_path / "new.safetensors")
    weights = load_file(tmp_path / "new.safetensors")
    torch.save({"state_dict": weights}, file, _use_new_zipfile_serialization=False)
    makers = classic.makers(ModelFile("x", file, identity=Identity("checkpoint", "sd1", "", "original")))
    for make in makers.values():
        before = psutil.Process().io_counters().read_chars
        make()
        assert psutil.Process().io_counters().read_chars - before < 1.5 * file.stat().st_size


def test_a_pickle_is_never_taken_for_the_weights(demo, tmp_path):
    other = copy_of(demo, tmp_path / "pickled")
    weights = load_file(other.path / TEXT_ENCODER)
    (other.path / TEXT_ENCODER).unlink()
    torch.save(weights, other.path / "text_encoder" / "pytorch_model.bin")
    with pytest.raises(EngineError):
        load(other, CPU)


def test_text_encoders_of_older_files_load_as_well(demo, model, tmp_path):
    """Before transformers 5.6 the names of all weights began with "text_model."."""
    older = copy_of(demo, tmp_path / "older")
    weights = load_file(older.path / TEXT_ENCODER)
    save_file({f"text_model.{name}": weight for name, weight in weights.items()}, older.path / TEXT_ENCODER)
    ids = torch.tensor(token_rows(model.encoders[0].tokenizer, "a 3d panda"))
    loaded = load(older, CPU)
    assert torch.equal(
        loaded.encoders[0].network(ids).last_hidden_state, model.encoders[0].network(ids).last_hidden_state
    )
