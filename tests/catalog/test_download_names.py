"""What people paste, and what servers call their files."""

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.catalog.file_server import weights
from webui.catalog.downloads.content import check_start, check_whole, looks_like_safetensors
from webui.catalog.downloads.model import DamagedError, DownloadError
from webui.catalog.downloads.names import MAX_BYTES, check_extension, harmless, own_name, suggested
from webui.catalog.downloads.sources import HubSource, UrlSource, parse, without_secrets

HUB = "https://huggingface.co"
LOCAL = "http://127.0.0.1:8000"


# File names


@pytest.mark.parametrize(
    ("name", "kept"),
    [
        ("model.safetensors", "model.safetensors"),
        ("../../etc/passwd", "passwd"),
        ("C:\\Windows\\evil.safetensors", "evil.safetensors"),
        ("a\x00b\r\nc.safetensors", "abc.safetensors"),
        ("CON.safetensors", "_CON.safetensors"),
        ("lpt1", "_lpt1"),
        ("console.safetensors", "console.safetensors"),
        ("what?is*this<>|.pt", "whatisthis.pt"),
        ("..hidden", "hidden"),
        ("trailing. . ", "trailing"),
        ("\u202egnp.safetensors", "gnp.safetensors"),
        ("写真 風.safetensors", "写真 風.safetensors"),
        ("..", ""),
        ("", ""),
    ],
)
def test_a_name_is_made_harmless(name, kept):
    assert harmless(name) == kept


@given(st.text(max_size=400))
def test_a_harmless_name_is_one_part_of_a_path_and_stays_as_it_is(name):
    kept = harmless(name)
    assert len(kept.encode()) <= MAX_BYTES
    assert "/" not in kept
    assert "\\" not in kept
    assert kept not in (".", "..")
    assert harmless(kept) == kept


def test_a_long_name_keeps_its_extension():
    kept = harmless("ü" * 300 + ".safetensors")
    assert kept.endswith("ü.safetensors")
    assert len(kept.encode()) <= MAX_BYTES


@pytest.mark.parametrize(
    ("header", "name"),
    [
        ('attachment; filename="foo v1.safetensors"', "foo v1.safetensors"),
        ("attachment; filename*=UTF-8''%E5%86%99%E7%9C%9F.safetensors", "写真.safetensors"),
        ('attachment; filename="../../../evil.safetensors"', "evil.safetensors"),
        ("inline", "12345"),
        ("", "12345"),
    ],
)
def test_the_name_comes_from_the_header_and_else_from_the_address(header, name):
    request = httpx.Request("GET", "https://models.example/api/download/models/12345?type=Model")
    response = httpx.Response(200, request=request, headers={"Content-Disposition": header})
    assert suggested(response) == name


def test_a_name_that_says_nothing_gives_way_to_the_repository():
    repo = "lllyasviel/control_v11p_sd15_canny"
    assert (
        own_name("diffusion_pytorch_model.fp16.safetensors", repo)
        == "control_v11p_sd15_canny.fp16.safetensors"
    )
    assert own_name("sub/pytorch_lora_weights.safetensors", "a/lcm") == "lcm.safetensors"
    assert own_name("sub/v1-5-pruned.safetensors", "a/b") == "v1-5-pruned.safetensors"


def test_only_models_are_taken_and_pickles_only_when_allowed():
    check_extension("a.SafeTensors", False)
    check_extension("a.ckpt", True)
    with pytest.raises(DownloadError, match="can hold code"):
        check_extension("a.ckpt", False)
    for name in ("a.exe", "a.py", "a.zip", "a", "safetensors"):
        with pytest.raises(DownloadError, match="is not a model file"):
            check_extension(name, True)


# What people paste


@pytest.mark.parametrize(
    ("source", "meant"),
    [
        ("org/name", HubSource("org/name")),
        (" org/name@v1.0 ", HubSource("org/name", "v1.0")),
        ("org/name:sub/a b.safetensors", HubSource("org/name", "main", "sub/a b.safetensors")),
        ("org/na.me@refs/pr/3:*.safetensors", HubSource("org/na.me", "refs/pr/3", "*.safetensors")),
        ("https://huggingface.co/org/name", HubSource("org/name")),
        ("huggingface.co/org/name", HubSource("org/name")),
        ("https://huggingface.co/org/name/", HubSource("org/name")),
        ("https://hf.co/org/name/tree/main", HubSource("org/name")),
        ("https://huggingface.co/org/name/tree/v2/sub", HubSource("org/name", "v2", "sub/*")),
        (
            "https://huggingface.co/org/name/blob/main/sub/a%20b.safetensors",
            HubSource("org/name", "main", "sub/a b.safetensors"),
        ),
        (
            "https://huggingface.co/org/name/resolve/refs%2Fpr%2F3/a.safetensors?download=true",
            HubSource("org/name", "refs/pr/3", "a.safetensors"),
        ),
        ("https://models.example/a.safetensors", UrlSource("https://models.example/a.safetensors")),
        (
            "https://civitai.com/models/12/dream?modelVersionId=345",
            UrlSource("https://civitai.com/api/download/models/345"),
        ),
    ],
)
def test_what_a_source_means(source, meant):
    assert parse(source, HUB) == meant


def test_a_mirror_of_the_hub_is_the_hub_too():
    assert parse(f"{LOCAL}/org/name/blob/main/a.safetensors", LOCAL) == HubSource(
        "org/name", "main", "a.safetensors"
    )


@pytest.mark.parametrize(
    "source",
    [
        "",
        "name",
        "../name",
        "/etc/passwd",
        "C:\\models\\a.safetensors",
        "file:///etc/passwd",
        "ftp://models.example/a.safetensors",
        "https://",
        "https://[::1/a",
        "https://user:secret@models.example/a.safetensors",
        "https://huggingface.co/datasets/org/name",
        "https://huggingface.co/spaces/org/name",
        "https://huggingface.co/",
    ],
)
def test_what_means_nothing_is_refused_in_a_sentence(source):
    with pytest.raises(DownloadError) as caught:
        parse(source, HUB)
    assert str(caught.value).endswith(".")
    assert "secret" not in str(caught.value)


def test_secrets_in_an_address_are_not_shown():
    shown = without_secrets(
        "https://civitai.com/api/download/models/1?type=Model&token=abc&X-Amz-Signature=def"
    )
    assert shown == "https://civitai.com/api/download/models/1?type=Model"
    assert without_secrets("org/name:a.safetensors") == "org/name:a.safetensors"


# What comes


def test_a_web_page_and_a_message_are_told_from_a_model():
    def refusal(start, content_type="", suffix=".safetensors"):
        with pytest.raises(DamagedError) as caught:
            check_start(start, content_type, suffix, "models.example")
        return str(caught.value)

    assert "gave a web page, not a model file" in refusal(b"\n<!DOCTYPE html><html>")
    assert "gave a web page, not a model file" in refusal(b"Please log in", "text/html; charset=utf-8")
    assert 'gave a message, not a model file: {"error": "Unauthorized"}' in refusal(
        b'{"error": "Unauthorized"}'
    )
    assert "doesn't begin as one" in refusal(b"PK\x03\x04 a zip under a wrong name")
    assert "doesn't begin as one" in refusal(weights(100), suffix=".ckpt")
    assert "doesn't begin as one" in refusal(b"")


def test_model_files_are_known_by_their_first_bytes():
    check_start(weights(100), "text/html", ".safetensors", "models.example")
    check_start(b"PK\x03\x04", "", ".ckpt", "models.example")
    check_start(b"\x80\x02", "", ".pt", "models.example")
    assert looks_like_safetensors(weights(100))


def test_a_safetensors_file_that_was_cut_off_is_not_whole(tmp_path):
    whole, cut = tmp_path / "whole", tmp_path / "cut"
    whole.write_bytes(weights(1000))
    cut.write_bytes(weights(1000)[:-1])
    check_whole(whole, "a.safetensors")
    with pytest.raises(DamagedError, match=r"^a.safetensors arrived damaged"):
        check_whole(cut, "a.safetensors")
