"""Tokens, beside transformers' CLIPTokenizer on the same vocabulary."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from transformers import CLIPTokenizer

from tests.loading import token_rows
from webui.config import BUILT_IN_CHECKPOINTS
from webui.prompting.tokens import PromptTokenizer
from webui.prompting.vocabulary import read_clip

FOLDER = BUILT_IN_CHECKPOINTS / "darkroom-demo" / "tokenizer"
OURS = PromptTokenizer.from_folder(FOLDER)
THEIRS = CLIPTokenizer.from_pretrained(FOLDER)


def theirs(text):
    return THEIRS(text, add_special_tokens=False).input_ids


@pytest.mark.parametrize(
    "text",
    [
        "",
        " ",
        "a 3d panda on a blue background",
        "A 3D Panda,ON a BLUE   background!!",
        "tabs\tand\nlines\r\n\n",
        "it's we'll they've I'm you're he'd don't 'quoted'",
        "1girl, 42 cats, 3.14, 2024-05-01",
        "((masterpiece:1.2)), [bad], <lora:x:0.8>",
        "naïve café, Straße, ÀÉÎ, İstanbul",
        "e\N{COMBINING ACUTE ACCENT}te\N{COMBINING ACUTE ACCENT}",  # NFC joins them
        "日本語の猫, кошка, قط, ไทย",
        "🐼🎨 👩‍👩‍👧‍👦 ❤️",
        "a\N{NO-BREAK SPACE}b\N{IDEOGRAPHIC SPACE}c\N{ZERO WIDTH SPACE}d",
        "under_score hy-phen sla/sh back\\slash @home #tag 100% $5 & co",
        "½ ² Ⅷ ٣",
        "supercalifragilisticexpialidocious " * 30,
    ],
)
def test_ids_are_transformers(text):
    assert OURS.ids(text) == theirs(text)


# Marks such as <|endoftext|> in a prompt are plain text here; transformers takes them for the token itself.
@given(st.text(st.characters(exclude_categories=["C"]) | st.sampled_from(" \t\n'|<>,"), max_size=60))
def test_ids_of_any_text_are_transformers(text):
    assert OURS.ids(text) == theirs(text)


def test_special_marks_are_plain_text():
    ids = OURS.ids("<|endoftext|> panda <|startoftext|>")
    assert OURS.end not in ids
    assert OURS.start not in ids


def test_start_and_end_are_transformers():
    assert (OURS.start, OURS.end) == (THEIRS.bos_token_id, THEIRS.eos_token_id)


def test_one_chunk_is_transformers_padded_row():
    text = "a flat rainbow on a yellow background"
    assert token_rows(OURS, text) == [THEIRS(text, padding="max_length", max_length=77).input_ids]


@pytest.mark.parametrize(
    ("tokens", "rows"), [(0, 1), (1, 1), (74, 1), (75, 1), (76, 2), (150, 2), (151, 3), (750, 10)]
)
def test_chunks_and_counts(tokens, rows):
    text = " ".join(["panda"] * tokens)
    assert len(OURS.ids("panda")) == 1
    chunks = token_rows(OURS, text)
    assert [len(chunk) for chunk in chunks] == [77] * rows
    for chunk in chunks:
        assert chunk[0] == OURS.start
        assert chunk[-1] == OURS.end
    body = [token for chunk in chunks for token in chunk[1:-1]]
    assert body[:tokens] == OURS.ids(text)
    assert set(body[tokens:]) <= {OURS.end}


@given(st.lists(st.sampled_from(["panda", "a", "3d", "Straße", ",", "🐼"]), max_size=300))
def test_chunks_lose_nothing(words):
    text = " ".join(words)
    body = [token for chunk in token_rows(OURS, text) for token in chunk[1:-1]]
    assert body[: len(OURS.ids(text))] == OURS.ids(text)


def test_a_folder_without_its_files(tmp_path):
    with pytest.raises(FileNotFoundError):
        PromptTokenizer.from_folder(tmp_path)


def test_sd2_pads_with_its_own_token(tmp_path):
    for name in ("vocab.json", "merges.txt"):
        (tmp_path / name).write_bytes((FOLDER / name).read_bytes())
    for told in ('{"pad_token": "!"}', '{"pad_token": {"content": "!", "lstrip": false}}'):
        (tmp_path / "special_tokens_map.json").write_text(told)
        (row,) = token_rows(PromptTokenizer.from_folder(tmp_path), "a panda")
        exclamation = json.loads((FOLDER / "vocab.json").read_text())["!"]
        assert row[:4] == [*token_rows(PromptTokenizer.from_folder(FOLDER), "a panda")[0][:4]]
        assert row[4:] == [exclamation] * 73


# CLIP's own vocabulary

CLIP = PromptTokenizer.clip()
VOCABULARY, MERGES = read_clip()
THEIR_CLIP = CLIPTokenizer(vocab=VOCABULARY, merges=MERGES)


def test_clip_s_vocabulary_has_the_published_ids():
    assert len(VOCABULARY) == 49_408
    assert CLIP.ids("a photo of a cat") == [320, 1125, 539, 320, 2368]
    assert (CLIP.start, CLIP.end) == (49_406, 49_407)


@given(st.text(st.characters(exclude_categories=["C"]) | st.sampled_from(" \t\n'|<>,"), max_size=60))
def test_ids_of_clip_s_vocabulary_are_transformers(text):
    assert CLIP.ids(text) == THEIR_CLIP(text, add_special_tokens=False).input_ids


@pytest.mark.parametrize(("padding", "number"), [("!", 0), ("<|endoftext|>", 49_407)])
def test_clip_s_rows_are_filled_up_as_the_family_wants(padding, number):
    (row,) = token_rows(PromptTokenizer.clip(padding), "a cat")
    assert row == [49_406, 320, 2368, 49_407, *[number] * 73]
