"""Noise schedules, held against diffusers' numbers, the papers' formulas, and A1111's numbers of steps."""

import itertools
import math

import numpy as np
import pytest
from diffusers import DDIMScheduler, EulerDiscreteScheduler
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import betainc

from webui.engine.samplers import align_your_steps, consistency, schedules
from webui.engine.samplers.options import SamplerOptions
from webui.engine.samplers.schedules import NoiseTable, Span
from webui.engine.samplers.table import SAMPLER_NAMES, SCHEDULE_NAMES, SCHEDULES, find_sampler
from webui.params import InvalidParamsError

TRAINED = {"beta_start": 0.00085, "beta_end": 0.012, "beta_schedule": "scaled_linear"}
TABLE = NoiseTable.scaled_linear()
TO_THE_LOWEST = {"Uniform", "Karras", "Exponential", "Polyexponential", "Normal", "Beta"}
SETTABLE = {"Karras", "Exponential", "Polyexponential", "SGM Uniform", "KL Optimal", "Normal", "Beta"}


def sigmas_of(name, steps, table=TABLE, sdxl=False, **options):
    return SCHEDULES[name](Span(table, steps, SamplerOptions(**options), sdxl))


def theirs(steps, **options):
    scheduler = EulerDiscreteScheduler(**TRAINED, timestep_spacing="linspace", **options)
    scheduler.set_timesteps(steps)
    return scheduler.sigmas.numpy()


def timesteps_of(sigmas):
    return [round(TABLE.timestep(float(sigma)), 6) for sigma in sigmas if sigma > 0]


def test_table_is_stable_diffusions():
    alphas = DDIMScheduler(**TRAINED).alphas_cumprod.double().numpy()
    np.testing.assert_allclose(TABLE.sigmas, np.sqrt((1 - alphas) / alphas), rtol=1e-4)
    assert TABLE.lowest == pytest.approx(0.0292, abs=1e-4)
    assert TABLE.highest == pytest.approx(14.6146, abs=1e-4)


def test_linear_table():
    alphas = (
        DDIMScheduler(beta_start=0.0001, beta_end=0.02, beta_schedule="linear")
        .alphas_cumprod.double()
        .numpy()
    )
    table = NoiseTable.linear(0.0001, 0.02, 1000)
    np.testing.assert_allclose(table.sigmas, np.sqrt((1 - alphas) / alphas), rtol=1e-4)


def test_timesteps_and_sigmas_are_each_others_inverse():
    for timestep in (0, 0.25, 17, 500.5, 999):
        (sigma,) = TABLE.sigma(np.array([timestep], dtype=np.float64))
        assert TABLE.timestep(float(sigma)) == pytest.approx(timestep, abs=1e-9)
    assert TABLE.timestep(TABLE.highest * 2) == 999  # beyond what was trained on: the nearest
    assert TABLE.timestep(TABLE.lowest / 2) == 0


def test_a_thinned_table_keeps_the_last_timestep():
    np.testing.assert_allclose(TABLE.thinned(50).sigmas, TABLE.sigmas[19::20])
    assert TABLE.thinned(50).thinned(50).sigmas.tolist() == TABLE.thinned(50).sigmas.tolist()


@pytest.mark.parametrize("steps", [1, 2, 7, 20, 150])
@pytest.mark.parametrize("name", SCHEDULES)
def test_sigmas_fall(name, steps):
    sigmas = sigmas_of(name, steps)
    assert (np.diff(sigmas) < 0).all()
    assert len(sigmas) >= steps + 1 if name == "DDIM" else len(sigmas) == steps + 1
    assert 0.01 < sigmas[-2] <= sigmas[0] <= TABLE.highest + 0.001
    assert sigmas[-1] == (pytest.approx(TABLE.lowest) if name == "KL Optimal" else 0)
    if name in TO_THE_LOWEST and steps > 1:
        assert sigmas[-2] == pytest.approx(TABLE.lowest)
    if name not in ("DDIM", "Align Your Steps 32"):
        assert sigmas[0] == pytest.approx(TABLE.highest, rel=1e-3)


@pytest.mark.parametrize("steps", [2, 7, 20, 50])
def test_as_diffusers(steps):
    for name, options in [
        ("Uniform", {}),
        ("Normal", {}),
        ("Karras", {"use_karras_sigmas": True}),
        ("Exponential", {"use_exponential_sigmas": True}),
        ("Beta", {"use_beta_sigmas": True}),
    ]:
        np.testing.assert_allclose(sigmas_of(name, steps), theirs(steps, **options), rtol=1e-4, atol=1e-6)


def test_karras_is_even_in_the_root_of_rho():
    for rho in (7, 3):
        gaps = np.diff(sigmas_of("Karras", 30, rho=rho)[:-1] ** (1 / rho))
        assert np.ptp(gaps) < 1e-9


def test_polyexponential_is_k_diffusions():
    assert sigmas_of("Polyexponential", 9) == pytest.approx(sigmas_of("Exponential", 9))
    expected = [  # get_sigmas_polyexponential(5, 0.1, 10, rho=2)
        math.exp((1 - k / 4) ** 2 * (math.log(10) - math.log(0.1)) + math.log(0.1)) for k in range(5)
    ]
    assert sigmas_of("Polyexponential", 5, rho=2, sigma_min=0.1, sigma_max=10)[:-1] == pytest.approx(expected)


def test_kl_optimal_is_even_in_the_arc_tangent():
    angles = np.arctan(sigmas_of("KL Optimal", 12))
    assert np.ptp(np.diff(angles)) < 1e-12
    assert len(angles) == 13


def test_beta_is_the_inverse_of_the_incomplete_beta_function():
    sigmas = sigmas_of("Beta", 11, beta_alpha=0.8, beta_beta=0.5)[:-1]
    shares = (sigmas - TABLE.lowest) / (TABLE.highest - TABLE.lowest)
    np.testing.assert_allclose(betainc(0.8, 0.5, shares), 1 - np.linspace(0, 1, 11), atol=1e-9)


def test_timesteps_of_the_plain_ones():
    assert timesteps_of(sigmas_of("SGM Uniform", 4)) == pytest.approx([999, 749.25, 499.5, 249.75])
    assert timesteps_of(sigmas_of("Normal", 4)) == pytest.approx([999, 666, 333, 0])
    assert timesteps_of(sigmas_of("Simple", 4)) == pytest.approx([999, 749, 499, 249])
    assert timesteps_of(sigmas_of("Simple", 3)) == pytest.approx([999, 666, 333])
    assert timesteps_of(sigmas_of("Turbo", 4)) == pytest.approx([999, 749, 499, 249])
    assert timesteps_of(sigmas_of("Turbo", 3)) == pytest.approx([999, 666, 332])
    assert timesteps_of(sigmas_of("DDIM", 4)) == pytest.approx([751, 501, 251, 1])
    assert len(sigmas_of("DDIM", 30)) == 32  # 1, 34, ..., 991, and 0


def test_align_your_steps_is_what_was_published():
    """https://research.nvidia.com/labs/toronto-ai/AlignYourSteps/howto.html, and its way between."""
    assert sigmas_of("Align Your Steps", 11).tolist() == pytest.approx(
        [14.615, 6.475, 3.861, 2.697, 1.886, 1.396, 0.963, 0.652, 0.399, 0.152, 0.029, 0]
    )
    assert sigmas_of("Align Your Steps", 11, sdxl=True)[:3].tolist() == pytest.approx([14.615, 6.315, 3.771])
    between = sigmas_of("Align Your Steps", 21)
    assert between[:-1:2] == pytest.approx(align_your_steps.AYS_SD)
    assert between[1] == pytest.approx(math.sqrt(14.615 * 6.475))
    assert sigmas_of("Align Your Steps", 1).tolist() == pytest.approx([14.615, 0])
    assert sigmas_of("Align Your Steps 32", 32)[-2] == pytest.approx(0.015)
    assert sigmas_of("Align Your Steps GITS", 11)[1] == pytest.approx(4.617)
    assert sigmas_of("Align Your Steps GITS", 11, sdxl=True)[1] == pytest.approx(4.734)


@pytest.mark.parametrize("name", SCHEDULES)
def test_set_bounds_are_heeded_where_a1111_does(name):
    plain, bounded = sigmas_of(name, 10), sigmas_of(name, 10, sigma_min=0.1, sigma_max=10)
    if name not in SETTABLE:
        assert bounded.tolist() == plain.tolist()
        return
    assert bounded[0] == pytest.approx(10)
    last = {"SGM Uniform": bounded[-2], "KL Optimal": 0.1}.get(name, 0)
    assert bounded[-1] == pytest.approx(last if name == "KL Optimal" else 0)
    if name in TO_THE_LOWEST:
        assert bounded[-2] == pytest.approx(0.1)


@pytest.mark.parametrize("name", SCHEDULES)
def test_rho_is_heeded_where_it_means_something(name):
    changed = sigmas_of(name, 10, rho=3).tolist() != sigmas_of(name, 10).tolist()
    assert changed == (name in ("Karras", "Polyexponential"))


def test_sigmas_that_would_rise_are_refused():
    for options in ({"sigma_min": 20}, {"sigma_max": 0.01}, {"sigma_min": 3, "sigma_max": 3}):
        with pytest.raises(InvalidParamsError, match="must be less than schedule max sigma") as caught:
            find_sampler("Euler").sigmas("Karras", TABLE, 10, SamplerOptions(**options))
        assert caught.value.field == "sigma_min"


@pytest.mark.parametrize("steps", [1, 2, 5, 20, 50])
def test_ddim_takes_diffusers_timesteps(steps):
    if steps == 1:
        assert timesteps_of(schedules.ddim_own(Span(TABLE, 1))) == [999, 0]
        return
    scheduler = DDIMScheduler(**TRAINED, steps_offset=1, timestep_spacing="leading", set_alpha_to_one=False)
    scheduler.set_timesteps(steps)
    assert timesteps_of(schedules.ddim_own(Span(TABLE, steps))) == [*scheduler.timesteps.tolist(), 0]


@pytest.mark.parametrize(
    ("steps", "first", "walked"), [(30, 991, 30), (7, 995, 7), (150, 997, 166), (60, 993, 62)]
)
def test_ddim_begins_where_a1111_does(steps, first, walked):
    """At the highest of the timesteps 1, 1 + 1000 // steps, ..., of which there can be more than steps."""
    timesteps = timesteps_of(schedules.ddim_own(Span(TABLE, steps)))
    assert (timesteps[0], timesteps[-1], len(timesteps) - 1) == (first, 1, walked)


@pytest.mark.parametrize(("steps", "walked"), [(1, 1), (20, 20), (30, 31), (150, 167)])
def test_unipc_goes_evenly_over_all_timesteps(steps, walked):
    timesteps = timesteps_of(schedules.unipc_own(Span(TABLE, steps)))
    assert timesteps == pytest.approx(np.linspace(999, 0, walked + 1), abs=1e-4)


def test_tcd_takes_the_timesteps_it_was_taught():
    assert timesteps_of(consistency.tcd_schedule(Span(TABLE, 4))) == pytest.approx([999, 759, 499, 259, 0])
    assert len(consistency.tcd_schedule(Span(TABLE, 60))) == 61


def test_lcm_takes_a1111s_timesteps():
    sigmas = find_sampler("LCM").sigmas("Automatic", TABLE, 8)
    assert timesteps_of(sigmas) == pytest.approx(np.linspace(999, 19, 8), abs=0.2)


def test_the_last_sigma_but_one_can_be_left_out():
    karras = sigmas_of("Karras", 11).tolist()
    expected = [*karras[:-2], 0]
    for name in ("DPM2", "DPM2 a", "DPM++ 3M SDE"):
        assert find_sampler(name).sigmas("Karras", TABLE, 10) == expected
    plain = find_sampler("Euler")
    assert plain.sigmas("Karras", TABLE, 10, SamplerOptions(discard_next_to_last_sigma=True)) == expected


def test_sigmas_that_hardly_fall_are_left_out():
    sigmas = find_sampler("DPM++ 2M").sigmas("Polyexponential", TABLE, 40, SamplerOptions(rho=100))
    assert len(sigmas) < 20
    assert sigmas[-1] == 0
    assert all(b < a * (1 - 1e-5) for a, b in itertools.pairwise(sigmas))


numbers = st.floats(0, 100, allow_nan=False)


@settings(max_examples=150, deadline=None)
@given(
    name=st.sampled_from(SAMPLER_NAMES),
    scheduler=st.sampled_from(SCHEDULE_NAMES),
    steps=st.integers(1, 150),
    table=st.sampled_from([TABLE, TABLE.to_zero_terminal_snr(), NoiseTable.scaled_linear(count=37)]),
    sdxl=st.booleans(),
    numbers=st.fixed_dictionaries(
        {
            "eta": st.none() | st.floats(0, 10),
            "sigma_min": st.just(0.0) | numbers,
            "sigma_max": st.just(0.0) | numbers,
            "rho": st.just(0.0) | numbers,
            "beta_alpha": st.floats(0.001, 10),
            "beta_beta": st.floats(0.001, 10),
            "discard_next_to_last_sigma": st.booleans(),
        }
    ),
)
def test_whatever_is_set_gives_sigmas_to_walk_or_an_explanation(name, scheduler, steps, table, sdxl, numbers):
    sampler, options = find_sampler(name), SamplerOptions(**numbers)
    try:
        sigmas = sampler.sigmas(scheduler, table, steps, options, sdxl=sdxl)
    except InvalidParamsError as error:
        problem, sigmas = error.field, []
    else:
        problem = None
    if problem:
        assert problem == "sigma_min"
        return
    assert 2 <= len(sigmas) <= 400
    assert all(math.isfinite(sigma) and sigma >= 0 for sigma in sigmas)
    assert all(sigma > 0 for sigma in sigmas[:-1])
    if not sampler.path and name != "DPM fast":
        assert all(b < a for a, b in itertools.pairwise(sigmas))
