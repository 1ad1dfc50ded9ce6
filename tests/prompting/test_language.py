"""What is said when: editing, alternation, networks by step."""

import time
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from webui.prompting.language import Moment, moment_at, read


def over(text, steps=10):
    """(until, text) of each moment of a prompt that has one part."""
    (subprompt,) = read(text, steps, composes=False).subprompts
    return [(moment.until, moment.text) for moment in subprompt.moments]


def named(text, steps=10):
    """(until, names of networks) of each moment."""
    (subprompt,) = read(text, steps).subprompts
    return [(moment.until, [network.name for network in moment.networks]) for moment in subprompt.moments]


# Editing


@pytest.mark.parametrize(
    ("text", "moments"),
    [
        ("a cat", [(10, "a cat")]),
        ("a [b:c:3]", [(3, "a b"), (10, "a c")]),
        ("a [b:3]", [(3, "a "), (10, "a b")]),
        ("a [b::3]", [(3, "a b"), (10, "a ")]),
        ("a [:b:3]", [(3, "a "), (10, "a b")]),
        ("a [b : c : 1 ] d", [(1, "a b  d"), (10, "a  c  d")]),
        ("a [b:c:10]", [(10, "a b")]),
        ("a [b:c:99]", [(10, "a b")]),
        ("a [b:c:0]", [(10, "a c")]),
        ("a [b:c:-3]", [(10, "a c")]),
        ("a [b:b:3]", [(10, "a b")]),
        ("a [b:c:1e400]", [(10, "a b")]),
        ("[b:c:3] [d:e:6]", [(3, "b d"), (6, "c d"), (10, "c e")]),
    ],
)
def test_editing_changes_the_text_after_a_step(text, moments):
    assert over(text) == moments


@pytest.mark.parametrize(
    ("when", "until"), [(".5", 10), ("0.5", 10), ("0.25", 5), ("0.33", 6), ("1.0", 20), ("1.5", 20)]
)
def test_a_number_with_a_point_is_a_share_of_the_steps(when, until):
    assert over(f"a [b:c:{when}]", 20)[0] == (until, "a b")


def test_a1111s_own_example():
    text = (
        "fantasy landscape with a [mountain:lake:0.25] and [an oak:a christmas tree:0.75]"
        "[ in foreground::0.6][: in background:0.25] [shoddy:masterful:0.5]"
    )
    assert over(text, 100) == [
        (25, "fantasy landscape with a mountain and an oak in foreground shoddy"),
        (50, "fantasy landscape with a lake and an oak in foreground in background shoddy"),
        (60, "fantasy landscape with a lake and an oak in foreground in background masterful"),
        (75, "fantasy landscape with a lake and an oak in background masterful"),
        (100, "fantasy landscape with a lake and a christmas tree in background masterful"),
    ]


@pytest.mark.parametrize(
    ("text", "moments"),
    [
        ("a[b:[c:d:2]:1]e", [(1, "abe"), (2, "ace"), (10, "ade")]),
        ("[[a:b:2]:[c:d:8]:5]", [(2, "a"), (5, "b"), (8, "c"), (10, "d")]),
        ("[a|[b:c:2]]", [(1, "a"), (2, "b"), *[(step, "ac"[1 - step % 2]) for step in range(3, 11)]]),
        ("[[a|b]:c:2]", [(1, "a"), (2, "b"), (10, "c")]),
    ],
)
def test_editing_and_alternation_nest(text, moments):
    assert over(text) == moments


@pytest.mark.parametrize(
    ("text", "moments"),
    [
        ("a [[[b]]:2]", [(2, "a "), (10, "a [[b]]")]),
        ("[(a:2):3]", [(3, ""), (10, "(a:2)")]),
        ("(a [b:c:3]:1.2)", [(3, "(a b:1.2)"), (10, "(a c:1.2)")]),
        ("(a:[1.1:1.4:3])", [(3, "(a:1.1)"), (10, "(a:1.4)")]),
        ("[a|(b:1.1)]", [(step, "(b:1.1)" if step % 2 == 0 else "a") for step in range(1, 11)]),
        (r"[\[a\]:b:3]", [(3, r"\[a\]"), (10, "b")]),
        (r"[a\:b:3]", [(3, ""), (10, r"a\:b")]),
    ],
)
def test_emphasis_within_and_around_editing(text, moments):
    assert over(text) == moments


# Alternation


@pytest.mark.parametrize(
    ("text", "turns"),
    [
        ("[a|b|c]", ["a", "b", "c", "a", "b", "c", "a", "b", "c", "a"]),
        ("[fe|]male", ["female", "male"] * 5),
        ("[|x||]", ["", "x", "", "", "", "x", "", "", "", "x"]),
        ("[a|[b|c]]", ["a", "c"] * 5),
    ],
)
def test_alternation_takes_turns(text, turns):
    found = over(text)
    assert [next(said for until, said in found if step <= until) for step in range(1, 11)] == turns


def test_equal_neighbours_are_one_moment():
    assert over("[a|a|b]", 6) == [(2, "a"), (3, "b"), (5, "a"), (6, "b")]
    assert over("[|]") == [(10, "")]


# What doesn't fit together is text


@pytest.mark.parametrize(
    "text",
    [
        "a [unbalanced",
        "a [{b|d{:.5] c",
        "[word]",
        "[a:b]",
        "[a:b:c:3]",
        "[a:b:c]",
        "[a:b:3",
        "a:b:3]",
        "[(a:3]",
        "[a):3]",
        "[a:b|c:3]",
        "[[a:b]:3]",
        "[(a:b:c):3]",
        "[ 3 ]",
        "[a:3x]",
        "[a:1.2.3]",
        r"\[a:b:3\]",
    ],
)
def test_what_makes_no_sense_is_text(text):
    assert over(text) == [(10, text)]


@pytest.mark.parametrize(
    ("text", "moments"),
    [
        ("((a][:b:c [d:3]", [(3, "((a][:b:c "), (10, "((a][:b:c d")]),
        ("[a [b:3]", [(3, "[a "), (10, "[a b")]),
        ("[a:3]]", [(3, "]"), (10, "a]")]),
        ("[(a:b:c):[x:y:2]:3]", [(2, "[(a:b:c):x:3]"), (10, "[(a:b:c):y:3]")]),
        ("16:9 ([a:b:3] (c:1.2):1.1) :)", [(3, "16:9 (a (c:1.2):1.1) :)"), (10, "16:9 (b (c:1.2):1.1) :)")]),
    ],
)
def test_what_makes_sense_works_beside_and_within_what_does_not(text, moments):
    assert over(text) == moments


@pytest.mark.parametrize("text", ["a | b [c:d:3]", "(a|b) [c:d:3]", "[c:d:3]\\", "[c:d:3] \\\nb"])
def test_a_stray_bar_or_backslash_makes_all_of_it_text(text):
    assert over(text) == [(10, text)]


# Networks


def test_networks_in_editing_come_and_go():
    assert named("a [<lora:x:1>::0.5]") == [(5, ["x"]), (10, [])]
    assert named("a [<lora:x:1>:<lora:y:1>:3]") == [(3, ["x"]), (10, ["y"])]
    assert named("[cat<lora:x:1>|dog<lora:y:1>]", 3) == [(1, ["x"]), (2, ["y"]), (3, ["x"])]
    assert named("[[<lora:x:1>b:2]:<lora:y:1>:5]") == [(2, []), (5, ["x"]), (10, ["y"])]


def test_networks_elsewhere_hold_all_the_time():
    assert named("<lora:x:1> [a:b:3] <lora:y:1>") == [(3, ["x", "y"]), (10, ["x", "y"])]
    assert named("(a <lora:x:1>:1.2) [b<lora:y:1>]") == [(10, ["x", "y"])]
    assert named("a | b [c:<lora:x:1>:3]") == [(10, ["x"])]


@pytest.mark.parametrize("text", ["[a:b:<lora:x:1>3]", "[a:b:3<lora:x:1>]", "[a:b:3]<lora:x:1>"])
def test_a_network_beside_the_number_holds_all_the_time(text):
    assert named(text) == [(3, ["x"]), (10, ["x"])]
    assert over(text) == [(3, "a"), (10, "b")]


# Any text

SIGNS = st.lists(st.sampled_from([*"[]():|\\ ab3.-\n", "[a:b:3]", "[a|b]", ":.5]", "AND", "<lora:x:1>"]))


@given(SIGNS.map("".join) | st.text(), st.integers(1, 40))
def test_any_text_is_read_and_the_moments_cover_all_steps(text, steps):
    for composes in (True, False):
        for subprompt in read(text, steps, composes=composes).subprompts:
            ends = [moment.until for moment in subprompt.moments]
            assert ends[-1] == steps
            assert ends == sorted(set(ends))
            assert ends[0] >= 1
            for one, next_one in pairwise(subprompt.moments):
                assert (one.text, one.networks) != (next_one.text, next_one.networks)


@given(st.text(st.characters(exclude_characters="[]()<>#|\\:")).filter(lambda text: "AND" not in text))
def test_text_without_signs_is_what_it_says(text):
    assert over(text) == [(10, text)]


def test_the_moment_of_an_evaluation_is_a1111s():
    moments = [Moment(3, "a", ()), Moment(5, "b", ()), Moment(10, "c", ())]
    said = "".join(moment_at(moments, index).text for index in range(12))
    assert said == "aaaabbcccccc"


MANY = 20_000


@pytest.mark.parametrize(
    "text",
    [
        "[" * MANY,
        "(" * MANY,
        "[" * (MANY // 2) + "]" * (MANY // 2),
        "[|]" * (MANY // 3),
        "[a|b]" * (MANY // 5),
        "[|" * (MANY // 3) + "]" * (MANY // 3),
        "[" * (MANY // 6) + "a" + "".join(f":{step % 300}]" for step in range(MANY // 6)),
        "".join(f"[a:{step % 300}]" for step in range(MANY // 7)),
        "[" * 5000 + "[a|b]" * 1900 + "]" * 5000,
        "[<a:b>|]" * (MANY // 8),
        "<a:" * (MANY // 3),
        "AND " * (MANY // 4),
        "a:" + " " * MANY + "x",
        "#\n" * (MANY // 2),
    ],
    ids=lambda text: f"{text[:6]}...",
)
def test_no_text_takes_long(text):
    began = time.process_time()
    read(text, 300)
    assert time.process_time() - began < 5


# The second pass of hires fix


@pytest.mark.parametrize(
    ("text", "moments"),
    [
        ("a [b:c:0.5]", [(10, "a c")]),
        ("a [b:c:1.0]", [(10, "a c")]),
        ("a [b:c:1.5]", [(5, "a b"), (10, "a c")]),
        ("a [b:c:2.5]", [(10, "a b")]),
        ("a [b:c:7]", [(10, "a c")]),
        ("a [b:c:23]", [(3, "a b"), (10, "a c")]),
        ("a [b:c:30]", [(10, "a b")]),
        ("a [b:c:1e400]", [(10, "a b")]),
        ("[x:[b:c:1.5]:0.2]", [(5, "b"), (10, "c")]),
    ],
)
def test_numbers_count_on_in_the_second_pass(text, moments):
    (subprompt,) = read(text, 10, before=20).subprompts
    assert [(moment.until, moment.text) for moment in subprompt.moments] == moments


def test_alternation_begins_anew_in_the_second_pass():
    assert read("[a|b]", 4, before=3) == read("[a|b]", 4)


@given(text=st.text("[]:|ab.0123 ", max_size=60), before=st.integers(0, 300), composes=st.booleans())
def test_any_text_has_a_second_pass(text, before, composes):
    for part in read(text, 10, composes=composes, before=before).subprompts:
        assert part.moments[-1].until == 10
        assert all(one.until < other.until for one, other in pairwise(part.moments))
