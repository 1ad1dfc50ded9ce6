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
        ("pasted", "looksLikeInfotext", ["\n" * 120_000 + "x"]),
        ("pasted", "looksLikeInfotext", [" " * 500_000 + "x"]),
        ("pasted", "looksLikeInfotext", ["Steps: 1," + " " * 500_000]),
        ("pasted", "looksLikeInfotext", ["Steps: 1,\n" * 50_000]),
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
    found = scripts("pasted", "looksLikeInfotext", [[text] for text in texts])
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


def test_a_checkpoints_settings_leave_alone_what_was_set_by_hand_meanwhile(scripts):
    first = '{"opened": [20, 7, "None"], "shown": [6, null, "Automatic"]}'
    second = '{"opened": [20, 7, "None"], "shown": [9, 3, "mse"]}'
    found = scripts(
        "opening",
        "followed",
        [["one", first, [20, 7, "None"]], ["one", second, [6, 7, "mine"]], ["two", second, [6, 8, "None"]]],
    )
    assert found == [[6, 7, "Automatic"], [9, 3, "mine"], [6, 8, "mse"]]


def test_a_size_takes_a_pictures_proportions_and_keeps_its_pixels(scripts):
    found = scripts(
        "sizes",
        "proportioned",
        [[512, 512, [6000, 4000]], [512, 512, [300, 300]], [1024, 768, [4, 3]], [64, 64, [10_000, 10]]],
    )
    assert found == [[624, 416], [512, 512], [1024, 768], [2024, 64]]


def test_room_to_paint_makes_the_size_grow_with_the_picture(scripts):
    found = scripts(
        "sizes",
        "grown",
        [
            [[512, 512], [512, 512], [640, 512]],
            [[256, 256], [512, 512], [640, 512]],
            [[320, 256], [640, 512], [512, 512]],
        ],
    )
    assert found == [[640, 512], [320, 256], [256, 256]]


def test_boxes_tell_only_what_was_typed(scripts):
    found = scripts("sizes", "typed", [["img2img", [0, 0, 0, 0]], ["img2img", [8, None, 0, 0]]])
    assert found == [None, {"left": 8, "up": 0, "right": 0, "down": 0}]


def test_odd_proportions_do_not_enlarge_what_comes_after_them(scripts):
    found = scripts("sizes", "proportioned", [[1216, 64, [3, 3], 128 * 128], [128, 128, [4, 4], 128 * 128]])
    assert found == [[128, 128], [128, 128]]


def test_a_region_stays_inside_the_picture(scripts):
    region = {"x": 0.5, "y": 0.25, "width": 0.25, "height": 0.5}
    assert scripts("regions_box", "moved", [[region, 0.5, -0.5], [region, -0.1, 0.1]]) == [
        {**region, "x": 0.75, "y": 0},
        {**region, "x": 0.4, "y": 0.35},
    ]
    beyond = scripts(
        "regions_box", "resized", [[region, "se", {"x": 2, "y": 2}], [region, "nw", {"x": 1, "y": 1}]]
    )
    assert beyond == [
        {"x": 0.5, "y": 0.25, "width": 0.5, "height": 0.75},
        {"x": 0.73, "y": 0.73, "width": 0.02, "height": 0.02},
    ]
    drawn = scripts("regions_box", "between", [[{"x": 0.9, "y": 0.1}, {"x": 0.3, "y": 0.4}]])
    assert drawn == [{"x": 0.3, "y": 0.1, "width": 0.6, "height": 0.3}]
