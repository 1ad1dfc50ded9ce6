"""The "parameters" text: AUTOMATIC1111's form, readable by those who read that."""

import json
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from webui import __version__, infotext
from webui.infotext import ModelIdentity, quote
from webui.params import GenerationParams

MODEL = ModelIdentity("darkroom-demo", "0123456789")

# As published in AUTOMATIC1111's documentation of the format, for those who parse it.
PAIR = re.compile(r'\s*(\w[\w \-/]+):\s*("(?:\\.|[^\\"])+"|[^,]*)(?:,|$)')


def pairs(text: str) -> dict[str, str]:
    """The last line, read as A1111 reads it."""
    return {key: unquote(value) for key, value in PAIR.findall(text.split("\n")[-1])}


def unquote(value: str) -> str:
    return json.loads(value) if value.startswith('"') and value.endswith('"') else value


def test_the_whole_text():
    params = GenerationParams(
        prompt="a panda,\nin the rain",
        negative_prompt="blurry",
        steps=12,
        cfg_scale=4,
        width=128,
        height=192,
        seed=3,
    )
    assert infotext.write(params, 42, MODEL) == (
        "a panda,\nin the rain\n"
        "Negative prompt: blurry\n"
        "Steps: 12, Sampler: DPM++ 2M, Schedule type: Automatic, CFG scale: 4, Seed: 42, Size: 128x192, "
        f"Model hash: 0123456789, Model: darkroom-demo, RNG: CPU, Version: Darkroom {__version__}"
    )


def test_no_negative_line_where_there_is_no_negative_prompt():
    lines = infotext.write(GenerationParams(prompt="panda"), 1, MODEL).split("\n")
    assert [line.split(":")[0] for line in lines] == ["panda", "Steps"]


def test_an_empty_prompt_leaves_only_the_settings():
    assert infotext.write(GenerationParams(), 1, MODEL).startswith("Steps: 20, ")


def test_reads_back_with_a1111s_pattern():
    text = infotext.write(GenerationParams(prompt="owl, 3d style", sampler_name="UniPC"), 2**53 - 1, MODEL)
    assert pairs(text) == {
        "Steps": "20",
        "Sampler": "UniPC",
        "Schedule type": "Automatic",
        "CFG scale": "7",
        "Seed": "9007199254740991",
        "Size": "512x512",
        "Model hash": "0123456789",
        "Model": "darkroom-demo",
        "RNG": "CPU",
        "Version": f"Darkroom {__version__}",
    }


@pytest.mark.parametrize(
    ("value", "written"),
    [
        (20, "20"),
        (7.5, "7.5"),
        ("Euler a", "Euler a"),
        ("a, b", '"a, b"'),
        ("12:30", '"12:30"'),
        ("two\nlines", '"two\\nlines"'),
        ('say "hi", twice', '"say \\"hi\\", twice"'),
        ("größer, schöner", '"größer, schöner"'),
        ("back\\slash, x", '"back\\\\slash, x"'),
        ('only "quotes"', 'only "quotes"'),
    ],
)
def test_quotes_as_a1111_does(value, written):
    assert quote(value) == written


@given(st.text(), st.sampled_from(",:\n"), st.text())
def test_any_quoted_value_reads_back(before, sign, after):
    model = ModelIdentity(before + sign + after, "0123456789")
    read = pairs(infotext.write(GenerationParams(prompt="panda"), 1, model))
    assert read["Model"] == model.name
    assert read["RNG"] == "CPU"  # and so does what stands behind it


@given(st.text(st.characters(exclude_characters=',:\n"', exclude_categories=["C", "Z"]), min_size=1))
def test_any_plain_value_reads_back(name):
    read = pairs(infotext.write(GenerationParams(prompt="panda"), 1, ModelIdentity(name, "0123456789")))
    assert (read["Model"], read["RNG"]) == (name, "CPU")
