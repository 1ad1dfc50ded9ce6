"""What people write of networks, in the file that A1111 writes, too."""

import json

import pytest

from tests.catalog.samples import SD1, write
from webui.catalog.catalog import Catalog
from webui.catalog.user_metadata import MetadataError, UserMetadata, read_metadata, write_metadata

A1111 = """{
    "description": "Grain",
    "sd version": "SD1",
    "activation text": "grainy,\\n photo",
    "preferred weight": 0.65,
    "negative text": "smooth",
    "notes": "of 2023"
}"""


@pytest.fixture
def file(tmp_path):
    return tmp_path / "film.json"


def test_a1111s_file_is_read(file):
    file.write_text(A1111)
    assert read_metadata(file) == UserMetadata(
        description="Grain",
        sd_version="SD1",
        activation_text="grainy, photo",
        preferred_weight=0.65,
        negative_text="smooth",
        notes="of 2023",
    )


def test_what_is_written_is_read_by_a1111_and_here(file):
    told = UserMetadata(activation_text="grainy", preferred_weight=0.5, negative_text="flat", notes="日本")
    write_metadata(file, told)
    assert json.loads(file.read_text(encoding="utf-8")) == {
        "description": "",
        "sd version": "",
        "activation text": "grainy",
        "preferred weight": 0.5,
        "negative text": "flat",
        "notes": "日本",
    }
    assert read_metadata(file) == told
    assert [path.name for path in file.parent.iterdir()] == ["film.json"]


def test_an_empty_weight_is_a1111s_zero(file):
    write_metadata(file, UserMetadata())
    assert json.loads(file.read_text())["preferred weight"] == 0
    assert read_metadata(file).preferred_weight is None


def test_keys_of_other_programs_stay(file):
    file.write_text('{"civitai id": 7, "notes": "old", "nested": {"a": [1]}}')
    write_metadata(file, UserMetadata(notes="new"))
    kept = json.loads(file.read_text())
    assert (kept["civitai id"], kept["nested"], kept["notes"]) == (7, {"a": [1]}, "new")


@pytest.mark.parametrize(
    "content",
    [
        '{"preferred weight": "x"}',
        '{"preferred weight": NaN}',
        '{"preferred weight": 1e400}',
        '{"preferred weight": 1' + "0" * 400 + "}",
        '{"preferred weight": true, "activation text": ["x"], "notes": {}}',
        "[" * 99_999,
        "5",
        "\0" * (2**20 + 1),
    ],
    ids=lambda content: content[:30],
)
def test_what_can_not_be_meant_tells_nothing(file, content):
    file.write_text(content)
    assert read_metadata(file) == UserMetadata()


def test_what_utf8_can_not_hold_is_replaced(file):
    file.write_text('{"activation text": "a \\ud800", "preferred weight": 0.5}')
    assert read_metadata(file) == UserMetadata(activation_text="a ?", preferred_weight=0.5)


@pytest.mark.parametrize("content", ["[1]", "not JSON", "\0" * (2**20 + 1)], ids=lambda text: text[:9])
def test_a_file_of_something_else_is_left_as_it_is(file, content):
    file.write_text(content)
    with pytest.raises(MetadataError, match=r"film\.json beside the model isn't a file of A1111's"):
        write_metadata(file, UserMetadata(notes="mine"))
    assert file.read_text() == content


def test_a_folder_that_can_not_be_written_to_is_told(tmp_path):
    with pytest.raises(MetadataError, match="Give this server leave to write there"):
        write_metadata(tmp_path / "gone" / "film.json", UserMetadata())


def test_the_catalog_tells_how_a_file_is_used_and_notices_changes(tmp_path, file):
    write(tmp_path / "film.safetensors", SD1)
    file.write_text(A1111)
    (tmp_path / "film.civitai.info").write_text('{"trainedWords": ["grainy", "film still"]}')
    catalog = Catalog.over([tmp_path])
    usage = catalog.files()[0].usage
    assert (usage.activation, usage.weight, usage.negative) == ("grainy, photo", 0.65, "smooth")
    assert usage.trained == ("grainy", "film still")
    write_metadata(file, UserMetadata(preferred_weight=1.5))
    catalog.refresh()
    assert catalog.files()[0].usage.weight == 1.5
