"""Functions of the page's modules, called with what is odd or hostile."""

import time

import pytest

pytestmark = pytest.mark.browser

INFOTEXT = (
    'a Variation seed: 3 cat\nSteps: 1, Seed: 5, Template: "x, Variation seed: 4, \\", y", Variation seed: 55'
)


@pytest.mark.parametrize(
    ("module", "name", "arguments"),
    [
        ("filling", "looksLikeInfotext", ["\n" * 120_000 + "x"]),
        ("filling", "looksLikeInfotext", [" " * 500_000 + "x"]),
        ("filling", "looksLikeInfotext", ["Steps: 1," + " " * 500_000]),
        ("filling", "looksLikeInfotext", ["Steps: 1,\n" * 50_000]),
        ("prompt_weight", "weighed", [f"(a:{'1' * 60_000}x)", 5, 5, True]),
        ("prompt_weight", "weighed", [f"<lora:a:{'1' * 60_000}x>", 5, 5, True]),
        ("prompt_wanted", "wanted", ["#" * 60_000 + "\nab", 60_003]),
        ("pictures", "variationSeed", ['"' * 60_001]),
    ],
)
def test_no_text_holds_the_page_up(scripts, module, name, arguments):
    began = time.monotonic()
    scripts(module, name, [arguments])
    assert time.monotonic() - began < 1


def test_an_infotext_is_told_from_a_prompt(scripts):
    texts = [
        "a cat\nSteps: 3, Sampler: Euler",
        "Steps: 3, Seed: 5",
        "a\r\n  Steps: 3, x: 1, Size: 64x64",
        "a cat, Steps: 3, Seed: 5",
        "a\nSteps: many, Seed: 5",
        "a\nSteps: 3,\nSeed: 5",
    ]
    found = scripts("filling", "looksLikeInfotext", [[text] for text in texts])
    assert found == [True, True, True, False, False, False]


def test_the_variation_seed_is_that_of_the_settings(scripts):
    found = scripts("pictures", "variationSeed", [[INFOTEXT], ["Variation seed: 3\nSteps: 1"], [""]])
    assert found == [55, None, None]


def test_only_what_is_as_it_was_opened_is_restored(scripts):
    told = '{"opened": ["a", 7.0, [], null, false], "shown": ["b", 5, ["film"], 0.5, true]}'
    held = [["a", 7, [], None, False], ["mine", 8, ["x"], 0.1, False]]
    found = scripts("opening", "restored", [[told, values] for values in held])
    assert found == [["b", 5, ["film"], 0.5, True], ["mine", 8, ["x"], 0.1, True]]
    assert scripts("opening", "restored", [["", [1, None]]]) == [[1, None]]
    empty = '{"opened": [null, "", 0], "shown": [null, "b", 5]}'
    assert scripts("opening", "restored", [[empty, [0, None, 0]]]) == [[None, "b", 5]]
