"""Prompts for models that take plain text."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from webui.prompting.plain import Plain, plain


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("a panda, on the beach", Plain("a panda, on the beach", lost=False)),
        ("a (red:1.3) panda", Plain("a red panda", lost=True)),
        (r"a sign \(left\)", Plain("a sign (left)", lost=False)),
        ("an [owl:panda:0.5] at night", Plain("an owl at night", lost=True)),
        ("[owl|panda]", Plain("owl", lost=True)),
        ("owl AND panda:0.5", Plain("owl, panda", lost=True)),
        ("an owl<lora:x:1>", Plain("an owl", lost=False)),
        ("an owl[<lora:x:1>::0.5]", Plain("an owl", lost=True)),
        ("an owl # or not", Plain("an owl", lost=False)),
        ("", Plain("", lost=False)),
    ],
)
def test_only_words_are_left(text, said):
    found = plain(text)
    assert (found.text.strip(), found.lost) == (said.text, said.lost)


def test_networks_are_told_beside():
    assert [network.name for network in plain("a <lora:x:1> AND <lora:y:1><lora:x:1>").networks] == ["x", "y"]


def test_a_break_is_a_space():
    assert plain("an owl BREAK a panda") == Plain("an owl a panda", lost=True)


def test_brackets_can_be_text():
    assert plain("a (red) panda", "None") == Plain("a (red) panda", lost=False)


@given(st.text(alphabet=st.characters(exclude_characters="()[]\\<>#:|", exclude_categories=["C", "Z"])))
def test_words_alone_stay_as_they_are(text):
    if "AND" not in text and "BREAK" not in text:
        assert plain(text) == Plain(text, lost=False)
