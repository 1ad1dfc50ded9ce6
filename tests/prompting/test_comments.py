"""Comments."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from webui.prompting.comments import without_comments
from webui.prompting.language import read


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ("a cat # not a dog", "a cat "),
        ("# first\na cat", "a cat"),
        ("a cat\n# nothing else\n# nor here\non a sofa", "a cat\non a sofa"),
        ("a cat # one\non a sofa # two", "a cat \non a sofa "),
        ("a #b [c:d:0.5] (e", "a "),
        ("#", ""),
        ("no comment", "no comment"),
    ],
)
def test_comments_are_left_out(text, left):
    assert without_comments(text) == left


def test_what_a_comment_says_means_nothing():
    (subprompt,) = read("a cat # <lora:x:1> AND [b|c] BREAK (d:2)", 10).subprompts
    (moment,) = subprompt.moments
    assert (moment.text, moment.networks) == ("a cat", ())


@given(st.text())
def test_of_any_text_only_whole_lines_ends_go(text):
    left = without_comments(text)
    assert "#" not in left
    assert left.split() == [word for line in text.split("\n") for word in line.partition("#")[0].split()]
