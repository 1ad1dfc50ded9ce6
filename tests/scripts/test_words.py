import shlex

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from webui.scripts.words import split


@given(st.text(alphabet="ab -'\"\\\t", max_size=30))
@settings(max_examples=300)
def test_words_are_parted_as_a_shell_parts_them(text):
    try:
        expected = shlex.split(text)
    except ValueError:
        with pytest.raises(ValueError, match="never closed"):
            split(text)
    else:
        assert split(text) == expected


def test_quotes_may_hold_either_kind_and_line_breaks():
    assert split("""--a "it's" 'so "big"' x\\ y ""\n'z\n'""") == ["--a", "it's", 'so "big"', "x y", "", "z\n"]
