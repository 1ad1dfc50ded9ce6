"""The list of well-known models: every entry can be shown and asked for."""

import json

import pytest
from pydantic import ValidationError

from webui.catalog.curated import FILE, read_curated
from webui.catalog.downloads.names import TOKENIZER, check_extension, harmless
from webui.catalog.downloads.sources import HubSource, parse
from webui.catalog.folders import belongs_into

LIST = read_curated()


def test_there_are_some_for_each_need_and_none_twice():
    assert 8 <= len(LIST) <= 24
    assert {one.kind for one in LIST} >= {
        "checkpoint",
        "vae",
        "lora",
        "controlnet",
        "upscaler",
        "text-encoder",
        "tokenizer",
    }
    assert {one.family for one in LIST} >= {"sd1", "sdxl", "flux", "other"}
    for field in ("name", "source"):
        assert len({getattr(one, field) for one in LIST}) == len(LIST)


@pytest.mark.parametrize("one", LIST, ids=lambda one: one.name)
def test_an_entry_names_a_file_or_a_folder_on_the_hub_that_can_be_downloaded(one):
    meant = parse(one.source, "https://huggingface.co")
    assert meant == HubSource(one.repo, "main", one.file)
    if one.kind == "tokenizer":
        assert one.file.endswith(TOKENIZER)
    elif one.file:
        check_extension(one.save_as or one.file, allow_pickle=False)
        assert not one.variant
    else:
        assert one.kind == "checkpoint"
    assert belongs_into(one.kind)
    assert harmless(one.save_as) == one.save_as
    assert 10**6 < one.size < 10**11
    assert one.purpose.endswith(".")
    assert len(one.purpose) <= 110


@pytest.mark.parametrize("one", LIST, ids=lambda one: one.name)
def test_an_entry_is_under_an_open_licence(one):
    known = ("CreativeML OpenRAIL-M", "CreativeML OpenRAIL++-M", "MIT", "Apache-2.0", "BSD-3-Clause")
    assert one.licence in known


@pytest.mark.parametrize(
    "wrong",
    [
        {"size": 0},
        {"repo": "name"},
        {"kind": "thing"},
        {"family": "sd9"},
        {"licence": ""},
        {"licence_url": "http://x"},
        {"more": 1},
    ],
)
def test_a_wrong_entry_is_refused(tmp_path, wrong):
    file = tmp_path / "curated.json"
    first = json.loads(FILE.read_text(encoding="utf-8"))[0]
    file.write_text(json.dumps([{**first, **wrong}]), encoding="utf-8")
    with pytest.raises(ValidationError):
        read_curated(file)
