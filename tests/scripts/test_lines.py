import time

import pytest

from webui.params import GenerationParams, InvalidParamsError
from webui.params.scripts import PromptsFromFile
from webui.scripts.planning import plan


def planned(text, params=None, seed=5, **script):
    return plan(GenerationParams(script=PromptsFromFile(prompts=text, **script), **(params or {})), seed, 9)


def cells(*args, **kwargs):
    return list(planned(*args, **kwargs).cells())


def test_a_line_is_a_prompt():
    found = cells("a cat\n\n  # not this\n a dog -- it's big \r\n")
    assert [cell.params.prompt for cell in found] == ["a cat", "a dog -- it's big"]
    assert [cell.name for cell in found] == ["Line 1", "Line 4"]
    assert planned("a cat").layout is None


def test_a_line_of_options():
    line = (
        '--prompt "a cat, \\"red\\"" --negative_prompt blur and noise --steps 10 --seed 3 '
        '--sampler_name "Euler a" --width 640 --height 512 --cfg_scale 4.5 --n_iter 2 --batch_size 3 '
        "--subseed 8 --subseed_strength 0.5 "
        '--tiling true --styles "One, Two" --sd_model anime.safetensors --clip_skip 2'
    )
    [cell] = cells(line)
    told = cell.params.model_dump(exclude_unset=True)
    assert told == {
        "prompt": 'a cat, "red"',
        "negative_prompt": "blur and noise",
        "steps": 10,
        "seed": 3,
        "subseed": 8,
        "sampler_name": "Euler a",
        "width": 640,
        "height": 512,
        "cfg_scale": 4.5,
        "n_iter": 2,
        "batch_size": 3,
        "subseed_strength": 0.5,
        "tiling": True,
        "styles": ("One", "Two"),
        "checkpoint": "anime.safetensors",
        "clip_skip": 2,
        "script": None,
    }
    assert (cell.seed, cell.subseed, cell.pictures) == (3, 8, 6)


def test_prompts_are_put_before_or_behind_the_common_one():
    params = {"prompt": "masterpiece", "negative_prompt": "blur"}
    lines = "a cat\n--negative_prompt noise --steps 3"
    first, second = cells(lines, params)
    assert first.params.prompt == "a cat masterpiece"
    assert (second.params.prompt, second.params.negative_prompt) == ("masterpiece", "noise blur")
    first, second = cells(lines, params, insert_at="end")
    assert first.params.prompt == "masterpiece a cat"
    assert second.params.negative_prompt == "blur noise"


def test_seeds():
    three = "a\nb\nc"
    assert len({cell.seed for cell in cells(three)}) == 3
    assert [cell.seed for cell in cells(three)] == [cell.seed for cell in cells(three)]
    assert [cell.seed for cell in cells(three, same_seed=True)] == [5, 5, 5]
    assert [cell.seed for cell in cells(three, {"seed": 7})] == [7, 7, 7]
    assert [cell.seed for cell in cells(three, {"n_iter": 2, "batch_size": 2}, iterate_seed=True)] == [
        5,
        9,
        13,
    ]
    assert cells("--prompt a --seed -1")[0].seed >= 0


@pytest.mark.parametrize("written", ["-1", "-1.0", "-01", "' -1'"])
def test_minus_one_asks_for_a_random_seed_however_it_is_written(written):
    (cell,) = cells(f"--prompt a --seed {written} --subseed {written}")
    assert cell.params.seed == cell.seed >= 0
    assert cell.params.subseed == cell.subseed >= 0


def test_options_that_mean_nothing_here_are_left_out_and_told():
    found = planned(
        "--prompt a --outpath_samples /tmp --restore_faces false\n--prompt b --restore_faces true"
    )
    assert found.notices == (
        "--outpath_samples means nothing here and was left out.",
        "--restore_faces means nothing here and was left out.",
    )
    assert found.count == 2


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("", "needs at least one line"),
        ("# a\n\n", "needs at least one line"),
        ("a cat\n--prompt 'open", "Line 2: the quotes don't close"),
        ("--prompt a --stepz 3", 'Line 1: there is no option "stepz"'),
        ("--prompt a --steps many", "Line 1: Sampling steps should be a valid integer"),
        ("--prompt a --steps", "Line 1: --steps has no value"),
        ("--prompt a --sampler_name Euler a", "Line 1: --sampler_name has several values"),
        ("--script x", "can't bring a script of its own"),
        ("a\n" * 10_001, "would make 10,001 pictures"),
    ],
)
def test_what_can_not_be_drawn(text, sentence):
    with pytest.raises(InvalidParamsError) as refusal:
        cells(text)
    assert sentence in str(refusal.value)
    assert refusal.value.field == "script"


def test_a_hostile_text_takes_no_time():
    begun = time.perf_counter()
    for text in ('--prompt "' + "\\" * 400_000, "--" * 200_000, "--a " * 100_000):
        with pytest.raises(InvalidParamsError):
            cells(text)
    assert time.perf_counter() - begun < 3
