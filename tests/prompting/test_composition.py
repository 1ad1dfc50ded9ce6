"""AND."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from webui.prompting.emphasis import MOST
from webui.prompting.language import read


def said(text, **options):
    """(weight, text) of each part at the end."""
    return [(part.weight, part.moments[-1].text) for part in read(text, 10, **options).subprompts]


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("a cat AND a dog", [(1, "a cat"), (1, " a dog")]),
        ("a cat :1.2 AND a dog:-0.5 AND\na bird", [(1.2, "a cat"), (-0.5, " a dog"), (1, "\na bird")]),
        ("a cat:.5", [(0.5, "a cat")]),
        ("a cat:2.", [(2, "a cat")]),
        ("a cat:+2 ", [(2, "a cat")]),
        ("(a cat:1.2)", [(1, "(a cat:1.2)")]),
        ("a cat: 2 : 3", [(3, "a cat: 2")]),
        ("a cat:1e3", [(1, "a cat:1e3")]),
        ("a cat:", [(1, "a cat:")]),
        ("AND", [(1, ""), (1, "")]),
        ("", [(1, "")]),
    ],
)
def test_and_splits_into_parts_with_weights(text, parts):
    assert said(text) == parts


@pytest.mark.parametrize("text", ["a and b", "And", "SAND AND_ ANDY", "_AND_", "AND1"])
def test_only_the_word_in_capitals_splits(text):
    assert said(text) == [(1, text)]


def test_and_splits_before_brackets_are_read():
    assert said("[a AND b:c:3]") == [(1, "[a"), (1, " b:c:3]")]


def test_a_negative_prompt_is_not_split():
    assert said("bad AND ugly:0.5 ", composes=False) == [(1, "bad AND ugly:0.5 ")]


def test_weights_stay_finite():
    assert said(f"a:{'9' * 400} AND b:-{'9' * 400}") == [(MOST, "a"), (-MOST, " b")]


def test_networks_stay_with_their_part():
    one, two = read("<lora:a:1>cat AND <lora:b:1>dog:0.5<lora:c:1>", 10).subprompts
    assert [network.name for network in one.moments[0].networks] == ["a"]
    assert [network.name for network in two.moments[0].networks] == ["b", "c"]
    assert (two.weight, two.moments[0].text) == (0.5, " dog")


def test_a_tag_before_and_keeps_the_word_whole():
    """Without its tag the text says "catAND dog", which A1111 doesn't split."""
    assert said("cat<lora:a:1>AND dog") == [(1, "catAND dog")]


@given(st.lists(st.sampled_from(["a", "b:0.5", " ", "AND", ":", "2", "\n"]), max_size=30))
def test_no_word_is_lost(words):
    text = " ".join(words)
    parts = [part.strip() for part in text.split("AND")]
    found = said(text)
    assert len(found) == len(parts)
    for (weight, words_said), part in zip(found, parts, strict=True):
        assert part.startswith(words_said.strip())
        assert weight == 1 or float(part[len(words_said.strip()) :].strip().removeprefix(":")) == weight
