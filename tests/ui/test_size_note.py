"""The line that tells what size comes out."""

import pytest

from webui.ui.size_note import hires_note, line, note, picture_size

HIRES = {"width": 512, "height": 768, "enable_hr": True, "hr_scale": 2, "hr_resize_x": 0, "hr_resize_y": 0}
CANVAS = {"width": 512, "height": 512}


def test_hires_fix_tells_both_sizes_while_it_is_on():
    assert hires_note(HIRES) == "from 512×768 to 1024×1536"
    assert hires_note({**HIRES, "hr_resize_x": 768}) == "from 512×768 to 768×1152"
    assert hires_note({**HIRES, "enable_hr": False}) == ""


def test_a_size_that_can_not_be_drawn_is_told_or_nothing():
    assert "8192 a side is the most" in hires_note({**HIRES, "width": 4096, "hr_scale": 4})
    assert hires_note({**HIRES, "width": 130}) == ""
    assert note({"width": None, "height": 512}, (64, 64)) == ""


def test_a_canvas_tells_what_becomes_of_its_picture():
    assert note(CANVAS, None) == ""
    assert note(CANVAS, (512, 512)) == "512×512"
    assert note(CANVAS, (6000, 4000)) == "6000×4000 becomes 512×512"
    assert note({**CANVAS, "scale_by": 1.5}, (101, 50)) == "101×50 becomes 152×75"
    outpaint = {"outpaint_left": 64, "outpaint_down": None, "inpaint_full_res": False}
    assert note({**CANVAS, **outpaint, "scale_by": 1.0}, (128, 128)) == "128×128 becomes 192×128"


def test_a_masked_part_alone_leaves_the_picture_its_size():
    told = note({**CANVAS, "inpaint_full_res": True}, (6000, 4000))
    assert told == "6000×4000, its masked part drawn at 512×512"


def test_a_line_is_text_and_no_markup():
    assert line("<b>") == "<p>&lt;b&gt;</p>"
    assert line("") == ""


@pytest.mark.parametrize(
    ("told", "size"),
    [
        ('{"width": 3, "height": 4}', (3, 4)),
        ("null", None),
        (None, None),
        ('{"width": 3}', None),
        ('{"width": 0, "height": 4}', None),
        ('{"width": "3", "height": 4}', None),
        ("[" * 10_000, None),
        ("{", None),
    ],
)
def test_the_pages_word_on_a_size_is_read_with_care(told, size):
    assert picture_size(told) == size
