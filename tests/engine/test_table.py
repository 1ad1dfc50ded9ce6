"""The tables of samplers and schedule types: found by any of their names, each with its own schedule."""

import subprocess
import sys

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.engine.convergence import DOCS
from webui.engine.samplers import consistency, dpmpp, euler, schedules
from webui.engine.samplers.options import SamplerOptions
from webui.engine.samplers.schedules import NoiseTable, Span
from webui.engine.samplers.table import (
    SAMPLER_NAMES,
    SAMPLERS,
    SCHEDULE_NAMES,
    find_sampler,
    find_schedule,
    split_combined,
)
from webui.params import GenerationParams, InvalidParamsError

TABLE = NoiseTable.scaled_linear()

A1111 = {
    "DPM++ 2M": "k_dpmpp_2m",
    "DPM++ SDE": "k_dpmpp_sde",
    "DPM++ 2M SDE": "k_dpmpp_2m_sde",
    "DPM++ 2M SDE Heun": "k_dpmpp_2m_sde_heun",
    "DPM++ 2S a": "k_dpmpp_2s_a",
    "DPM++ 3M SDE": "k_dpmpp_3m_sde",
    "Euler a": "k_euler_a",
    "Euler": "k_euler",
    "LMS": "k_lms",
    "Heun": "k_heun",
    "DPM2": "k_dpm_2",
    "DPM2 a": "k_dpm_2_a",
    "DPM fast": "k_dpm_fast",
    "DPM adaptive": "k_dpm_ad",
    "Restart": "restart",
    "DDIM": "ddim",
    "DDIM CFG++": "ddim_cfgpp",
    "PLMS": "plms",
    "UniPC": "unipc",
    "LCM": "k_lcm",
}
SCHEDULERS = {
    "automatic": "Automatic",
    "uniform": "Uniform",
    "karras": "Karras",
    "exponential": "Exponential",
    "polyexponential": "Polyexponential",
    "sgm_uniform": "SGM Uniform",
    "kl_optimal": "KL Optimal",
    "align_your_steps": "Align Your Steps",
    "simple": "Simple",
    "normal": "Normal",
    "ddim": "DDIM",
    "beta": "Beta",
}


def test_names_are_a1111s_in_its_order():
    assert [*A1111, "TCD", "DEIS", "SA-Solver", "DDPM"] == SAMPLER_NAMES
    assert list(SCHEDULERS.values()) == SCHEDULE_NAMES[: len(SCHEDULERS)]
    assert SCHEDULE_NAMES[len(SCHEDULERS) :] == [
        "Turbo",
        "Align Your Steps GITS",
        "Align Your Steps 11",
        "Align Your Steps 32",
    ]
    assert GenerationParams().sampler_name in SAMPLER_NAMES
    assert GenerationParams().scheduler in SCHEDULE_NAMES


def test_no_name_or_alias_is_taken_twice():
    names = [name.lower() for sampler in SAMPLERS for name in (sampler.name, *sampler.aliases)]
    assert len(set(names)) == len(names)


@pytest.mark.parametrize(("name", "alias"), A1111.items())
def test_found_by_any_name_in_any_case(name, alias):
    for spelling in (name, alias, name.upper(), alias.upper(), f" {name} "):
        assert find_sampler(spelling).name == name
        assert split_combined(spelling) == (name, None)


@pytest.mark.parametrize(
    ("alias", "step"),
    [
        ("k_euler_ancestral", euler.euler_ancestral),
        ("dpmpp_2m", dpmpp.dpmpp_2m),
        ("sa_solver", None),
        ("tcd", consistency.tcd),
        ("deis", None),
        ("ddpm", euler.ddpm),
    ],
)
def test_other_programs_names(alias, step):
    assert step in (None, find_sampler(alias).step)


@pytest.mark.parametrize(("name", "label"), SCHEDULERS.items())
def test_schedules_are_found_by_name_or_label(name, label):
    for spelling in (name, label, label.lower(), name.upper(), label.replace(" ", "")):
        assert find_schedule(spelling) == label


@pytest.mark.parametrize("sampler", SAMPLER_NAMES)
def test_names_that_tell_the_schedule_too(sampler):
    for scheduler in SCHEDULE_NAMES:
        assert split_combined(f"{sampler} {scheduler}") == (sampler, scheduler)
        assert split_combined(f"{sampler} {scheduler}".lower()) == (sampler, scheduler)


@pytest.mark.parametrize(
    ("legacy", "sampler", "scheduler"),
    [
        ("k_dpmpp_2m_ka", "DPM++ 2M", "Karras"),
        ("k_lms_ka", "LMS", "Karras"),
        ("k_dpm_2_ka", "DPM2", "Karras"),
        ("k_dpm_2_a_ka", "DPM2 a", "Karras"),
        ("k_dpmpp_2s_a_ka", "DPM++ 2S a", "Karras"),
        ("k_dpmpp_sde_ka", "DPM++ SDE", "Karras"),
        ("k_dpmpp_2m_sde_ka", "DPM++ 2M SDE", "Karras"),
        ("k_dpmpp_2m_sde_exp", "DPM++ 2M SDE", "Exponential"),
        ("k_dpmpp_2m_sde_heun_ka", "DPM++ 2M SDE Heun", "Karras"),
        ("k_dpmpp_2m_sde_heun_exp", "DPM++ 2M SDE Heun", "Exponential"),
        ("k_dpmpp_3m_sde_ka", "DPM++ 3M SDE", "Karras"),
        ("k_dpmpp_3m_sde_exp", "DPM++ 3M SDE", "Exponential"),
        ("DPM++ 2M SDE Heun Exponential", "DPM++ 2M SDE Heun", "Exponential"),
        ("Euler a Karras", "Euler a", "Karras"),
        ("dpmpp_2m_sgm_uniform", "DPM++ 2M", "SGM Uniform"),
    ],
)
def test_legacy_names(legacy, sampler, scheduler):
    assert split_combined(legacy) == (sampler, scheduler)


@pytest.mark.parametrize("find", [find_sampler, split_combined])
@pytest.mark.parametrize(
    "name", ["", "Hoyn", "Hoyn Karras", "DPM++ 2M Karas", "Karras", "Euler  ", "_", "x" * 10**6]
)
def test_an_unknown_sampler_says_which_there_are(find, name):
    if name.strip() == "Euler":
        return
    with pytest.raises(InvalidParamsError) as caught:
        find(name)
    assert caught.value.field == "sampler_name"
    assert str(caught.value).startswith(f'There is no sampler "{name[:100].strip()}"')
    assert str(caught.value).endswith("TCD, DEIS, SA-Solver, DDPM.")
    assert len(str(caught.value)) < 500


def test_an_unknown_schedule_says_which_there_are():
    for name in ("Gamma", "x" * 10**6, ""):
        with pytest.raises(InvalidParamsError) as caught:
            find_schedule(name)
        assert caught.value.field == "scheduler"
        assert str(caught.value).startswith(
            f'There is no schedule type "{name[:100]}". Choose one of: Automatic, '
        )


@settings(max_examples=200, deadline=None)
@given(
    st.text(max_size=200)
    | st.lists(st.sampled_from([*SAMPLER_NAMES, *SCHEDULE_NAMES, " ", "_"])).map("".join)
)
def test_any_text_is_a_name_or_explained(text):
    try:
        sampler, scheduler = split_combined(text)
    except InvalidParamsError as error:
        problem, sampler, scheduler = error.field, None, None
    else:
        problem = None
    assert problem in (None, "sampler_name")
    assert sampler in SAMPLER_NAMES or problem
    assert scheduler in (None, *SCHEDULE_NAMES)


AUTOMATIC = {
    "Karras": {"DPM++ 2M", "DPM++ SDE", "DPM++ 2S a", "DPM2", "DPM2 a", "Restart", "DEIS", "SA-Solver"},
    "Exponential": {"DPM++ 2M SDE", "DPM++ 2M SDE Heun", "DPM++ 3M SDE"},
    "Uniform": {"Euler a", "Euler", "LMS", "Heun", "LCM", "DDPM"},
}


@pytest.mark.parametrize(("scheduler", "names"), AUTOMATIC.items())
def test_automatic(scheduler, names):
    for name in names:
        sampler = find_sampler(name)
        assert sampler.sigmas("Automatic", TABLE, 25) == sampler.sigmas(scheduler, TABLE, 25)
        assert sampler.schedule_name("Automatic") == ("Automatic" if scheduler == "Uniform" else scheduler)
        assert sampler.schedule_name("Beta") == "Beta"


def test_the_others_have_a_schedule_of_their_own():
    named = set().union(*AUTOMATIC.values())
    own = {sampler.name: sampler.own(Span(TABLE, 9)).tolist() for sampler in SAMPLERS if sampler.own}
    assert set(own) == set(SAMPLER_NAMES) - named
    for name in set(own) - {"TCD"}:
        assert find_sampler(name).sigmas("Automatic", TABLE, 9) == own[name]
        assert find_sampler(name).schedule_name("Automatic") == "Automatic"


def test_a_chosen_schedule_is_followed_but_by_those_that_have_a_fixed_one():
    exponential = schedules.exponential(Span(TABLE, 9)).tolist()
    fixed = {"DDIM", "DDIM CFG++", "PLMS", "DPM fast", "DPM adaptive"}
    for name in fixed:
        sampler = find_sampler(name)
        assert sampler.sigmas("Exponential", TABLE, 9) == sampler.sigmas("Automatic", TABLE, 9) != exponential
        assert sampler.schedule_name("Exponential") == "Automatic"  # infotexts tell what was really gone by
    for name in ("DPM++ 2M", "Euler a", "DEIS", "Restart", "DDPM", "LMS"):
        assert find_sampler(name).sigmas("Exponential", TABLE, 9) == exponential
        assert find_sampler(name).schedule_name("Exponential") == "Exponential"


def flagged(test):
    return {sampler.name for sampler in SAMPLERS if test(sampler)}


def test_what_is_particular_about_each_as_in_a1111():
    twice = {"DPM++ SDE", "DPM++ 2S a", "Heun", "DPM2", "DPM2 a", "Restart"}
    assert flagged(lambda sampler: sampler.evaluations == 2) == twice
    assert flagged(lambda sampler: sampler.discards) == {"DPM2", "DPM2 a", "DPM++ 3M SDE"}
    sde = {"DPM++ SDE", "DPM++ 2M SDE", "DPM++ 2M SDE Heun", "DPM++ 3M SDE"}
    assert flagged(lambda sampler: sampler.brownian) == sde
    assert flagged(lambda sampler: sampler.adaptive) == {"DPM adaptive"}
    assert flagged(lambda sampler: sampler.needs_unconditional) == {"DDIM CFG++"}
    assert find_sampler("DDIM CFG++").cfg_factor == 1 / 12.5
    assert flagged(lambda sampler: sampler.cfg_factor != 1) == {"DDIM CFG++"}


def test_align_your_steps_knows_sdxl():
    sampler = find_sampler("Euler")
    assert sampler.sigmas("Align Your Steps", TABLE, 11)[1] == pytest.approx(6.475)
    assert sampler.sigmas("Align Your Steps", TABLE, 11, sdxl=True)[1] == pytest.approx(6.315)


def test_options_are_the_parameters_of_the_same_names():
    params = GenerationParams(eta=0.5, s_churn=3, rho=2, uni_pc_variant="bh2", sgm_noise_multiplier=True)
    options = SamplerOptions.of(params)
    assert options == SamplerOptions(
        eta=0.5, s_churn=3, rho=2, uni_pc_variant="bh2", sgm_noise_multiplier=True
    )
    assert SamplerOptions.of(GenerationParams()) == SamplerOptions()


def test_the_tables_need_neither_torch_nor_scipy():
    """The page reads them before the engine starts."""
    code = "import sys, webui.engine.samplers.table; print({'torch', 'scipy', 'torchsde'} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"


def test_all_are_documented_with_their_names():
    text = DOCS.read_text(encoding="utf-8")
    for sampler in SAMPLERS:
        others = f" {', '.join(sampler.aliases)}" if sampler.aliases else ""
        assert f"\n| {sampler.name} |{others} | " in text
    for name in SCHEDULE_NAMES:
        assert f"\n| {name} | {name.lower().replace(' ', '_')} | " in text
