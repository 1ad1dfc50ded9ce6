"""Weights in files: mapped, not copied, and refused in a sentence where they can't be used."""

import json
import os
import pickle
import struct
import sys
import types

import numpy as np
import psutil
import pytest
import torch
from safetensors.torch import save_file

from webui.engine.weights import WeightsError, load, load_folder

KNOWN = {"a": torch.arange(6.0).reshape(2, 3), "b.c": torch.ones(4, dtype=torch.bfloat16)}


def same(found, known=KNOWN):
    assert set(found) == set(known)
    for name, tensor in known.items():
        assert found[name].dtype == tensor.dtype
        assert torch.equal(found[name], tensor)


def test_safetensors(tmp_path):
    save_file(KNOWN, tmp_path / "x.safetensors")
    same(load(tmp_path / "x.safetensors"))


@pytest.mark.parametrize("name", ["x.ckpt", "x.pt", "x.pth", "x.bin"])
@pytest.mark.parametrize("nested", [True, False])
@pytest.mark.parametrize("zipped", [True, False])
def test_pickles(tmp_path, name, nested, zipped):
    content = {"state_dict": KNOWN, "global_step": 7} if nested else KNOWN
    torch.save(content, tmp_path / name, _use_new_zipfile_serialization=zipped)
    same(load(tmp_path / name))


def test_nothing_is_read_before_it_is_used(tmp_path):
    """A file of 64 MB takes no memory of the process until its numbers are looked at."""
    file = tmp_path / "large.safetensors"
    save_file({"large": torch.ones(2**24)}, file)
    before = resident()
    weights = load(file)
    assert resident() - before < 16 * 2**20
    assert float(weights["large"].sum()) == 2**24
    assert resident() - before > 48 * 2**20
    del weights
    assert resident() - before < 16 * 2**20


def resident() -> int:
    return psutil.Process().memory_info().rss


def test_what_training_left_beside_the_weights_is_passed_by(tmp_path, monkeypatch):
    """As in Stable Diffusion 1.4's first release."""

    class ModelCheckpoint:
        pass

    name = "pytorch_lightning.callbacks.model_checkpoint"
    ModelCheckpoint.__module__, ModelCheckpoint.__qualname__ = name, "ModelCheckpoint"
    with monkeypatch.context() as known:
        for module in (name, name.rpartition(".")[0], "pytorch_lightning"):
            known.setitem(sys.modules, module, types.ModuleType(module))
        known.setattr(sys.modules[name], "ModelCheckpoint", ModelCheckpoint, raising=False)
        content = {"callbacks": {ModelCheckpoint: {"best": np.float64(0.5)}}, "state_dict": KNOWN}
        torch.save(content, tmp_path / "x.ckpt")
    same(load(tmp_path / "x.ckpt"))


class Harmful:
    def __init__(self, file):
        self.file = file

    def __reduce__(self):
        return (os.mkdir, (str(self.file),))


@pytest.mark.parametrize("zipped", [True, False])
def test_a_pickle_that_would_run_code_is_refused_and_does_not(tmp_path, zipped):
    file, trace = tmp_path / "x.ckpt", tmp_path / "it ran"
    torch.save({"state_dict": Harmful(trace)}, file, _use_new_zipfile_serialization=zipped)
    with pytest.raises(WeightsError, match=r"more than weights.*\.safetensors"):
        load(file)
    assert not trace.exists()


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("x.safetensors", b""),
        ("x.safetensors", b"<!doctype html>" * 100),
        ("x.safetensors", struct.pack("<Q", 2**60) + b"{}"),
        ("x.ckpt", b""),
        ("x.ckpt", b"PK\x03\x04 cut off"),
        ("x.ckpt", b"<!doctype html>" * 100),
        ("x.ckpt", pickle.dumps([1, 2, 3])),
    ],
)
def test_a_file_that_is_none_is_refused_in_a_sentence(tmp_path, name, content):
    (tmp_path / name).write_bytes(content)
    with pytest.raises(WeightsError, match=r"^its file "):
        load(tmp_path / name)


def test_a_file_that_was_cut_off(tmp_path):
    save_file(KNOWN, tmp_path / "x.safetensors")
    whole = (tmp_path / "x.safetensors").read_bytes()
    (tmp_path / "x.safetensors").write_bytes(whole[:-1])
    with pytest.raises(WeightsError, match=r"^its file is damaged"):
        load(tmp_path / "x.safetensors")


# Folders


def test_a_folder_with_one_file(tmp_path):
    save_file(KNOWN, tmp_path / "diffusion_pytorch_model.safetensors")
    same(load_folder(tmp_path))


def test_full_precision_is_preferred_to_half(tmp_path):
    save_file(KNOWN, tmp_path / "model.safetensors")
    save_file({"half": torch.ones(1)}, tmp_path / "model.fp16.safetensors")
    same(load_folder(tmp_path))


def test_half_precision_alone_serves(tmp_path):
    save_file(KNOWN, tmp_path / "model.fp16.safetensors")
    same(load_folder(tmp_path))


def test_a_folder_of_several_files(tmp_path):
    save_file({"a": KNOWN["a"]}, tmp_path / "model-00001-of-00002.safetensors")
    save_file({"b.c": KNOWN["b.c"]}, tmp_path / "model-00002-of-00002.safetensors")
    where = {"a": "model-00001-of-00002.safetensors", "b.c": "model-00002-of-00002.safetensors"}
    (tmp_path / "model.safetensors.index.json").write_text(json.dumps({"weight_map": where}))
    same(load_folder(tmp_path))


def test_a_folder_without_weights(tmp_path):
    (tmp_path / "pytorch_model.bin").write_bytes(b"")
    with pytest.raises(WeightsError, match=r"holds no \.safetensors weights"):
        load_folder(tmp_path)
