"""Folders in diffusers' format that are whole, odd, foreign or damaged."""

import json
import shutil
from importlib.util import find_spec

import pytest
import torch
from safetensors.torch import load_file, save_file

from webui.catalog.entry import ModelFile
from webui.engine.general import loading
from webui.engine.general.errors import explained, missing_package
from webui.engine.protocol import EngineError


@pytest.fixture
def copied(models, tmp_path):
    """A folder like that family's, to be changed."""

    def copy(family):
        folder = tmp_path / family
        shutil.copytree(models(family).file.path, folder)
        return ModelFile(family, folder, folder=True)

    return copy


def edit(file, **entries):
    path = file.path / "model_index.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), **entries}))


def test_every_network_of_the_folder_is_a_part(models):
    assert set(models("sd3").modules) == {
        "transformer",
        "vae",
        "text_encoder",
        "text_encoder_2",
        "text_encoder_3",
    }


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
def test_parts_come_in_the_wished_format_and_stay_in_it(models, dtype):
    file = models("aura-flow").file
    modules = {name: make(dtype) for name, make in loading.parts(file).items()}
    pipeline = loading.build(file, modules)
    assert pipeline.transformer.dtype == pipeline.vae.dtype == dtype
    assert {weight.dtype for weight in pipeline.transformer.parameters()} == {dtype}


def test_a_folder_with_fp16_files_alone_loads(copied):
    file = copied("z-image")
    for weights in list(file.path.glob("*/*.safetensors")):
        weights.rename(weights.with_suffix(".fp16.safetensors"))
    modules = {name: make(torch.float32) for name, make in loading.parts(file).items()}
    assert set(modules) == {"transformer", "vae", "text_encoder"}
    assert loading.build(file, modules).vae is modules["vae"]


def test_a_folder_of_a_sibling_pipeline_draws_from_prompts(copied):
    file = copied("flux")
    edit(file, _class_name="FluxImg2ImgPipeline")
    modules = {name: make(torch.float32) for name, make in loading.parts(file).items()}
    assert type(loading.build(file, modules)).__name__ == "FluxPipeline"


def test_code_in_a_folder_is_never_run(copied):
    file = copied("flux")
    (file.path / "transformer" / "evil.py").write_text("raise SystemExit")
    edit(file, transformer=["evil", "Transformer"])
    with pytest.raises(EngineError, match="code of its own"):
        loading.parts(file)


@pytest.mark.parametrize(
    "name",
    [
        "AudioLDM2Pipeline",
        "StableVideoDiffusionPipeline",
        "WanPipeline",
        "FluxFillPipeline",
        "NoPipelineAtAll",
    ],
)
def test_what_makes_no_pictures_from_prompts_is_refused(copied, name):
    file = copied("chroma")
    edit(file, _class_name=name)
    with pytest.raises(EngineError, match=f"{name}, which makes no pictures"):
        loading.parts(file)


@pytest.mark.skipif(find_spec("sentencepiece") is not None, reason="the package is there")
def test_a_family_that_needs_a_package_names_it(copied):
    file = copied("chroma")
    edit(file, _class_name="KolorsPipeline")
    with pytest.raises(EngineError, match="pip install sentencepiece"):
        loading.parts(file)


def test_a_missing_weight_is_named(copied):
    file = copied("flux")
    (weights,) = (file.path / "transformer").glob("*.safetensors")
    tensors = load_file(weights)
    del tensors["proj_out.weight"]
    save_file(tensors, weights, metadata={"format": "pt"})
    with pytest.raises(EngineError, match=r"transformer of \"flux\" lacks 1 .*proj_out\.weight"):
        loading.parts(file)["transformer"](torch.float32)


def test_a_truncated_file_is_a_sentence(copied):
    file = copied("flux")
    (weights,) = (file.path / "transformer").glob("*.safetensors")
    weights.write_bytes(weights.read_bytes()[:1000])
    with pytest.raises(EngineError, match=r'^"flux" can\'t be loaded \(transformer\)'):
        loading.parts(file)["transformer"](torch.float32)


@pytest.mark.parametrize("family", ["flux", "qwen-image", "sana"])
def test_a_tokenizer_without_its_vocabulary_is_not_taken_for_an_empty_one(models, copied, family):
    file = copied(family)
    for name in ("tokenizer.json", "vocab.json", "merges.txt"):
        (file.path / "tokenizer" / name).unlink(missing_ok=True)
    with pytest.raises(EngineError, match=rf"tokenizer of \"{family}\" has no vocabulary"):
        loading.build(file, models(family).modules)


def test_a_sentencepiece_vocabulary_names_the_package_that_reads_it(models, copied):
    file = copied("flux")
    (file.path / "tokenizer_2" / "tokenizer.json").unlink()
    (file.path / "tokenizer_2" / "spiece.model").write_bytes(b"\x0a\x0b\x0a\x05<pad>\x15\x00\x00\x00\x00")
    with pytest.raises(EngineError, match=r"sentencepiece|can't be loaded"):
        loading.build(file, models("flux").modules)


def test_a_missing_index_is_a_sentence(tmp_path):
    with pytest.raises(EngineError, match=r'^"empty" has no usable model_index.json'):
        loading.parts(ModelFile("empty", tmp_path, folder=True))


@pytest.mark.parametrize(
    ("error", "package"),
    [
        (ImportError("T5Tokenizer requires the SentencePiece library but it was not found"), "sentencepiece"),
        (ValueError("You need to have sentencepiece or tiktoken installed"), "sentencepiece"),
        (ImportError("requires the protobuf library"), "protobuf"),
        (ModuleNotFoundError("No module named 'fla'", name="fla"), "fla"),
        (ModuleNotFoundError("No module named 'bs4'", name="bs4"), "beautifulsoup4"),
        (ValueError("the height must be divisible by 16"), None),
    ],
)
def test_an_absent_package_is_recognized(error, package):
    assert missing_package(error) == package
    text = str(explained("model", "can't be loaded", error))
    assert (f"pip install {package}" in text) == (package is not None)
