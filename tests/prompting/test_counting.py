"""The count of tokens."""

import time

import pytest

from webui.prompting.counting import count
from webui.prompting.learned import Names
from webui.prompting.tokens import PromptTokenizer

CLIP = PromptTokenizer.clip()
CATS = "cat " * 70


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", (0, 75)),
        ("a photo of a cat", (5, 75)),
        ("a (photo:1.2) of [a] ((cat))", (5, 75)),
        ("cat " * 75, (75, 75)),
        ("cat " * 76, (76, 150)),
        ("cat BREAK cat", (76, 150)),
        ("cat BREAK", (75, 75)),
        (f"{CATS}, {CATS}", (145, 150)),
        ("a cat <lora:something with a long name:0.8> # and a comment", (2, 75)),
    ],
)
def test_counts_as_a1111_does(text, expected):
    assert count(text, CLIP) == expected


def test_the_longest_that_is_ever_said_counts():
    assert count("[cat:cat cat cat:0.5] [cat|cat cat]", CLIP) == (5, 75)
    assert count("cat AND cat cat cat AND cat cat", CLIP) == (3, 75)


def test_emphasis_and_backtrack_are_heeded():
    assert count("(cat)", CLIP, "None") == (3, 75)
    assert count(f"{CATS}, {CATS}", CLIP, backtrack=0) == (141, 150)


@pytest.mark.parametrize(
    "text", ["[" * 20_000, "(a|" * 6_000, "[a|b]" * 4_000, "\\" * 20_000], ids=lambda text: f"{text[:5]}..."
)
def test_no_text_takes_long(text):
    began = time.process_time()
    used, room = count(text, CLIP)
    assert used <= room
    assert time.process_time() - began < 10


def test_taught_words_count_their_vectors():
    find = Names(["zqpet"], CLIP).finder(lambda _: 8)
    assert count("a (zqpet:1.2), [cat:zqpet zqpet:0.5]", CLIP, find=find) == (26, 75)
