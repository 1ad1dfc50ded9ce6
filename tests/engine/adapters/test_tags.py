"""What a tag asks for."""

import math

import pytest

from webui.engine.adapters.tags import read_tag
from webui.prompting.networks import lift


def wish(tag):
    (placed,) = lift(tag)[1]
    return read_tag(placed.network)


@pytest.mark.parametrize(
    ("tag", "te", "unet", "rank"),
    [
        ("<lora:a>", 1, 1, None),
        ("<lora:a:0.8>", 0.8, 0.8, None),
        ("<lora:a:0.8:0.5>", 0.8, 0.5, None),
        ("<lora:a:0.8:0.5:4>", 0.8, 0.5, 4),
        ("<lora:a:-1>", -1, -1, None),
        ("<lora:a:1:te=0.5:unet=0.25:dyn=8>", 0.5, 0.25, 8),
        ("<lora:a:1:te=0>", 0, 0, None),
        ("<lora:a:unet=0.3>", 1, 0.3, None),
        ("<lyco:a:0.7>", 0.7, 0.7, None),
    ],
)
def test_weights_are_a1111s(tag, te, unet, rank):
    found, problems = wish(tag)
    assert (found.te, found.unet, found.rank, problems) == (te, unet, rank, ())


@pytest.mark.parametrize(
    ("tag", "told"),
    [
        ("<lora:a:much>", 'the weight "much", which is no number'),
        ("<lora:a:nan>", 'the weight "nan"'),
        ("<lora:a:1e30>", 'the weight "1e30"'),
        ("<lora:a:1:1:0>", 'the rank "0"'),
        ("<lora:a:1:start=soon>", 'the start "soon"'),
        ("<lora:a:1:lbw=1,2>", "2 numbers, where 12, 17, 20 or 26 are known"),
        ("<lora:a:1:lbw=NOSUCH>", 'there is no preset "NOSUCH"'),
        ("<lora:a:1:colour=red>", 'knows no "colour="'),
    ],
)
def test_what_cant_be_understood_is_told_and_left_out(tag, told):
    found, problems = wish(tag)
    assert (found.te, found.unet, found.rank, found.blocks) == (1, 1, None, None)
    assert len(problems) == 1
    assert told in problems[0]
    assert problems[0].startswith("<lora:a> ")


def test_steps_are_lora_block_weights():
    found, _ = wish("<lora:a:1:start=3:stop=5>")
    assert [step for step in range(1, 8) if found.acts(step)] == [3, 4]
    assert wish("<lora:a:1:step=3-5>")[0] == found
    assert (wish("<lora:a:1>")[0].start, wish("<lora:a:1>")[0].stop) == (0, math.inf)


SEVENTEEN = ",".join(str(number / 100) for number in range(17))


def test_seventeen_numbers_are_the_blocks_of_sd_1_with_attention():
    found, problems = wish(f"<lora:a:2:lbw={SEVENTEEN}>")
    assert problems == ()
    assert found.heard == 0.0
    blocks = ("IN01", "IN02", "IN04", "IN08", "M00", "OUT03", "OUT11", "IN00")
    assert [found.at(block) for block in blocks] == [0.02, 0.04, 0.06, 0.12, 0.14, 0.16, 0.32, 0.0]


def test_twelve_are_sdxls():
    found, _ = wish("<lora:a:1:lbw=1,0.1,0.2,0.3,0.4,0.5,0.6,0.7,0.8,0.9,0.95,0.99>")
    assert [found.at(f"XL {block}") for block in ("IN04", "IN08", "M00", "OUT05")] == [0.1, 0.4, 0.5, 0.99]


@pytest.mark.parametrize(
    ("preset", "in02", "in08", "middle", "out04", "out09"),
    [
        ("ALL", 1, 1, 1, 1, 1),
        ("NONE", 0, 0, 0, 0, 0),
        ("INS", 1, 0, 0, 0, 0),
        ("IND", 0, 1, 0, 0, 0),
        ("INALL", 1, 1, 0, 0, 0),
        ("MIDD", 0, 1, 1, 1, 0),
        ("OUTD", 0, 0, 0, 1, 0),
        ("OUTS", 0, 0, 0, 0, 1),
        ("OUTALL", 0, 0, 0, 1, 1),
        ("ALL0.5", 0.5, 0.5, 0.5, 0.5, 0.5),
        ("OUT04", 0, 0, 0, 1, 0),
    ],
)
def test_presets(preset, in02, in08, middle, out04, out09):
    for tag in (f"<lora:a:1:lbw={preset}>", f"<lora:a:1:1:{preset}>", f"<lora:a:1:{preset}>"):
        found, problems = wish(tag)
        assert problems == ()
        at = [found.at(block) for block in ("IN02", "IN08", "M00", "OUT04", "OUT09")]
        assert at == [in02, in08, middle, out04, out09]
        assert found.heard == {"NONE": 0, "ALL0.5": 0.5}.get(preset, 1)
