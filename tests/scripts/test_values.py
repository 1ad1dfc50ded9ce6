import math
import time
from contextlib import suppress
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from webui.scripts import values


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("7", [7]),
        ("3, 1,2", [3, 1, 2]),
        ("1-5", [1, 2, 3, 4, 5]),
        ("1-5 (+2)", [1, 3, 5]),
        ("1-6(2)", [1, 3, 5]),
        ("10-5 (-3)", [10, 7]),
        ("5-1", [5, 4, 3, 2, 1]),
        ("1-10 [5]", [1, 3, 5, 7, 10]),  # as A1111 does: cut, not rounded
        ("4-9 [1]", [4]),
        ("-5--3", [-5, -4, -3]),
        ("-1, -1", [-1, -1]),
        ("-2-2 (+2)", [-2, 0, 2]),
        ("1, 5-6, 10-20 [2]", [1, 5, 6, 10, 20]),
        ("1\n2\r\n3\r4", [1, 2, 3, 4]),
        (" 1 ,, 2 , ", [1, 2]),
        ("9007199254740991", [2**53 - 1]),
        ("", []),
    ],
)
def test_whole_numbers(text, expected):
    assert values.integers(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("7, 7.5", [7.0, 7.5]),
        ("1-3 (+0.5)", [1, 1.5, 2, 2.5, 3]),
        ("0.1-0.5 [5]", [0.1, 0.2, 0.3, 0.4, 0.5]),
        ("0.0-1.0 [6]", [0, 0.2, 0.4, 0.6, 0.8, 1]),
        ("0-1 (+0.3)", [0, 0.3, 0.6, 0.9]),
        ("0.1-0.3 (+0.1)", [0.1, 0.2, 0.3]),
        (".5-1 [2]", [0.5, 1]),
        ("1.-2.", [1, 2]),
        ("1e-3", [0.001]),
        ("-0.5-0.5 [3]", [-0.5, 0, 0.5]),
    ],
)
def test_numbers(text, expected):
    assert values.numbers(text) == expected


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("x", '"x" is no number'),
        ("1, two", '"two" is no number'),
        ("1.5", '"1.5" is no whole number'),
        ("1-2.5", "not whole"),
        ("1-5 (+0.5)", "not whole"),
        ("1-5 (-1)", "turn the sign"),
        ("1-5 (+0)", "turn the sign"),
        ("1-1000000000", "10,000 are the limit"),
        ("1-5 [20000]", "these are 20,000 values"),
        ("1-10000, 1", "these are 10,001 values"),
        ("nan", "is no number"),
        ("inf", "is no number"),
        ("²", "is no number"),
        ("1e400", "is no number"),
    ],
)
def test_what_are_no_whole_numbers(text, complaint):
    with pytest.raises(ValueError, match=complaint.replace("(", r"\(")):
        values.integers(text)


WHOLE = st.integers(-(10**6), 10**6)


@given(WHOLE, st.integers(1, 500), st.integers(1, 50))
@settings(max_examples=60)
def test_a_range_goes_evenly_from_its_start_to_no_further_than_its_end(start, length, step):
    for sign in (1, -1):
        end = start + sign * length
        found = values.integers(f"{start}-{end} ({sign * step:+d})")
        assert found == list(range(start, end + sign, sign * step))
        assert values.numbers(f"{start}-{end} ({sign * step:+d})") == found


@given(WHOLE, WHOLE, st.integers(2, 40))
@settings(max_examples=60)
def test_a_counted_range_has_as_many_values_with_both_ends(start, end, count):
    found = values.numbers(f"{start}-{end} [{count}]")
    assert (len(found), found[0], found[-1]) == (count, start, end)
    steps = [after - before for before, after in pairwise(found)]
    assert max(steps) - min(steps) < 1e-6
    assert values.integers(f"{start}-{end} [{count}]") == [math.trunc(value) for value in found]


@given(st.lists(st.text(alphabet=st.characters(exclude_categories=["Cs", "Cc"])).map(str.strip), min_size=1))
@settings(max_examples=100)
def test_texts_in_quotes_are_kept(wanted):
    quoted = ", ".join('"' + text.replace('"', '""') + '"' for text in wanted)
    assert values.texts(quoted) == wanted


@given(st.text(alphabet='0123456789-+.,()[]" \n\rx\0e', max_size=60))
@settings(max_examples=200)
def test_whatever_is_written_gives_values_or_a_value_error(text):
    for read in (values.integers, values.numbers, values.switches, values.texts):
        with suppress(ValueError):
            assert len(read(text)) <= values.MAX_VALUES


@pytest.mark.parametrize(
    "text",
    [
        "9" * 20_000,
        " " * 19_999 + "-",
        "1-" * 10_000,
        f"1-{'9' * 19_000}",
        "1-5 [" + "9" * 19_000 + "]",
        "," * 20_000,
    ],
)
def test_hostile_texts_take_no_time(text):
    begun = time.perf_counter()
    with pytest.raises(ValueError, match=r"limit|no number"):
        values.numbers(text)
    assert time.perf_counter() - begun < 1


def test_switches():
    assert values.switches("True, false, YES,no, 1,0,on,Off") == [True, False] * 4
    with pytest.raises(ValueError, match='"maybe" is neither True nor False'):
        values.switches("maybe")


def test_choices_are_found_in_any_letter_case():
    assert values.choices("cpu, NV", ("CPU", "GPU", "NV")) == ["CPU", "NV"]
    with pytest.raises(ValueError, match='"TPU" is none of CPU, GPU, NV'):
        values.choices("TPU", ("CPU", "GPU", "NV"))
