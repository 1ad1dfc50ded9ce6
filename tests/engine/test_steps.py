"""Samplers, on data whose perfect denoiser and exact solution are known, and beside diffusers' schedulers.

For data distributed as N(MU, S²) the clean latents to expect at x are a weighted mean, and the probability
flow (Karras et al., arXiv:2206.00364, eq. 1) has the closed solution `exact`.
"""

import itertools
import math

import numpy as np
import pytest
import torch
from diffusers import (
    DDIMScheduler,
    DPMSolverMultistepScheduler,
    EulerDiscreteScheduler,
    UniPCMultistepScheduler,
)

from webui.engine.samplers import steps
from webui.engine.samplers.schedules import NoiseTable
from webui.engine.samplers.steps import Move
from webui.engine.samplers.table import SAMPLER_NAMES, find_sampler

MU, S = 0.3, 0.5
TABLE = NoiseTable.scaled_linear()
NOISE = torch.randn(1, 4, 8, 8, generator=torch.Generator().manual_seed(0), dtype=torch.float64)


def denoise(x, sigma):
    return MU + (x - MU) * (S**2 / (S**2 + sigma**2))


def exact(x, start, end):
    return MU + (x - MU) * math.sqrt((S**2 + end**2) / (S**2 + start**2))


def run(step, sigmas, x, noise=None, of=denoise):
    memory = ()
    for index in range(len(sigmas) - 1):
        x, memory = step(Move(of, noise, sigmas, index), x, memory)
    return x


def orders(errors):
    """The order of convergence between each error and the next, for twice as many steps."""
    return [math.log2(a / b) for a, b in itertools.pairwise(errors)]


def error(step, sigmas):
    x = NOISE * sigmas[0]
    return float((run(step, sigmas, x) - exact(x, sigmas[0], sigmas[-1])).abs().max())


@pytest.mark.parametrize(("name", "order"), [("Euler", 1), ("DPM++ 2M", 2)])
def test_order_of_convergence(name, order):
    step = find_sampler(name).step
    errors = [error(step, list(np.geomspace(10, 0.1, count + 1))) for count in (40, 80, 160, 320)]
    assert orders(errors)[-1] == pytest.approx(order, abs=0.1), errors


def test_unipc_converges_in_the_third_order_as_long_as_steps_are_to_come():
    errors = []
    for count in (20, 40, 80):
        ratio = 100 ** (1 / count)
        sigmas = [10 / ratio**index for index in range(count + 4)]  # the last three are not walked
        x, memory = NOISE * 10, ()
        for index in range(count):
            x, memory = steps.unipc(Move(denoise, None, sigmas, index), x, memory)
        errors.append(float((x - exact(NOISE * 10, 10, sigmas[count])).abs().max()))
    assert min(orders(errors)) > 2.9, errors


def test_unipc_ends_carefully():
    """Of Uniform's steps, the one to the lowest sigma is the longest: nothing is stretched over it."""
    sigmas = find_sampler("UniPC").sigmas("Uniform", TABLE, 20)
    assert error(steps.unipc, sigmas) < error(steps.euler, sigmas)


def test_ddims_own_schedule_converges_in_the_first_order():
    errors = [
        error(steps.euler, find_sampler("DDIM").sigmas("Automatic", TABLE, count)) for count in (25, 50, 100)
    ]
    assert orders(errors)[-1] == pytest.approx(1, abs=0.2), errors


@pytest.mark.parametrize(("name", "most"), [("Euler", 0.2), ("DPM++ 2M", 0.03), ("UniPC", 0.01)])
def test_twenty_steps_come_near(name, most):
    sigmas = find_sampler(name).sigmas("Karras", TABLE, 20)
    assert error(find_sampler(name).step, sigmas) < most


@pytest.mark.parametrize("name", ["Euler", "DPM++ 2M", "UniPC", "Euler a"])
@pytest.mark.parametrize("scheduler", ["Automatic", "Uniform", "Karras", "Exponential"])
@pytest.mark.parametrize("count", [1, 2, 3, 30])
def test_the_last_step_to_zero_is_the_prediction(name, scheduler, count):
    sampler = find_sampler(name)
    seen = []

    def watched(x, sigma):
        seen.append(denoise(x, sigma))
        return seen[-1]

    sigmas, x, memory = sampler.sigmas(scheduler, TABLE, count), NOISE * 14, ()
    for index in range(count):
        x, memory = sampler.step(Move(watched, lambda: NOISE, sigmas, index), x, memory)
    assert torch.isfinite(x).all()
    assert len(seen) == count  # one call of the model for each step
    torch.testing.assert_close(x, seen[-1], rtol=1e-12, atol=1e-12)


def test_euler_ancestral_samples_the_distribution():
    generator = torch.Generator().manual_seed(1)

    def noise():
        return torch.randn(40_000, generator=generator, dtype=torch.float64)

    sigmas = find_sampler("Euler a").sigmas("Karras", TABLE, 150)
    samples = run(steps.euler_ancestral, sigmas, noise() * sigmas[0], noise)
    # The last step's prediction lacks the little that is hidden below the lowest sigma.
    assert float(samples.mean()) == pytest.approx(MU, abs=0.02)
    assert float(samples.std()) == pytest.approx(S, rel=0.04)


def test_euler_ancestral_adds_what_it_takes_away():
    for sigma, following in [(14.6, 9.1), (1.0, 0.99), (0.5, 0.01), (0.03, 0.0)]:
        down, up = steps.ancestral_split(sigma, following)
        assert down**2 + up**2 == pytest.approx(following**2)
        assert 0 <= down <= following
    # Ho et al.: the variance added is following² (sigma² - following²) / sigma².
    assert steps.ancestral_split(2.0, 1.0)[1] == pytest.approx(math.sqrt(3 / 4))


def test_euler_ancestral_draws_noise_only_where_it_adds_some():
    drawn = []

    def noise():
        drawn.append(1)
        return NOISE

    run(steps.euler_ancestral, [3.0, 2.0, 1.0, 0.0], NOISE * 3, noise)
    assert len(drawn) == 2


# The same walk in diffusers, for data in two heaps, whose denoiser is far from linear. diffusers' schedulers
# take a model's output; with prediction_type "sample" that is the clean picture. All but Euler's hold the
# latents scaled down by sqrt(1 + sigma²).


def two_heaps(x, sigma):
    """The denoiser for N(-1, S²) and N(1, S²) in equal parts."""
    return (S**2 * x + sigma**2 * torch.tanh(x / (S**2 + sigma**2))) / (S**2 + sigma**2)


def theirs(scheduler, count):
    scheduler.set_timesteps(count)
    x = NOISE * float(scheduler.init_noise_sigma)
    alphas = scheduler.alphas_cumprod.double()
    for index, timestep in enumerate(scheduler.timesteps):
        if isinstance(scheduler, DDIMScheduler):
            sigma = float(((1 - alphas[timestep]) / alphas[timestep]) ** 0.5)
        else:
            sigma = float(scheduler.sigmas[index])
        scale = 1 if isinstance(scheduler, EulerDiscreteScheduler) else math.sqrt(1 + sigma**2)
        scheduler.scale_model_input(x, timestep)
        x = scheduler.step(two_heaps(x * scale, sigma), timestep, x, return_dict=False)[0]
    return x


def ours(name, sigmas, start):
    return run(find_sampler(name).step, sigmas, NOISE * start, of=two_heaps) / math.sqrt(1 + sigmas[-1] ** 2)


TRAINED = {
    "beta_start": 0.00085,
    "beta_end": 0.012,
    "beta_schedule": "scaled_linear",
    "prediction_type": "sample",
}


@pytest.mark.parametrize("count", [2, 7, 20])
@pytest.mark.parametrize(
    ("schedule", "options"),
    [("Uniform", {"timestep_spacing": "linspace"}), ("Karras", {"use_karras_sigmas": True})],
)
def test_euler_is_diffusers(schedule, options, count):
    sampler = find_sampler("Euler")
    sigmas = sampler.sigmas(schedule, TABLE, count)
    scheduler = EulerDiscreteScheduler(**TRAINED, **options)
    scheduler.set_timesteps(count)
    # With "leading" timesteps diffusers begins at sqrt(1 + sigma²).
    start = float(scheduler.init_noise_sigma)
    torch.testing.assert_close(ours("Euler", sigmas, start), theirs(scheduler, count), rtol=0, atol=1e-5)


@pytest.mark.parametrize("count", [2, 7, 20])
def test_ddim_is_diffusers(count):
    sampler = find_sampler("DDIM")
    sigmas = sampler.sigmas("Automatic", TABLE, count)
    scheduler = DDIMScheduler(
        **TRAINED, timestep_spacing="leading", steps_offset=1, set_alpha_to_one=False, clip_sample=False
    )
    mine = ours("DDIM", sigmas, sampler.start(sigmas[0]))
    torch.testing.assert_close(mine, theirs(scheduler, count), rtol=0, atol=1e-5)


@pytest.mark.parametrize("count", [2, 7, 20])
def test_dpmpp_2m_is_diffusers(count):
    scheduler = DPMSolverMultistepScheduler(**TRAINED, use_karras_sigmas=True)
    result = theirs(scheduler, count)
    sigmas = find_sampler("DPM++ 2M").sigmas("Karras", TABLE, count)
    np.testing.assert_allclose(sigmas, scheduler.sigmas, rtol=1e-4)
    start = math.sqrt(1 + sigmas[0] ** 2)  # diffusers begins so; A1111, and Darkroom, at sigma
    torch.testing.assert_close(ours("DPM++ 2M", sigmas, start), result, rtol=0, atol=1e-5)


@pytest.mark.parametrize("count", [2, 3, 7, 20])
def test_unipc_is_diffusers(count):
    scheduler = UniPCMultistepScheduler(
        **TRAINED, solver_order=3, solver_type="bh1", final_sigmas_type="sigma_min"
    )
    result = theirs(scheduler, count)
    sigmas = [float(sigma) for sigma in scheduler.sigmas]
    mine = ours("UniPC", sigmas, find_sampler("UniPC").start(sigmas[0]))
    torch.testing.assert_close(mine, result, rtol=0, atol=1e-5)


@pytest.mark.parametrize("name", SAMPLER_NAMES)
def test_keeps_nothing(name):
    """The same step twice gives the same: all that a sampler remembers goes through its memory."""
    sampler = find_sampler(name)
    sigmas = sampler.sigmas("Automatic", TABLE, 6)
    x, memory = NOISE * sigmas[0], ()
    for index in range(6):
        move = Move(denoise, lambda: NOISE, sigmas, index)
        once, again = sampler.step(move, x, memory), sampler.step(move, x, memory)
        assert torch.equal(once[0], again[0])
        assert all(torch.equal(a, b) for a, b in zip(once[1], again[1], strict=True))
        x, memory = once
