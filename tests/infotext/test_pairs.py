"""The form: what is written can be read again, whatever it is, and nothing that is read takes long."""

import json
import re
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from webui.infotext.pairs import MAX_TEXT, join, quote, scan, split, unquote

# As published in AUTOMATIC1111's documentation of the format, for those who parse it.
PAIR = re.compile(r'\s*(\w[\w \-/]+):\s*("(?:\\.|[^\\"])+"|[^,]*)(?:,|$)')
LINE = "Steps: 20, Sampler: Euler a, CFG scale: 7"


def pairs(text):
    """The last line, read as A1111 reads it."""
    return {key: unquoted(value) for key, value in PAIR.findall(text.split("\n")[-1])}


def unquoted(value):
    return json.loads(value) if value.startswith('"') and value.endswith('"') else value


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
        ('"quoted"', '"\\"quoted\\""'),
        (" padded ", '" padded "'),
    ],
)
def test_quotes_as_a1111_does_and_where_else_it_could_not_be_told(value, written):
    assert quote(value) == written
    assert unquote(quote(value)) == str(value)


@given(st.text())
def test_any_value_reads_back_and_so_does_what_stands_behind_it(value):
    read = split(join("panda", "", {"Steps": 20, "Sampler": "Euler", "Model": value, "RNG": "CPU"})).pairs
    assert read == {"Steps": "20", "Sampler": "Euler", "Model": value, "RNG": "CPU"}


@given(st.text(min_size=1), st.sampled_from(",:\n"), st.text())
def test_a1111_reads_any_quoted_value(before, sign, after):
    read = pairs(join("panda", "", {"Steps": 20, "Model": before + sign + after, "RNG": "CPU"}))
    assert read == {"Steps": "20", "Model": before + sign + after, "RNG": "CPU"}


LINES = st.sampled_from(
    [LINE, f"a cat, {LINE}", "Negative prompt: x", "Template: x", "", " ", '"', "\\", "Exact prompt: x", "\r"]
)
PROMPTS = st.one_of(st.text(), st.lists(st.one_of(LINES, st.text(max_size=8)), max_size=5).map("\n".join))


@given(PROMPTS, PROMPTS)
@settings(max_examples=300)
def test_any_prompts_read_back(prompt, negative):
    parts = split(join(prompt, negative, {"Steps": 20, "Sampler": "Euler", "Seed": 1}))
    assert (parts.prompt, parts.negative) == (prompt, negative)
    assert parts.pairs == {"Steps": "20", "Sampler": "Euler", "Seed": "1"}


@pytest.mark.parametrize(
    "prompt", ["a cat", "a\n\ncat", f"{LINE}\nb", "(a:1.2), <lora:x:1> 'q' \"w\"", "Steps: 5"]
)
def test_prompts_that_a1111_can_carry_are_written_once(prompt):
    assert "Exact" not in join(prompt, "", {"Steps": 20, "Sampler": "Euler", "Seed": 1})


@given(st.text(st.sampled_from('ab1 -/:,"\\[{}]é\n')))
@settings(max_examples=500)
def test_the_pairs_are_those_of_a1111s_pattern(line):
    line = line.replace("\n", " ").replace("{", "").replace("[", "")  # bare JSON is CivitAI's, not A1111's
    expected = [(key.strip(), value.strip()) for key, value in PAIR.findall(line)]
    assert list(scan(line)) == [(key, unquote(value)) for key, value in expected]


@pytest.mark.parametrize(
    ("text", "prompt", "negative", "keys"),
    [
        ("a cat", "a cat", "", []),
        ("", "", "", []),
        (f"a cat\n{LINE}", "a cat", "", ["Steps", "Sampler", "CFG scale"]),
        (f"a cat\r\nNegative prompt: dog\r\n{LINE}\r\n", "a cat", "dog", ["Steps", "Sampler", "CFG scale"]),
        ("a cat\nSteps: 20, Sampler: Euler a", "a cat\nSteps: 20, Sampler: Euler a", "", []),
        (f"a\nNegative prompt: b\nc\n\nd\n{LINE}", "a", "b\nc\n\nd", ["Steps", "Sampler", "CFG scale"]),
        (f"Negative prompt: b\n{LINE}", "", "b", ["Steps", "Sampler", "CFG scale"]),
        (f"a cat Negative prompt: dog {LINE}", "a cat", "dog", ["Steps", "Sampler", "CFG scale"]),
        (
            f"a\n{LINE}\nTemplate: {{a|b}}\nc: d, ef: g, hi: j\nNegative Template:x",
            "a",
            "",
            ["Steps", "Sampler", "CFG scale", "Template", "Negative Template"],
        ),
    ],
)
def test_takes_texts_apart(text, prompt, negative, keys):
    parts = split(text)
    assert (parts.prompt, parts.negative, list(parts.pairs)) == (prompt, negative, keys)


def test_templates_below_the_pairs_are_whole():
    parts = split(f"a\n{LINE}\nTemplate: {{a|b}}\nc: d, ef: g, hi: j\nNegative Template:x")
    assert (parts.pairs["Template"], parts.pairs["Negative Template"]) == ("{a|b}\nc: d, ef: g, hi: j", "x")


def test_bare_json_is_one_value():
    resources = '[{"type":"lora","weight":0.8,"modelName":"A, B: C]"},{"x":"\\""}]'
    read = split(
        f'a\n{LINE}, Civitai resources: {resources}, Civitai metadata: {{}}, Hashes: {{"a:b": "c", "d": 1}}'
    )
    assert read.pairs["Civitai resources"] == resources
    assert read.pairs["Civitai metadata"] == "{}"
    assert read.pairs["Hashes"] == '{"a:b": "c", "d": 1}'


def test_of_a_key_that_stands_there_twice_the_last_counts():
    assert split(f"{LINE}, Steps: 30").pairs["Steps"] == "30"


UNITS = (
    *(
        "(",
        "a",
        " ",
        "-",
        "\\",
        "ab: ",
        'ab: "',
        'ab: "\\"',
        "Steps: ",
        "x\n",
        "Template:\n",
        "Negative prompt:\n",
    ),
    *("Template:\nab: c, de: f\n", 'ab: ["', "ab: [[", "ab: [1,", 'ab: {"a":', "ab: {}, "),
)


@pytest.mark.parametrize("unit", UNITS)
def test_the_longest_texts_are_read_in_no_time(unit):
    began = time.process_time()
    split(unit * (MAX_TEXT // len(unit)))
    assert time.process_time() - began < 10
