import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from webui.scripts import grid
from webui.scripts.fonts import Fonts
from webui.scripts.grid import EMPTY, PAPER, compose
from webui.scripts.legend import SMALLEST, write
from webui.scripts.plan import Label, Layout

RED, BLUE = (200, 10, 10), (10, 10, 200)


def legend(*texts):
    return tuple((Label(text),) if text else () for text in texts)


@pytest.fixture
def paint(tmp_path):
    def paint(colour, size=(64, 48)):
        file = tmp_path / f"{colour}-{size}.png"
        Image.new("RGB", size, colour).save(file)
        return file

    return paint


def inside(picture, x, y, width=64, height=48):
    """The colour of a cell's middle."""
    return picture.getpixel((x + width // 2, y + height // 2))


def test_cells_lie_where_they_belong(paint):
    files = {(0, 0, 0): paint(RED), (1, 1, 0): paint(BLUE)}
    made = compose(Layout(legend("", ""), legend("", ""), margin=10), (64, 48), files.get)
    assert made.size == (2 * 64 + 10, 2 * 48 + 10)
    assert inside(made, 0, 0) == RED
    assert inside(made, 74, 58) == BLUE
    assert inside(made, 74, 0) == inside(made, 0, 58) == EMPTY
    assert made.getpixel((69, 20)) == PAPER


def test_legends_stand_left_and_above_and_leave_the_cells_alone(paint):
    made = compose(Layout(legend("Steps: 1", "Steps: 2"), legend("Seed: 1")), (64, 48), lambda _: paint(RED))
    left, above = made.width - 2 * 64, made.height - 48
    pixels = np.asarray(made).astype(int)
    assert (pixels[above:, left:] == RED).all()
    assert (pixels[:above, left : left + 64].min(), pixels[above:, :left].min()) < (100, 100)
    assert (pixels[:above, :left] == PAPER).all()


def test_layers_lie_side_by_side_under_their_titles(paint):
    colours = {0: RED, 1: BLUE}
    layout = Layout(legend("a"), legend(""), legend("one", "two"))
    made = compose(layout, (64, 48), lambda place: paint(colours[place[2]]))
    alone = compose(layout, (64, 48), lambda place: paint(colours[place[2]]), layer=1)
    assert made.width > 2 * 64
    assert inside(made, 0, made.height - 48) == RED
    assert inside(made, made.width - 64, made.height - 48) == BLUE
    assert inside(alone, 0, alone.height - 48) == BLUE
    assert (alone.width, alone.height < made.height) == (64, True)


def test_a_sentence_stands_in_the_cell_of_what_failed():
    made = compose(Layout(legend(""), legend("")), (300, 200), lambda _: "There isn't enough memory.")
    pixels = np.asarray(made).astype(int)
    assert made.size == (300, 200)
    assert pixels.min() < 80
    assert tuple(pixels[0, 0]) == EMPTY


def test_smaller_pictures_lie_in_the_middle(paint):
    made = compose(Layout(legend(""), legend("")), (64, 48), lambda _: paint(RED, (32, 24)))
    assert made.getpixel((32, 24)) == RED
    assert made.getpixel((10, 5)) == PAPER


def test_a_picture_that_has_gone_or_is_broken_leaves_its_cell_empty(tmp_path):
    (tmp_path / "broken.png").write_bytes(b"no picture")
    for name in ("gone.png", "broken.png"):
        made = compose(Layout(legend(""), legend("")), (64, 48), lambda _, name=name: tmp_path / name)
        assert inside(made, 0, 0) == EMPTY


def test_a_grid_too_large_is_made_smaller(paint, monkeypatch):
    monkeypatch.setattr(grid, "MAX_PIXELS", 20_000)
    layout = Layout(legend("a", "b", "c"), legend("d", "e", "f"))
    made = compose(layout, (64, 48), lambda _: paint(RED))
    assert 10_000 < made.width * made.height <= 20_000
    assert made.getpixel((made.width - 5, made.height - 5)) == RED


@pytest.mark.parametrize("columns", [1, 400])
def test_no_side_is_longer_than_it_may_be(paint, columns):
    texts = [f"Seed: {number}" for number in range(400)]
    across, down = (texts, [""]) if columns > 1 else ([""], texts)
    made = compose(Layout(legend(*across), legend(*down)), (64, 48), lambda _: paint(RED), max_side=1500)
    assert 1000 < max(made.size) <= 1500


# Texts


@given(
    st.lists(st.text(max_size=80), min_size=1, max_size=4),
    st.integers(8, 60),
    st.integers(20, 400),
    st.integers(10, 300),
)
@settings(max_examples=25)
def test_texts_keep_within_their_width(texts, size, width, height):
    written = write([Label(text) for text in texts], size, width, height, Fonts())
    for line, font, _ in written.lines:
        # Not narrower than one letter of the smallest size.
        assert font.getlength(line) <= width or len(line) <= 2
    assert written.height <= height or len(written.lines) == 1


def test_long_texts_are_wrapped_then_written_smaller_then_cut():
    fonts = Fonts()
    short = write([Label("Steps: 20")], 24, 200, 100, fonts)
    wrapped = write([Label("Steps: 20 and some more words")], 24, 200, 100, fonts)
    small = write([Label("word " * 40)], 24, 200, 100, fonts)
    cut = write([Label("word " * 400)], 24, 200, 100, fonts)
    assert (len(short.lines), len(wrapped.lines)) == (1, 2)
    assert small.leading < short.leading == wrapped.leading
    assert " ".join(line for line, _, _ in small.lines) == ("word " * 40).strip()
    assert cut.leading == round(SMALLEST * 1.35)
    assert cut.lines[-1][0].endswith("…")


def test_a_word_without_end_is_broken():
    lines = [line for line, _, _ in write([Label("x" * 100)], 20, 100, 400, Fonts()).lines]
    assert len(lines) > 1
    assert "".join(lines) == "x" * 100


def test_a_font_is_found_that_has_the_signs():
    fonts = Fonts()
    latin, cyrillic = fonts.of("cat", 20), fonts.of("кошка", 20)
    assert latin.getname() == fonts.of("dog", 20).getname()
    if fonts._system:
        assert cyrillic.getname() != latin.getname()
        assert bytes(cyrillic.getmask("к")) != bytes(cyrillic.getmask("\uffff"))
