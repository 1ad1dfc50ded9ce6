import time

import pytest

from webui.params import GenerationParams, InvalidParamsError
from webui.params.scripts import PromptMatrix
from webui.scripts.matrix import parts
from webui.scripts.planning import plan

CITY = "a city|rain|night"


def planned(prompt=CITY, negative="", **script):
    params = GenerationParams(
        prompt=prompt, negative_prompt=negative, n_iter=3, batch_size=2, script=PromptMatrix(**script)
    )
    return plan(params, 5)


def prompts(*args, **kwargs):
    return [cell.params.prompt for cell in planned(*args, **kwargs).cells()]


def test_every_combination_of_the_parts():
    assert prompts() == ["a city", "a city, rain", "a city, night", "a city, rain, night"]
    assert prompts(variations_delimiter="space")[3] == "a city rain night"
    assert prompts(put_at_start=True)[3] == "rain, night, a city"


def test_parts_lose_their_commas():
    assert prompts("a city |rain,|night,")[-1] == "a city, rain, night"


def test_each_is_one_picture_whatever_the_batch():
    assert [cell.pictures for cell in planned().cells()] == [1, 1, 1, 1]


def test_seeds():
    assert [cell.seed for cell in planned().cells()] == [5, 5, 5, 5]
    assert [cell.seed for cell in planned(different_seeds=True).cells()] == [5, 6, 7, 8]


def test_the_negative_prompt_may_be_the_one():
    found = list(planned("a city|kept", "blur|noise", prompt_type="negative").cells())
    assert [cell.params.negative_prompt for cell in found] == ["blur", "blur, noise"]
    assert {cell.params.prompt for cell in found} == {"a city|kept"}


def test_the_legend_tells_which_parts_are_in():
    layout = planned("a city|rain|night|fog", margin_size=3).layout

    def active(legend):
        return [[label.text for label in labels if label.active] for labels in legend]

    assert active(layout.columns) == [[], ["rain"], ["night"], ["rain", "night"]]
    assert active(layout.rows) == [[], ["fog"]]
    assert layout.margin == 3
    for cell in planned("a city|rain|night|fog").cells():
        column, row, _ = cell.place
        chosen = [*active(layout.columns)[column], *active(layout.rows)[row]]
        assert cell.params.prompt == ", ".join(["a city", *chosen])


@pytest.mark.parametrize(
    ("prompt", "expected"),
    [
        ("a | b|c", ["a", "b", "c"]),
        ("a [cow|horse] | b", ["a [cow|horse]", "b"]),
        ("{red|blue} cat|hat", ["{red|blue} cat", "hat"]),
        (r"a \[x|y\] |b", [r"a \[x", r"y\]", "b"]),
        ("a [b|c", ["a [b", "c"]),
        ("a] b|c", ["a] b", "c"]),
        ("|a|", ["", "a", ""]),
    ],
)
def test_bars_within_brackets_belong_to_the_prompt(prompt, expected):
    assert parts(prompt) == expected


@pytest.mark.parametrize(
    ("prompt", "sentence"),
    [
        ("a city", 'needs optional parts behind "|" in the prompt'),
        ("x" + "|y" * 14, "would make 16,384 pictures"),
        ("x" + "|y" * 5000, "5000 optional parts are too many"),
        ("[" * 10_000 + "|y" * 5000, "5000 optional parts are too many"),
    ],
)
def test_what_can_not_be_drawn(prompt, sentence):
    begun = time.perf_counter()
    with pytest.raises(InvalidParamsError) as refusal:
        planned(prompt)
    assert sentence in str(refusal.value)
    assert refusal.value.field == "script"
    assert time.perf_counter() - begun < 1
