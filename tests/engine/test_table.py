"""The table of samplers: found by any of their names, each with its own schedule."""

import pytest

from webui.engine.samplers import schedules, steps
from webui.engine.samplers.schedules import NoiseTable
from webui.engine.samplers.table import (
    SAMPLER_NAMES,
    SAMPLERS,
    SCHEDULE_NAMES,
    find_sampler,
    find_schedule,
)
from webui.params import GenerationParams, InvalidParamsError

TABLE = NoiseTable.scaled_linear()


def test_names_are_a1111s():
    assert SAMPLER_NAMES == ["DPM++ 2M", "Euler a", "Euler", "DDIM", "UniPC"]
    assert SCHEDULE_NAMES == ["Automatic", "Uniform", "Karras", "Exponential"]
    assert GenerationParams().sampler_name in SAMPLER_NAMES
    assert GenerationParams().scheduler in SCHEDULE_NAMES


def test_no_name_or_alias_is_taken_twice():
    names = [name.lower() for sampler in SAMPLERS for name in (sampler.name, *sampler.aliases)]
    assert len(set(names)) == len(names)


@pytest.mark.parametrize(
    ("name", "step"),
    [
        ("dpm++ 2m", steps.dpmpp_2m),
        ("k_dpmpp_2m", steps.dpmpp_2m),
        ("K_EULER_A", steps.euler_ancestral),
        ("k_euler_ancestral", steps.euler_ancestral),
        ("EULER A", steps.euler_ancestral),
        ("k_euler", steps.euler),
        ("unipc", steps.unipc),
    ],
)
def test_found_by_any_name(name, step):
    assert find_sampler(name).step is step


def test_an_unknown_sampler_says_which_there_are():
    with pytest.raises(InvalidParamsError) as caught:
        find_sampler("Heun")
    assert caught.value.field == "sampler_name"
    assert str(caught.value) == (
        'There is no sampler "Heun". Choose one of: DPM++ 2M, Euler a, Euler, DDIM, UniPC.'
    )


def test_an_unknown_schedule_says_which_there_are():
    assert find_schedule("kARRAS") == "Karras"
    with pytest.raises(InvalidParamsError) as caught:
        find_schedule("Beta")
    assert caught.value.field == "scheduler"
    assert str(caught.value) == (
        'There is no schedule type "Beta". Choose one of: Automatic, Uniform, Karras, Exponential.'
    )


@pytest.mark.parametrize(
    ("name", "automatic"),
    [
        ("DPM++ 2M", schedules.karras),
        ("Euler a", schedules.uniform),
        ("Euler", schedules.uniform),
        ("UniPC", schedules.uniform),
        ("DDIM", schedules.ddim),
    ],
)
def test_automatic(name, automatic):
    assert find_sampler(name).sigmas("Automatic", TABLE, 9) == list(automatic(TABLE, 9))


def test_a_chosen_schedule_is_followed_except_by_ddim():
    for name in SAMPLER_NAMES:
        expected = schedules.ddim if name == "DDIM" else schedules.exponential
        assert find_sampler(name).sigmas("Exponential", TABLE, 9) == list(expected(TABLE, 9))
