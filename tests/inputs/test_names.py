import base64
import tracemalloc

import pytest
from hypothesis import given
from hypothesis import strategies as st

from webui.imaging.reading import PictureError
from webui.inputs.names import Enclosed, Finished, InFolder, Uploaded, decoded, read_name

ID = "0123456789abcdef" * 2


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        (ID, Uploaded(ID)),
        (f"{ID}/0", Finished(ID, 0)),
        (f"{ID}/123456", Finished(ID, 123456)),
        ("batch:cats/1.png", InFolder("cats/1.png")),
        (ID.upper(), Enclosed(ID.upper())),
        (f"{ID}/../x", Enclosed(f"{ID}/../x")),
        (f"{ID}\n", Enclosed(f"{ID}\n")),
        (f"{ID}/٣", Enclosed(f"{ID}/٣")),
        ("", Enclosed("")),
    ],
)
def test_names_are_told_apart(name, expected):
    assert read_name(name) == expected


def test_names_are_written_as_they_are_read():
    for name in (f"{ID}/7", "batch:a b/ü.png"):
        assert str(read_name(name)) == name


@given(st.binary(max_size=200))
def test_what_is_enclosed_comes_out(data):
    text = base64.b64encode(data).decode()
    wrapped = "\n".join(text[at : at + 20] for at in range(0, len(text), 20))
    for form in (text, wrapped, text.rstrip("="), f"data:image/png;base64,{text}", f"DATA:;BASE64,{text}"):
        assert decoded(Enclosed(form)) == data


def test_many_spaces_take_little_memory():
    text = "AAAA " * 1_000_000
    tracemalloc.start()
    try:
        assert len(decoded(Enclosed(text))) == 3_000_000
        assert tracemalloc.get_traced_memory()[1] < 5 * len(text)
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("/etc/passwd!", "neither the id of an uploaded picture"),
        ("ümlaut", "nor base64"),
        ("A", "nor base64"),
        ("https://example.org/cat.png", "aren't fetched from addresses"),
        ("FILE:///etc/passwd", "aren't fetched from addresses"),
        ("data:image/svg+xml;utf8,<svg/>", "This data URL isn't base64"),
        ("data:" + "x" * 1_000_000, "This data URL isn't base64"),
        ("data:;base64,ü", "nor base64"),
    ],
)
def test_what_is_no_picture_is_refused_with_a_sentence(text, sentence):
    with pytest.raises(PictureError, match=sentence):
        decoded(Enclosed(text))
