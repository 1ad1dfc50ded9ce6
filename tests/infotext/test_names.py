"""Every name that a sampler has had is found."""

import pytest

from webui.engine.samplers.table import SAMPLERS, SCHEDULE_NAMES
from webui.infotext import names


def test_the_engines_own_names_and_aliases_are_known():
    for sampler in SAMPLERS:
        assert {names.find_sampler(name) for name in (sampler.name, *sampler.aliases)} == {sampler.name}
        assert names.find_both(sampler.name) == (sampler.name, None)
    assert [names.find_schedule(name) for name in SCHEDULE_NAMES] == SCHEDULE_NAMES


@pytest.mark.parametrize(
    ("name", "sampler", "schedule"),
    [
        ("DPM++ 2M Karras", "DPM++ 2M", "Karras"),
        ("DPM++ 2M SDE Heun Exponential", "DPM++ 2M SDE Heun", "Exponential"),
        ("DPM++ 2M SDE Heun", "DPM++ 2M SDE Heun", None),
        ("Euler SGM Uniform", "Euler", "SGM Uniform"),
        ("LMS Karras", "LMS", "Karras"),
        ("euler_ancestral", "Euler a", None),
        ("k_euler_a", "Euler a", None),
        ("k_dpmpp_2s_ancestral", "DPM++ 2S a", None),
        ("dpmpp_2m", "DPM++ 2M", None),
        ("dpmpp_2m_sde_gpu", "DPM++ 2M SDE", None),
        ("dpmpp_3m_sde", "DPM++ 3M SDE", None),
        ("dpmpp_2m_k", "DPM++ 2M", "Karras"),
        ("dpm_2_ancestral", "DPM2 a", None),
        ("kdpm_2_a", "DPM2 a", None),
        ("uni_pc", "UniPC", None),
        ("uni_pc_bh2", "UniPC", None),
        ("k_lms", "LMS", None),
        ("heun_k", "Heun", "Karras"),
        ("k_dpm_2_a_ka", "DPM2 a", "Karras"),
        ("k_dpmpp_2m_sde_exp", "DPM++ 2M SDE", "Exponential"),
        ("plms", "PLMS", None),
        ("DPM++ 5X", None, None),
        ("Karras", None, None),
        ("", None, None),
    ],
)
def test_names_of_other_programs(name, sampler, schedule):
    assert names.find_both(name) == (sampler, schedule)


@pytest.mark.parametrize(
    ("name", "schedule"),
    [("sgm_uniform", "SGM Uniform"), ("karras", "Karras"), ("ddim_uniform", "DDIM"), ("Foo", None)],
)
def test_schedule_types_of_other_programs(name, schedule):
    assert names.find_schedule(name) == schedule
