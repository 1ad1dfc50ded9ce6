"""Weights in files: mapped, not copied, and refused in a sentence where they can't be used."""

import json
import os
import pickle
import struct
import sys
import types
import warnings
from collections import defaultdict
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import psutil
import pytest
import torch
from safetensors.torch import save_file

from webui.catalog.headers import read_header
from webui.catalog.pickle_tensors import WRAPPERS
from webui.engine.weights import WeightsError, counted, load, load_folder, load_with_shapes, shapes

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


def shapes_in_the_catalog(file):
    return {name: told.shape for name, told in read_header(file).tensors.items()}


@pytest.mark.parametrize("key", WRAPPERS)
def test_weights_lie_where_the_catalog_finds_them(tmp_path, key):
    torch.save({key: KNOWN, "epoch": 3}, tmp_path / "x.pt")
    same(load(tmp_path / "x.pt"))
    assert shapes(tmp_path / "x.pt") == shapes_in_the_catalog(tmp_path / "x.pt")


def test_averaged_weights_are_preferred_to_the_last(tmp_path):
    torch.save({"params": {"last": torch.zeros(1)}, "params_ema": KNOWN}, tmp_path / "x.pth")
    same(load(tmp_path / "x.pth"))
    assert shapes(tmp_path / "x.pth") == shapes_in_the_catalog(tmp_path / "x.pth")


def test_a_pickle_that_holds_itself(tmp_path):
    content = dict(KNOWN)
    content["state_dict"] = content
    torch.save(content, tmp_path / "x.ckpt")
    same(load(tmp_path / "x.ckpt"))


def test_safetensors_that_were_named_otherwise_are_read_as_what_they_are(tmp_path):
    save_file(KNOWN, tmp_path / "x.ckpt")
    same(load(tmp_path / "x.ckpt"))
    assert shapes(tmp_path / "x.ckpt") == shapes_in_the_catalog(tmp_path / "x.ckpt")


@pytest.mark.parametrize("name", ["x.safetensors", "x.ckpt"])
def test_shapes_are_those_of_all_weights_and_not_only_of_the_kept(tmp_path, name):
    save_file(KNOWN, tmp_path / name) if name.endswith("s") else torch.save(KNOWN, tmp_path / name)
    weights, told = load_with_shapes(tmp_path / name, lambda key: key == "a")
    same(weights, {"a": KNOWN["a"]})
    assert told == {"a": (2, 3), "b.c": (4,)}


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


BESIDE = {
    "a number of numpy's": np.float64(0.5),
    "an array of numpy's": np.ones(3),
    "a defaultdict": defaultdict(list, {"losses": [1.0]}),
    "a frozen set": frozenset({1, 2}),
    "types": {"number": float, "many": list},
}


@pytest.mark.parametrize("beside", BESIDE)
def test_what_the_catalog_passes_by_beside_the_weights_is_passed_by_here(tmp_path, beside):
    torch.save({"state_dict": KNOWN, "beside": BESIDE[beside]}, tmp_path / "x.ckpt")
    assert shapes_in_the_catalog(tmp_path / "x.ckpt").keys() == KNOWN.keys()
    same(load(tmp_path / "x.ckpt"))


def test_threads_that_read_pickles_at_once_are_in_nobody_s_way(tmp_path):
    file = tmp_path / "x.ckpt"
    torch.save({"state_dict": KNOWN, "loss": np.float64(0.5)}, file)
    before = torch.serialization.get_safe_globals(), list(warnings.filters)
    with ThreadPoolExecutor(8) as threads:
        for weights in threads.map(load, [file] * 300):
            same(weights)
    assert (torch.serialization.get_safe_globals(), warnings.filters) == before


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


@pytest.mark.parametrize("variant", ["fp16", "bf16", "fp32"])
def test_a_variant_alone_serves(tmp_path, variant):
    save_file(KNOWN, tmp_path / f"model.{variant}.safetensors")
    same(load_folder(tmp_path))


def write_shards(folder, index, second="model-00002-of-00002.safetensors"):
    save_file({"a": KNOWN["a"]}, folder / "model-00001-of-00002.safetensors")
    save_file({"b.c": KNOWN["b.c"]}, folder / second)
    where = {"a": "model-00001-of-00002.safetensors", "b.c": second}
    (folder / index).write_text(json.dumps({"weight_map": where}))


@pytest.mark.parametrize(
    "index",
    [
        "model.safetensors.index.json",
        "model.safetensors.index.fp16.json",
        "model.fp16.safetensors.index.json",
        "diffusion_pytorch_model.bf16.safetensors.index.json",
    ],
)
def test_a_folder_of_several_files(tmp_path, index):
    write_shards(tmp_path, index)
    same(load_folder(tmp_path))


def test_a_list_of_files_leads_nowhere_outside_the_folder(tmp_path):
    (tmp_path / "unet").mkdir()
    write_shards(tmp_path / "unet", "model.safetensors.index.json", second="../elsewhere.safetensors")
    with pytest.raises(WeightsError, match="shards of unet's weights are missing"):
        load_folder(tmp_path / "unet")


def test_a_folder_without_weights(tmp_path):
    (tmp_path / "pytorch_model.bin").write_bytes(b"")
    with pytest.raises(WeightsError, match=r"in pytorch_model\.bin only; convert them to \.safetensors"):
        load_folder(tmp_path)


# Pickles that lie


@pytest.mark.parametrize("nested", [True, False])
def test_a_pickle_that_tells_of_more_than_it_holds(tmp_path, nested):
    """Of a few bytes, which would be gigabytes in the first copy."""
    content = {**KNOWN, "vast": torch.zeros(1).expand(2**16, 2**16)}
    torch.save({"state_dict": content} if nested else content, tmp_path / "x.pt")
    for read in (load, shapes):
        with pytest.raises(WeightsError, match="more weights than it holds"):
            read(tmp_path / "x.pt")


def test_windows_into_a_larger_tensor_are_no_lie(tmp_path):
    whole = torch.arange(12.0).reshape(3, 4)
    torch.save({"turned": whole.T, "row": whole[1], "tied": whole}, tmp_path / "x.pt")
    same(load(tmp_path / "x.pt"), {"turned": whole.T, "row": whole[1], "tied": whole})


def test_numbers_that_are_packed_or_only_told_of_are_no_weights(tmp_path):
    torch.save(
        {**KNOWN, "sparse": torch.eye(3).to_sparse(), "meta": torch.ones(3, device="meta")}, tmp_path / "x.pt"
    )
    same(load(tmp_path / "x.pt"))


@pytest.mark.parametrize(
    ("names", "count"),
    [(["a.0.x", "a.1.x", "a.1.y"], 2), (["a.1.x"], 0), (["a.0.x", "a.3000000.x"], 1), ([], 0)],
)
def test_layers_count_from_0_and_without_a_gap(names, count):
    assert counted(names, r"a\.(\d+)\.") == count
