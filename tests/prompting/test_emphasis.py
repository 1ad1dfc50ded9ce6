"""Emphasis and BREAK."""

import time
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from webui.prompting.emphasis import MOST, stretches


def weighted(text, emphasis="Original"):
    """[(text, weight)] of a text without BREAK, the weights rounded."""
    (spans,) = stretches(text, emphasis)
    return [(span.text, round(span.weight, 6)) for span in spans]


@pytest.mark.parametrize(
    ("text", "spans"),
    [
        ("normal text", [("normal text", 1.0)]),
        ("an (important) word", [("an ", 1.0), ("important", 1.1), (" word", 1.0)]),
        ("((twice))", [("twice", 1.21)]),
        ("(by:1.5) number", [("by", 1.5), (" number", 1.0)]),
        ("(a: 0.5 )", [("a", 0.5)]),
        ("(a:-1)(b:+.5)(c:2.)", [("a", -1.0), ("b", 0.5), ("c", 2.0)]),
        ("[less] of it", [("less", 0.909091), (" of it", 1.0)]),
        ("[[far less]]", [("far less", 0.826446)]),
        ("(more [or less])", [("more ", 1.1), ("or less", 1.0)]),
        ("((a:1.2) b:2)", [("a", 2.4), (" b", 2.0)]),
        ("(unnecessary)(parens)", [("unnecessaryparens", 1.1)]),
        (
            "a (((house:1.3)) [on] a (hill:0.5), sun, (((sky))).",
            [
                ("a ", 1.0),
                ("house", 1.573),
                (" ", 1.1),
                ("on", 1.0),
                (" a ", 1.1),
                ("hill", 0.55),
                (", sun, ", 1.1),
                ("sky", 1.4641),
                (".", 1.1),
            ],
        ),
        ("", []),
        ("()", []),
    ],
)
def test_brackets_weigh(text, spans):
    assert weighted(text) == spans


@pytest.mark.parametrize(
    ("text", "spans"),
    [
        ("(unbalanced", [("unbalanced", 1.1)]),
        ("a [unbalanced", [("a ", 1.0), ("unbalanced", 0.909091)]),
        ("a) b] c", [("a) b] c", 1.0)]),
        ("a:1.2) b", [("a:1.2) b", 1.0)]),
        ("(a [b) c]", [("a ", 1.1), ("b", 1.0), (" c", 0.909091)]),
        ("(a:b:1.3)", [("a:b", 1.3)]),
        ("(a:1.2.3)", [("a:1.2.3", 1.1)]),
        ("(a:x)", [("a:x", 1.1)]),
        ("[a:1.3]", [("a:1.3", 0.909091)]),
        ("(16:9)", [("16", 9.0)]),
    ],
)
def test_what_does_not_fit_means_something_too(text, spans):
    assert weighted(text) == spans


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (r"\(literal\]", "(literal]"),
        (r"\[a\) \\ b", "[a) \\ b"),
        (r"smile \:\)", "smile :)"),
        (r"C:\dir", "C:dir"),
        ("end\\", "end"),
    ],
)
def test_a_backslash_makes_signs_text(text, said):
    assert weighted(text) == [(said, 1.0)]


def test_ignore_takes_brackets_away_without_effect():
    assert weighted(r"a (b:1.5) [c] \(d\)", "Ignore") == [("a b c (d)", 1.0)]


def test_none_takes_all_as_it_is():
    assert weighted(r"a (b:1.5) [c] \(d\) BREAK e", "None") == [(r"a (b:1.5) [c] \(d\) BREAK e", 1.0)]


def test_no_norm_has_the_same_weights():
    assert stretches("a (b:1.5) [c]", "No norm") == stretches("a (b:1.5) [c]")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("a BREAK b", ["a", "b"]),
        ("a\nBREAK\nb BREAK  c", ["a", "b", "c"]),
        ("BREAK a BREAK", ["", "a", ""]),
        ("a BREAK BREAK b", ["a", "", "b"]),
        ("aBREAK BREAKS break", ["aBREAK BREAKS break"]),
        ("a, BREAK, b", ["a,", ", b"]),
    ],
)
def test_break_divides(text, said):
    assert ["".join(span.text for span in spans) for spans in stretches(text)] == said


def test_break_divides_within_brackets():
    (one,), (two,) = stretches("(a BREAK b:1.5)")
    assert (one.text, one.weight, two.text, two.weight) == ("a", 1.5, "b", 1.5)


@given(st.lists(st.sampled_from([1.1, 0.5, 2.0, -1.0]), max_size=5))
def test_weights_multiply(weights):
    text, expected = "x", 1.0
    for weight in weights:
        text, expected = f"({text}:{weight})", expected * weight
    ((span,),) = stretches(text)
    assert span.weight == pytest.approx(expected)


@given(
    st.lists(st.sampled_from(["(", ")", "[", "]", ":", "1.5", "a", " ", "\\", ".", "BREAK", ":2)"])).map(
        "".join
    )
)
def test_any_text_has_spans_of_finite_weight(text):
    for spans in stretches(text):
        assert all(span.text and abs(span.weight) <= MOST for span in spans)
        assert all(one.weight != two.weight for one, two in pairwise(spans))


@given(
    st.text(st.characters(exclude_characters="[]()\\"), min_size=1).filter(lambda text: "BREAK" not in text)
)
def test_text_without_signs_is_unchanged(text):
    assert weighted(text) == [(text, 1.0)]


@pytest.mark.parametrize(
    "text",
    [
        "(" * 20_000,
        "(a" * 10_000,
        "(" * 10_000 + ")" * 10_000,
        "(a:9)" * 4_000,
        "(" * 3_000 + "a" + ":99)" * 3_000,
    ],
    ids=lambda text: f"{text[:5]}...",
)
def test_no_text_takes_long_or_overflows(text):
    began = time.process_time()
    (spans,) = stretches(text)
    assert all(abs(span.weight) <= MOST for span in spans)
    assert time.process_time() - began < 5


def test_zero_times_more_than_can_be_told_is_zero():
    ((span,),) = stretches("(" * 2_000 + "(a:0)" + ":99)" * 2_000)
    assert span.weight == 0
