"""Noise schedules, held against diffusers' numbers and the papers' formulas."""

import numpy as np
import pytest
from diffusers import DDIMScheduler, EulerDiscreteScheduler

from webui.engine.samplers import schedules
from webui.engine.samplers.schedules import NoiseTable

TRAINED = {"beta_start": 0.00085, "beta_end": 0.012, "beta_schedule": "scaled_linear"}
TABLE = NoiseTable.scaled_linear()
ALL = {
    "uniform": schedules.uniform,
    "karras": schedules.karras,
    "exponential": schedules.exponential,
    "ddim": schedules.ddim,
}


def theirs(steps, **options):
    scheduler = EulerDiscreteScheduler(**TRAINED, timestep_spacing="linspace", **options)
    scheduler.set_timesteps(steps)
    return scheduler.sigmas.numpy()


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


@pytest.mark.parametrize("steps", [1, 2, 7, 20, 150])
@pytest.mark.parametrize("name", ALL)
def test_sigmas_fall_over_the_trained_range(name, steps):
    sigmas = ALL[name](TABLE, steps)
    assert len(sigmas) == steps + 1
    assert (np.diff(sigmas) < 0).all()
    assert TABLE.lowest - 1e-9 <= sigmas[-2] <= sigmas[0] <= TABLE.highest + 1e-9
    assert sigmas[-1] == (pytest.approx(TABLE.lowest) if name == "ddim" else 0)


@pytest.mark.parametrize("steps", [2, 7, 20, 50])
def test_as_diffusers(steps):
    np.testing.assert_allclose(schedules.uniform(TABLE, steps), theirs(steps), rtol=1e-4, atol=1e-6)
    karras, exponential = theirs(steps, use_karras_sigmas=True), theirs(steps, use_exponential_sigmas=True)
    np.testing.assert_allclose(schedules.karras(TABLE, steps), karras, rtol=1e-4, atol=1e-6)
    np.testing.assert_allclose(schedules.exponential(TABLE, steps), exponential, rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("steps", [1, 7, 20, 150])
def test_ddim_takes_diffusers_timesteps(steps):
    scheduler = DDIMScheduler(**TRAINED, steps_offset=1, timestep_spacing="leading", set_alpha_to_one=False)
    scheduler.set_timesteps(steps)
    mine = [round(TABLE.timestep(float(sigma))) for sigma in schedules.ddim(TABLE, steps)]
    assert mine == [*scheduler.timesteps.tolist(), 0]


def test_karras_is_even_in_the_seventh_root():
    gaps = np.diff(schedules.karras(TABLE, 30)[:-1] ** (1 / 7))
    assert np.ptp(gaps) < 1e-9
