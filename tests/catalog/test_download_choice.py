"""Which files of a repository are needed, on lists as the Hub gives them."""

import pytest

from webui.catalog.downloads.choice import (
    HubFile,
    candidates,
    choose_file,
    folder_files,
    single_files,
    variants,
)
from webui.catalog.downloads.model import DownloadError
from webui.catalog.downloads.sources import HubSource

SDXL = """
.gitattributes LICENSE.md README.md 01.png model_index.json pipeline.py
scheduler/scheduler_config.json
text_encoder/config.json text_encoder/flax_model.msgpack text_encoder/model.fp16.safetensors
text_encoder/model.onnx text_encoder/model.safetensors text_encoder/openvino_model.bin
tokenizer/merges.txt tokenizer/special_tokens_map.json tokenizer/tokenizer_config.json tokenizer/vocab.json
unet/config.json unet/diffusion_flax_model.msgpack unet/diffusion_pytorch_model.fp16.safetensors
unet/diffusion_pytorch_model.safetensors unet/diffusion_pytorch_model.bin unet/model.onnx_data unet/custom.py
vae/config.json vae/diffusion_pytorch_model.safetensors
vae_1_0/config.json vae_1_0/diffusion_pytorch_model.safetensors
sd_xl_base_1.0.safetensors sd_xl_base_1.0_0.9vae.safetensors sd_xl_offset_example-lora_1.0.safetensors
"""
COMPONENTS = ["scheduler", "text_encoder", "tokenizer", "unet", "vae"]


def files(listing: str) -> list[HubFile]:
    return [HubFile(path, 10) for path in listing.split()]


def chosen(listing: str, components=COMPONENTS, variant="") -> dict[str, str]:
    """What is taken, by where it goes."""
    return {f.inside: f.file.path for f in folder_files("org/name", files(listing), components, variant)}


def test_a_folder_holds_one_set_of_safetensors_and_what_is_read_beside_it():
    assert sorted(chosen(SDXL)) == [
        "LICENSE.md",
        "model_index.json",
        "scheduler/scheduler_config.json",
        "text_encoder/config.json",
        "text_encoder/model.safetensors",
        "tokenizer/merges.txt",
        "tokenizer/special_tokens_map.json",
        "tokenizer/tokenizer_config.json",
        "tokenizer/vocab.json",
        "unet/config.json",
        "unet/diffusion_pytorch_model.safetensors",
        "vae/config.json",
        "vae/diffusion_pytorch_model.safetensors",
    ]
    assert all(path == inside for inside, path in chosen(SDXL).items())


def test_a_variant_is_taken_where_there_is_one_and_gets_the_plain_name():
    taken = chosen(SDXL, variant="fp16")
    assert (
        taken["unet/diffusion_pytorch_model.safetensors"] == "unet/diffusion_pytorch_model.fp16.safetensors"
    )
    assert taken["text_encoder/model.safetensors"] == "text_encoder/model.fp16.safetensors"
    assert taken["vae/diffusion_pytorch_model.safetensors"] == "vae/diffusion_pytorch_model.safetensors"
    assert sorted(taken) == sorted(chosen(SDXL))


def test_where_there_is_only_a_variant_it_is_taken_unasked():
    taken = chosen("model_index.json unet/config.json unet/diffusion_pytorch_model.fp16.safetensors")
    assert taken["unet/diffusion_pytorch_model.safetensors"].endswith(".fp16.safetensors")


@pytest.mark.parametrize(
    ("pieces", "index"),
    [
        (["model.fp16-00001-of-00002", "model.fp16-00002-of-00002"], "model.safetensors.index.fp16.json"),
        (["model-00001-of-00002.fp16", "model-00002-of-00002.fp16"], "model.fp16.safetensors.index.json"),
    ],
)
def test_pieces_keep_their_names_since_their_index_tells_those(pieces, index):
    listing = " ".join(f"text_encoder/{piece}.safetensors" for piece in pieces)
    plain = "text_encoder/model-00001-of-00001.safetensors text_encoder/model.safetensors.index.json"
    taken = chosen(f"model_index.json {listing} text_encoder/{index} {plain}", variant="fp16")
    assert taken == {
        "model_index.json": "model_index.json",
        "text_encoder/model.safetensors.index.json": f"text_encoder/{index}",
        **{f"text_encoder/{piece}.safetensors": f"text_encoder/{piece}.safetensors" for piece in pieces},
    }


def test_a_component_that_is_only_a_pickle_is_refused():
    with pytest.raises(DownloadError, match="its unet only as a pickle"):
        chosen("model_index.json unet/config.json unet/diffusion_pytorch_model.bin")


@pytest.mark.parametrize("path", ["unet/a\x00.json", "unet/CON.json", "unet/..\\..\\x.json"])
def test_a_file_that_would_lie_elsewhere_is_refused(path):
    listing = [HubFile("model_index.json", 1), HubFile(path, 1)]
    with pytest.raises(DownloadError, match="can't be used here"):
        folder_files("org/name", listing, ["unet"], "")


def test_a_component_can_not_be_a_folder_above():
    assert folder_files("o/n", [HubFile("../x.json", 1)], ["unet"], "") == []
    with pytest.raises(DownloadError, match="can't be used here"):
        folder_files("o/n", [HubFile("../x.json", 1)], [".."], "")


def test_single_files_are_whole_models_and_those_at_the_top_come_first():
    listing = files("b/x.safetensors a.ckpt z.safetensors m-00001-of-00002.safetensors README.md")
    assert [file.path for file in single_files(listing, False)] == ["z.safetensors", "b/x.safetensors"]
    assert [file.path for file in single_files(listing, True)] == [
        "a.ckpt",
        "z.safetensors",
        "b/x.safetensors",
    ]


def test_one_file_is_chosen_by_its_path_a_pattern_or_as_the_only_one():
    two = files("a.safetensors sub/b.safetensors")
    assert choose_file(HubSource("o/n", pattern="sub/b.safetensors"), two).path == "sub/b.safetensors"
    assert choose_file(HubSource("o/n", pattern="sub/*"), two).path == "sub/b.safetensors"
    assert choose_file(HubSource("o/n"), two[:1]).path == "a.safetensors"


def test_where_there_is_a_choice_the_sentence_tells_it():
    two = files("a.safetensors sub/b.safetensors")
    with pytest.raises(DownloadError) as caught:
        choose_file(HubSource("o/n", "v1"), two)
    assert str(caught.value) == (
        "o/n holds several files. Choose one of them, as in o/n@v1:a.safetensors: "
        "a.safetensors (10 bytes), sub/b.safetensors (10 bytes)."
    )
    with pytest.raises(DownloadError, match=r'o/n holds no file "c\*"\. Choose one of them'):
        choose_file(HubSource("o/n", pattern="c*"), two)
    with pytest.raises(DownloadError, match=r"holds no \.safetensors file"):
        choose_file(HubSource("o/n"), [])


def test_candidates_are_the_folder_in_each_variant_and_the_files_at_the_top():
    offered = candidates(HubSource("o/n"), files(SDXL), COMPONENTS, False)
    assert [(c.source, c.folder, c.variant, c.size) for c in offered] == [
        ("o/n", True, "", 130),
        ("o/n", True, "fp16", 130),
        ("o/n:sd_xl_base_1.0.safetensors", False, "", 10),
        ("o/n:sd_xl_base_1.0_0.9vae.safetensors", False, "", 10),
        ("o/n:sd_xl_offset_example-lora_1.0.safetensors", False, "", 10),
        ("o/n:vae_1_0/diffusion_pytorch_model.safetensors", False, "", 10),
    ]
    assert variants(files(SDXL), COMPONENTS) == ["", "fp16"]
