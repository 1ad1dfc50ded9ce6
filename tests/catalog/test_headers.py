"""Headers of safetensors and torch files: read whole, refused with a sentence, and never run."""

import collections
import io
import json
import os
import pickle
import struct
import sys
import zipfile

import hypothesis.strategies as st
import pytest
import torch
from hypothesis import given

from tests.catalog.samples import raw, tensors, write
from webui.catalog.headers import HeaderError, TensorInfo, read_header
from webui.catalog.identify import identify

A_TENSOR = {"dtype": "F32", "shape": [2], "data_offsets": [0, 8]}


def refusal(file):
    with pytest.raises(HeaderError) as caught:
        read_header(file)
    assert not str(caught.value).endswith(".")
    return str(caught.value)


# safetensors


@pytest.mark.parametrize(
    ("dtype", "code", "spoken"),
    [
        (torch.float32, "F32", "fp32"),
        (torch.float16, "F16", "fp16"),
        (torch.bfloat16, "BF16", "bf16"),
        (torch.float8_e4m3fn, "F8_E4M3", "fp8"),
        (torch.int8, "I8", "int8"),
        (torch.uint8, "U8", "u8"),
    ],
)
@pytest.mark.parametrize("ending", ["safetensors", "ckpt"])
def test_shapes_and_number_formats(tmp_path, dtype, code, spoken, ending):
    header = read_header(write(tmp_path / f"a.{ending}", {"a": (2, 3), "b": ()}, dtype=dtype))
    assert header.tensors == {"a": TensorInfo((2, 3), code), "b": TensorInfo((), code)}
    assert header.dtype() == spoken


def test_the_format_of_most_numbers_is_the_files(tmp_path):
    file = tmp_path / "a.safetensors"
    header = {
        "large": {"dtype": "F16", "shape": [100], "data_offsets": [0, 200]},
        "small": {"dtype": "F32", "shape": [2], "data_offsets": [200, 208]},
        "step": {"dtype": "F32", "shape": [1], "data_offsets": [208, 212]},
    }
    assert read_header(raw(file, header, bytes(212))).dtype() == "fp16"


def test_metadata(tmp_path):
    file = write(tmp_path / "a.safetensors", metadata={"modelspec.title": "A \N{GREEK SMALL LETTER ALPHA}"})
    assert read_header(file).metadata == {"modelspec.title": "A \N{GREEK SMALL LETTER ALPHA}"}


def test_a_file_that_is_cut_off_says_how_much_is_missing(tmp_path):
    file = write(tmp_path / "a.safetensors")
    whole = file.read_bytes()
    file.write_bytes(whole[:-5])
    assert refusal(file) == f"is cut off: {len(whole) - 5:,} bytes of {len(whole):,}. Download it again"


def test_a_file_that_is_cut_off_in_its_header(tmp_path):
    file = write(tmp_path / "a.safetensors")
    file.write_bytes(file.read_bytes()[:40])
    assert refusal(file).startswith("is cut off: 40 bytes of ")


@pytest.mark.parametrize(
    "header",
    [
        b"{",
        b"[1, 2]",
        b'{"a": ' + b"[" * 100_000,
        {"a": 3},
        {"a": {**A_TENSOR, "shape": [3]}},
        {"a": {**A_TENSOR, "shape": [-2]}},
        {"a": {**A_TENSOR, "shape": [True, 2]}},
        {"a": {**A_TENSOR, "dtype": 4}},
        {"a": {**A_TENSOR, "data_offsets": [8, 0]}},
        {"a": {**A_TENSOR, "data_offsets": [0]}},
        {"a": {**A_TENSOR, "data_offsets": [8, 16]}},
        {"a": A_TENSOR, "b": A_TENSOR},
        {"a": A_TENSOR, "b": {**A_TENSOR, "data_offsets": [12, 20]}},
    ],
)
def test_a_damaged_header(tmp_path, header):
    file = raw(tmp_path / "a.safetensors", header, bytes(8))
    assert "damaged" in refusal(file)


def test_more_bytes_than_told_are_damage_too(tmp_path):
    assert "longer than its header" in refusal(raw(tmp_path / "a.safetensors", {"a": A_TENSOR}, bytes(9)))


def test_a_header_that_claims_a_gigabyte_is_not_read(tmp_path):
    file = tmp_path / "a.safetensors"
    file.write_bytes(struct.pack("<Q", 2**30) + b"{" + bytes(100))
    assert "damaged" in refusal(file)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "is empty (0 bytes)"),
        (b"GGUF\3\0\0\0" + bytes(20), "is a GGUF file, which Darkroom doesn't support"),
        (b"<!DOCTYPE html><html>", "is a web page, not a model"),
        (b"version https://git-lfs.github.com/spec/v1\n", "is a Git LFS pointer"),
        (b"hello, this is no model", "not a safetensors file"),
        (b"{", "not a safetensors file"),
    ],
)
def test_what_is_no_model_at_all(tmp_path, content, words):
    file = tmp_path / "a.safetensors"
    file.write_bytes(content)
    assert words in refusal(file)


def test_content_counts_and_not_the_ending(tmp_path):
    file = write(tmp_path / "a.safetensors").rename(tmp_path / "a.ckpt")
    assert len(read_header(file).tensors) == 5


# torch's pickles


@pytest.mark.parametrize("zipped", [True, False])
def test_both_of_torchs_formats(tmp_path, zipped):
    weights = collections.OrderedDict(a=torch.zeros(2, 3).half(), b=torch.nn.Parameter(torch.zeros(4)))
    content = {"state_dict": weights, "global_step": 840000, "callbacks": {}}
    torch.save(content, tmp_path / "a.ckpt", _use_new_zipfile_serialization=zipped)
    header = read_header(tmp_path / "a.ckpt")
    assert header.tensors == {"a": TensorInfo((2, 3), "F16"), "b": TensorInfo((4,), "F32")}
    assert header.metadata == {"global_step": "840000"}


@pytest.mark.parametrize("wrapper", ["state_dict", "params_ema", "params", "model"])
def test_what_wraps_the_weights_is_taken_off(tmp_path, wrapper):
    torch.save({wrapper: {"conv.weight": torch.zeros(1)}, "iter": 5}, tmp_path / "a.pth")
    assert list(read_header(tmp_path / "a.pth").tensors) == ["conv.weight"]


def test_of_two_kinds_of_weights_the_averaged_ones_count(tmp_path):
    torch.save({"params": {"a": torch.zeros(1)}, "params_ema": {"b": torch.zeros(1)}}, tmp_path / "a.pth")
    assert list(read_header(tmp_path / "a.pth").tensors) == ["b"]


def test_views_lists_and_an_embeddings_parameters(tmp_path):
    parameters = torch.nn.ParameterDict({"*": torch.nn.Parameter(torch.zeros(2, 768))})
    parts = {"view": torch.zeros(4, 3)[1:].t(), "list": [torch.zeros(1), (torch.zeros(2),)]}
    torch.save({"string_to_param": parameters, **parts}, tmp_path / "a.pt")
    shapes = {name: tensor.shape for name, tensor in read_header(tmp_path / "a.pt").tensors.items()}
    assert shapes == {"string_to_param.*": (2, 768), "view": (3, 3), "list.0": (1,), "list.1.0": (2,)}


def test_numbers_of_numpy_beside_the_weights(tmp_path):
    numpy = pytest.importorskip("numpy")
    torch.save({"state_dict": {"a": torch.zeros(1)}, "loss": numpy.float64(3)}, tmp_path / "a.ckpt")
    assert list(read_header(tmp_path / "a.ckpt").tensors) == ["a"]


class Evil:
    """Makes a file when it is unpickled."""

    def __init__(self, mark):
        self.mark = str(mark)

    def __reduce__(self):
        return os.mkdir, (self.mark,)


@pytest.mark.parametrize("zipped", [True, False])
@pytest.mark.parametrize("protocol", [2, 4])
def test_a_pickle_with_code_is_refused_and_named_and_not_run(tmp_path, zipped, protocol):
    file, mark = tmp_path / "evil.ckpt", tmp_path / "mark"
    content = {"state_dict": tensors({"a": (1,)}), "extra": Evil(mark)}
    torch.save(content, file, _use_new_zipfile_serialization=zipped, pickle_protocol=protocol)
    sentence = refusal(file)
    assert f"holds code ({os.mkdir.__module__}.mkdir)" in sentence
    assert ".safetensors" in sentence
    assert not mark.exists()
    torch.load(file, weights_only=False)
    assert mark.exists()  # it would have


@pytest.mark.parametrize(
    "name", ["builtins eval", "builtins getattr", "os system", "torch load", "torch._utils os"]
)
def test_no_other_name_is_let_through(tmp_path, name):
    module, attribute = name.split()
    payload = f"\x80\x02c{module}\n{attribute}\n.".encode("latin-1")
    with zipfile.ZipFile(tmp_path / "a.ckpt", "w") as archive:
        archive.writestr("a/data.pkl", payload)
    assert f"({module}.{attribute})" in refusal(tmp_path / "a.ckpt")


def test_a_whole_model_object_is_code_too(tmp_path):
    torch.save(torch.nn.Linear(2, 2), tmp_path / "a.pt")
    assert "torch.nn.modules.linear.Linear" in refusal(tmp_path / "a.pt")


def test_a_pickle_can_not_change_the_stand_ins(tmp_path):
    """BUILD sets attributes of what it is given: here of a storage and of a function."""
    from webui.catalog import pickle_stubs

    before = {
        name: dict(vars(value)) for name, value in vars(pickle_stubs).items() if isinstance(value, type)
    }
    for target in ("torch\nFloatStorage", "torch._utils\n_rebuild_tensor_v2", "collections\nOrderedDict"):
        payload = f"\x80\x02c{target}\nN}}X\x05\x00\x00\x00dtypeX\x03\x00\x00\x00bads\x86b.".encode("latin-1")
        with zipfile.ZipFile(tmp_path / "a.ckpt", "w") as archive:
            archive.writestr("a/data.pkl", payload)
        identify(tmp_path / "a.ckpt")
    after = {name: dict(vars(value)) for name, value in vars(pickle_stubs).items() if isinstance(value, type)}
    assert after == before
    torch.save({"a": torch.zeros(1)}, tmp_path / "b.ckpt")
    assert read_header(tmp_path / "b.ckpt").tensors == {"a": TensorInfo((1,), "F32")}


@pytest.mark.parametrize(
    "payload",
    [
        b"\x80\x02\x8e" + (2**40).to_bytes(8, "little") + b".",  # a terabyte of bytes
        b"\x80\x02Nr\xff\xff\xff\x7f.",  # a place in the memo that takes 16 GB
        b"\x80\x02" + b"(" * 100_000 + b"t" * 100_000 + b".",
        b"\x80\x02" + b"]" * 1000,
        b"",
    ],
)
def test_a_pickle_can_not_ask_for_memory(tmp_path, payload):
    with zipfile.ZipFile(tmp_path / "a.ckpt", "w") as archive:
        archive.writestr("a/data.pkl", payload)
    found = identify(tmp_path / "a.ckpt")
    assert found.kind == "other"
    assert found.problem


def test_a_zip_bomb_is_not_blown_up(tmp_path):
    with zipfile.ZipFile(tmp_path / "a.ckpt", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("a/data.pkl", bytes(100 * 2**20))
    assert "more than 32 MiB" in refusal(tmp_path / "a.ckpt")


@pytest.mark.parametrize("zipped", [True, False])
def test_a_pickle_that_is_cut_off(tmp_path, zipped):
    file = tmp_path / "a.ckpt"
    torch.save({"a": torch.zeros(1000)}, file, _use_new_zipfile_serialization=zipped)
    file.write_bytes(file.read_bytes()[:150])
    assert refusal(file) == "is damaged or cut off. Download it again"


def test_a_zip_and_a_pickle_of_something_else(tmp_path):
    with zipfile.ZipFile(tmp_path / "a.pt", "w") as archive:
        archive.writestr("readme.txt", "hello")
    (tmp_path / "b.bin").write_bytes(pickle.dumps({"a": 1}))
    (tmp_path / "c.bin").write_bytes(b"\x01\x02\x03")
    for name in ("a.pt", "b.bin", "c.bin"):
        assert refusal(tmp_path / name).startswith("is not a model file")


def test_no_torch_is_needed(tmp_path):
    import subprocess

    torch.save({"a": torch.zeros(2)}, tmp_path / "a.pt")
    script = (
        "import sys; from pathlib import Path; from webui.catalog.headers import read_header; "
        f"print(len(read_header(Path({str(tmp_path / 'a.pt')!r})).tensors), 'torch' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout == "1 False\n"


# Whatever a file holds


def _real(ending):
    stream = io.BytesIO()
    torch.save({"state_dict": tensors({"a": (2, 2)})}, stream, _use_new_zipfile_serialization=ending == "zip")
    return stream.getvalue()


HEADER = json.dumps({"__metadata__": {"a": "b"}, "x": A_TENSOR}).encode()
REAL = {
    "safetensors": struct.pack("<Q", len(HEADER)) + HEADER + bytes(8),
    "zip": _real("zip"),
    "legacy": _real("legacy"),
}


@given(st.binary(max_size=300))
def test_arbitrary_bytes_never_raise(tmp_path_factory, content):
    for ending in ("safetensors", "ckpt"):
        file = tmp_path_factory.getbasetemp() / f"arbitrary.{ending}"
        file.write_bytes(content)
        assert identify(file).problem


@given(st.sampled_from(sorted(REAL)), st.data())
def test_a_real_file_that_was_cut_or_overwritten_never_raises(tmp_path_factory, kind, data):
    content = bytearray(REAL[kind])
    for _ in range(data.draw(st.integers(0, 4))):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    del content[data.draw(st.integers(0, len(content))) :]
    file = tmp_path_factory.getbasetemp() / "cut.ckpt"
    file.write_bytes(content)
    found = identify(file)
    assert found.problem is None or found.problem.endswith(".")
