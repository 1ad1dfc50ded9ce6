"""Chunks of 75 tokens, beside transformers' padded rows."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from transformers import CLIPTokenizer

from webui.prompting.chunks import chunked
from webui.prompting.emphasis import stretches
from webui.prompting.learned import Names
from webui.prompting.tokens import CHUNK, PromptTokenizer
from webui.prompting.vocabulary import read_clip

CLIP = PromptTokenizer.clip()
VOCABULARY, MERGES = read_clip()
COMMA, CAT = VOCABULARY[",</w>"], VOCABULARY["cat</w>"]


def cats(number):
    return " ".join(["cat"] * number)


def sizes(text, **options):
    """How many tokens of the text each chunk has."""
    return [chunk.ids.index(CLIP.end) - 1 for chunk in chunked(text, CLIP, **options)]


def test_one_chunk_is_transformers_padded_row():
    text = "a flat rainbow, on a yellow background"
    theirs = CLIPTokenizer(vocab=VOCABULARY, merges=MERGES)(text, padding="max_length", max_length=77)
    (chunk,) = chunked(text, CLIP)
    assert list(chunk.ids) == theirs.input_ids
    assert chunk.weights == (1.0,) * 77


@pytest.mark.parametrize(("padding", "number"), [("!", 0), ("<|endoftext|>", 49_407)])
def test_rows_are_filled_up_as_the_family_wants(padding, number):
    (chunk,) = chunked("a cat", PromptTokenizer.clip(padding))
    assert chunk.ids == (49_406, 320, 2368, 49_407, *[number] * 73)


def test_each_token_has_its_weight():
    (chunk,) = chunked("a (fluffy cat:1.5) [sits]", CLIP)
    assert chunk.weights[:6] == (1.0, 1.0, 1.5, 1.5, pytest.approx(1 / 1.1), 1.0)
    assert set(chunk.weights[5:]) == {1.0}


def test_brackets_around_all_weigh_the_text_only():
    (chunk,) = chunked(f"({cats(75)}:1.3)", CLIP)
    assert chunk.weights == (1.0, *[1.3] * 75, 1.0)


@pytest.mark.parametrize("emphasis", ["Ignore", "None"])
def test_without_emphasis_all_weigh_one(emphasis):
    (chunk,) = chunked("a (cat:1.5)", CLIP, emphasis)
    assert set(chunk.weights) == {1.0}
    assert (CLIP.ids("(")[0] in chunk.ids) == (emphasis == "None")


@pytest.mark.parametrize(
    ("tokens", "expected"),
    [(0, [0]), (1, [1]), (75, [75]), (76, [75, 1]), (150, [75, 75]), (151, [75, 75, 1])],
)
def test_75_tokens_fit(tokens, expected):
    assert sizes(cats(tokens)) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("cat BREAK cat cat", [1, 2]),
        ("cat BREAK", [1]),
        ("BREAK cat", [0, 1]),
        ("cat BREAK BREAK cat", [1, 0, 1]),
        ("BREAK", [0]),
        (f"{cats(75)} BREAK cat", [75, 1]),
        (f"{cats(80)} BREAK cat", [75, 5, 1]),
    ],
)
def test_break_ends_a_chunk(text, expected):
    assert sizes(text) == expected


@pytest.mark.parametrize(
    ("before", "backtrack", "first"),
    [
        (60, 20, 61),  # the comma is token 61 of 75: 15 from the end
        (55, 20, 56),  # just within reach
        (54, 20, 75),  # just out of reach
        (54, 21, 55),
        (60, 0, 75),
        (74, 1, 75),  # the comma is the chunk's last token
        (73, 1, 75),
        (73, 2, 74),
        (1, 74, 2),
        (75, 20, 75),  # the comma begins the next chunk
    ],
)
def test_a_full_chunk_ends_at_its_last_comma(before, backtrack, first):
    assert sizes(f"{cats(before)}, {cats(80)}", backtrack=backtrack)[0] == first


def test_the_last_of_several_commas_counts():
    assert sizes(f"{cats(58)}, cat, {cats(40)}") == [61, 40]


def test_a_comma_that_follows_a_full_chunk_holds_nothing_back():
    """As in A1111, where the 76th token's being a comma comes before looking back for another."""
    assert sizes(f"{cats(60)}, {cats(14)}, {cats(10)}") == [75, 11]


def test_weights_move_with_their_tokens():
    one, two = chunked(f"{cats(70)}, (big:1.5) {cats(10)}", CLIP)
    assert one.ids[71] == COMMA
    assert one.ids[72] == CLIP.end
    assert two.weights[1] == 1.5
    assert two.ids[1:3] == (CLIP.ids("big")[0], CAT)


WORDS = st.sampled_from(
    ["cat", "a", ",", "(", ")", "[", "]", ":1.2)", "BREAK", "Straße", "🐼", " ", "cat " * 20]
)


@settings(max_examples=60)
@given(st.lists(WORDS, max_size=60).map(" ".join), st.integers(0, 74))
def test_chunks_hold_the_tokens_of_the_spans_in_their_order(text, backtrack):
    chunks = chunked(text, CLIP, backtrack=backtrack)
    spans = [span for spans in stretches(text) for span in spans]
    expected = [(number, span.weight) for span in spans for number in CLIP.ids(span.text)]
    found = []
    for chunk in chunks:
        assert len(chunk.ids) == len(chunk.weights) == CHUNK + 2
        end = chunk.ids.index(CLIP.end)
        assert chunk.ids[0] == CLIP.start
        assert set(chunk.ids[end:]) == {CLIP.end}
        assert set(chunk.weights[end:]) == {1.0}
        found += zip(chunk.ids[1:end], chunk.weights[1:end], strict=True)
    assert found == expected


def taught(**lengths):
    """Finds words that embeddings have taught."""
    return Names(lengths, CLIP).finder(lambda name: lengths[name])


def words(text, **lengths):
    """Of each chunk how many tokens it has, and where which words begin."""
    chunks = chunked(text, CLIP, find=taught(**lengths))
    return [(chunk.ids.index(CLIP.end) - 1, chunk.words) for chunk in chunks]


def test_taught_words_take_the_room_of_their_vectors():
    assert words("a zqpet sits, zqpet", zqpet=3) == [(9, ((2, "zqpet"), (7, "zqpet")))]
    (chunk,) = chunked("a (zqpet:1.5) sits", CLIP, find=taught(zqpet=3))
    assert chunk.weights[:7] == (1.0, 1.0, 1.5, 1.5, 1.5, 1.0, 1.0)
    assert chunk.ids[5] == CLIP.ids("sits")[0]


def test_taught_words_stand_next_to_signs():
    assert [at for at, _ in words("[zqpet], zqpet!", zqpet=1)[0][1]] == [1, 3]
    assert words("zqpet zqpetto", zqpet=1)[0][1] == ((1, "zqpet"),)


@pytest.mark.parametrize(
    ("before", "expected"),
    [
        (73, [(74, ((74, "zqpet"),))]),
        (74, [(75, ((75, "zqpet"),))]),
        (75, [(75, ()), (1, ((1, "zqpet"),))]),
    ],
)
def test_one_vector_fits_where_a_token_does(before, expected):
    assert words(f"{cats(before)} zqpet", zqpet=1) == expected


def test_a_taught_word_is_never_divided():
    for before in range(60, 80):
        found = words(f"{cats(before)} zqpet {cats(10)}", zqpet=8)
        assert sum(size for size, _ in found) == before + 18
        assert [name for _, places in found for _, name in places] == ["zqpet"]
        assert all(at + 7 <= size for size, places in found for at, _ in places)
    # As in A1111 one that doesn't fit begins a chunk, and no comma is looked for.
    assert [size for size, _ in words(f"{cats(60)}, {cats(10)} zqpet", zqpet=8)] == [71, 8]
    assert [size for size, _ in words(f"{cats(60)}, {cats(14)} zqpet", zqpet=8)] == [61, 22]
    assert words("zqpet zqpet", zqpet=75) == [(75, ((1, "zqpet"),)), (75, ((1, "zqpet"),))]


def test_the_longest_name_counts_and_one_that_cant_be_used_is_words():
    assert [name for _, name in words("zq pet, zq", zq=1, **{"zq pet": 2})[0][1]] == ["zq pet", "zq"]
    assert [name for _, name in words("zq pet, zq", zq=1, **{"zq pet": 0})[0][1]] == ["zq", "zq"]
    assert words("zqpet", zqpet=0) == [(len(CLIP.ids("zqpet")), ())]


def test_of_names_that_differ_in_capitals_the_one_that_is_written_counts():
    lengths = {"ZqPet": 1, "zqpet": 1}
    assert [words(text, **lengths)[0][1] for text in ("a ZqPet", "a zqpet", "a ZQPET")] == [
        ((2, "ZqPet"),),
        ((2, "zqpet"),),
        ((2, "ZqPet"),),
    ]
