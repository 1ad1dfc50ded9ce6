"""What the files of networks tell of their training."""

import json

import pytest
import torch
from safetensors.torch import save_file

from webui.catalog.training_notes import MAX_TAGS, TrainingNotes, read_training_notes

DOWN = "lora_unet_down_blocks_0_attentions_0_transformer_blocks_0_attn2_to_k.lora_down.weight"


@pytest.fixture
def notes(tmp_path):
    """Writes a file with metadata, and reads what it tells."""

    def read(weights=None, **metadata):
        file = tmp_path / "film.safetensors"
        save_file(weights or {DOWN: torch.zeros(4, 768)}, file, metadata=metadata)
        return read_training_notes(file)

    return read


def test_kohyas_metadata(notes):
    told = notes(
        ss_network_dim="16",
        ss_network_alpha="8.0",
        ss_sd_model_name="v1-5.safetensors",
        ss_resolution="(512, 512)",
        ss_clip_skip="None",
        ss_num_train_images="40",
    )
    assert dict(told.facts) == {
        "Rank": "16",
        "Alpha": "8.0",
        "Base model": "v1-5.safetensors",
        "Resolution": "(512, 512)",
        "Pictures": "40",
    }


def test_modelspecs_metadata(notes):
    facts = dict(notes(**{"modelspec.title": "Film", "modelspec.trigger_phrase": "grainy"}).facts)
    assert (facts["Title"], facts["Trigger"]) == ("Film", "grainy")


def test_a_rank_that_is_not_told_is_that_of_the_weights(notes):
    assert dict(notes().facts) == {"Rank": "4"}
    other = DOWN.replace("blocks_0", "blocks_1", 1)
    assert dict(notes({DOWN: torch.zeros(4, 768), other: torch.zeros(8, 768)}).facts) == {"Rank": "4 to 8"}


def test_an_embedding_tells_its_vectors(notes):
    assert dict(notes({"emb_params": torch.zeros(3, 768)}).facts) == {"Vectors": "3"}
    assert dict(notes({"clip_g": torch.zeros(2, 1280), "clip_l": torch.zeros(2, 768)}).facts) == {
        "Vectors": "2"
    }


def test_tags_are_added_up_over_folders_and_the_most_frequent_come_first(notes):
    folders = {"10_film": {"grain": 5, "dark": 9}, "5_more": {"grain": 7, " old\n photo ": 1, "never": 0}}
    assert notes(ss_tag_frequency=json.dumps(folders)).tags == (("grain", 12), ("dark", 9), ("old photo", 1))


@pytest.mark.parametrize(
    "told",
    [
        "not JSON",
        "[1, 2]",
        '{"a": 5, "b": [1], "c": null}',
        '{"a": {"x": "many", "y": null, "": 4, "z": Infinity}}',
        '{"a": {"x": 1' + "0" * 400 + "}}",
        "[" * 99_999,
    ],
    ids=lambda told: told[:20],
)
def test_odd_frequencies_tell_no_tags(notes, told):
    assert notes(ss_tag_frequency=told).tags == ()


def test_what_utf8_can_not_hold_is_replaced(tmp_path):
    told = {"ss_output_name": "a \ud800", "ss_tag_frequency": '{"a": {"\\udfff b": 3}}'}
    header = json.dumps({"__metadata__": told}).encode()
    (tmp_path / "odd.safetensors").write_bytes(len(header).to_bytes(8, "little") + header)
    found = read_training_notes(tmp_path / "odd.safetensors")
    assert (found.facts, found.tags) == ((("Title", "a ?"),), (("? b", 3),))


def test_there_is_an_end_to_tags_and_values(notes):
    told = notes(
        ss_tag_frequency=json.dumps({"a": {f"tag {number}": 1 for number in range(MAX_TAGS + 5)}}),
        ss_training_comment="x" * 100_000,
    )
    assert len(told.tags) == MAX_TAGS
    assert len(dict(told.facts)["Comment"]) <= 300


def test_a_file_that_can_not_be_read_tells_nothing(tmp_path):
    assert read_training_notes(tmp_path / "none.safetensors") == TrainingNotes()
    (tmp_path / "torn.safetensors").write_bytes(b"\x10\0\0\0\0\0\0\0{")
    assert read_training_notes(tmp_path / "torn.safetensors") == TrainingNotes()
