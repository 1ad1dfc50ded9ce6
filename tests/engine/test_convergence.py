"""Every sampler converges as fast as its method should, and the documentation says so."""

import math

import numpy as np
import pytest

from tests.engine import convergence
from tests.engine.convergence import MU, ORDERS, TABLE, Coefficients, deviation
from webui.engine.samplers.move import Move
from webui.engine.samplers.options import SamplerOptions
from webui.engine.samplers.table import SAMPLER_NAMES, find_sampler


@pytest.mark.parametrize("name", ORDERS)
def test_order(name):
    assert convergence.order(name) == pytest.approx(ORDERS[name], abs=0.35)


def test_all_have_an_order_but_those_that_make_their_own_way():
    assert set(SAMPLER_NAMES) - set(ORDERS) == {"DPM adaptive", "LCM", "TCD"}


@pytest.mark.parametrize("name", ["DPM++ 2M SDE", "DPM++ 2M SDE Heun", "DPM++ 3M SDE"])
@pytest.mark.parametrize("eta", [0.0, 0.5, 1.5])
def test_any_amount_of_noise_leads_to_the_same_pictures(name, eta):
    coarse, fine = (convergence.error(name, count, eta=eta) for count in (50, 100))
    assert fine < 0.01
    assert math.log2(coarse / fine) == pytest.approx(2, abs=0.4)


@pytest.mark.parametrize("name", ["DPM++ 2S a", "DPM2 a", "DPM++ SDE"])
def test_without_noise_the_order_is_the_same(name):
    coarse, fine = (convergence.error(name, count, eta=0.0) for count in (50, 100))
    assert math.log2(coarse / fine) == pytest.approx(2, abs=0.1)


NOISY = {  # eta to the noise of the diffusion equation, as a share of what the reverse of training adds
    "DPM++ SDE": lambda eta: eta**2,
    "DPM++ 2M SDE": lambda eta: eta,
    "DPM++ 2M SDE Heun": lambda eta: eta,
    "DPM++ 2S a": lambda eta: eta**2,
    "DPM++ 3M SDE": lambda eta: eta,
    "Euler a": lambda eta: eta**2,
    "DPM2 a": lambda eta: eta**2,
    "DDPM": lambda eta: 1.0,
}


@pytest.mark.parametrize("name", NOISY)
@pytest.mark.parametrize("eta", [0.5, 1.0])
def test_from_any_point_on_the_noise_is_the_diffusion_equations(name, eta):
    """From a single x the results' mean and deviation tell how much noise was added and taken away."""
    errors = []
    for steps in (100, 200):
        sigmas, _ = convergence.way(name, steps)
        sigmas = sigmas[: steps + 1]
        mine = from_a_point(name, sigmas, eta, spread=0.5)
        right = solution(sigmas[0], sigmas[0], sigmas[-1], NOISY[name](eta), spread=0.5)
        errors.append(max(abs(a - b) for a, b in zip(mine, right, strict=True)))
    assert errors[1] < 0.01
    assert math.log2(errors[0] / errors[1]) > 0.9


def from_a_point(name, sigmas, eta, spread):
    noise = Coefficients(3 * len(sigmas))
    center, memory = noise.constant(MU), ()

    def denoise(x, sigma):
        return center + (x - center) * (spread**2 / (spread**2 + sigma**2))

    x = noise.constant(sigmas[0])
    for index in range(len(sigmas) - 1):
        move = Move(denoise, noise, sigmas, index, SamplerOptions(eta=eta))
        x, memory = find_sampler(name).step(move, x, memory)
    return x[0], deviation(x)


def solution(x, start, end, rate, spread):
    """(mean, deviation) that Karras et al., arXiv:2206.00364, eq. 6 leads to, for Gaussian data."""
    kept = ((spread**2 + end**2) / (spread**2 + start**2)) ** ((1 + rate) / 2)
    variance = spread**2 + end**2 - (spread**2 + start**2) * kept**2
    return MU + (x - MU) * kept, math.sqrt(variance)


@pytest.mark.parametrize("steps", [1, 2, 4, 8])
def test_lcm_is_exact_with_a_perfectly_distilled_model(steps):
    """With the exact consistency function in place of the denoiser, any number of steps will do."""
    spread, sampler = 0.5, find_sampler("LCM")
    sigmas = sampler.sigmas("Automatic", TABLE, steps)
    noise = Coefficients(len(sigmas) + 1)
    center = noise.constant(MU)

    def consistent(x, sigma):
        return center + (x - center) * (spread / math.sqrt(spread**2 + sigma**2))

    x, memory = center + noise() * math.sqrt(spread**2 + sigmas[0] ** 2), ()
    for index in range(steps):
        x, memory = sampler.step(Move(consistent, noise, sigmas, index), x, memory)
    assert deviation(x) == pytest.approx(spread)
    assert x[0] == pytest.approx(MU)


def test_restarts_keep_the_distribution():
    """Up again to more noise and down again: at the end the spread is right, and the path is new."""
    spread, sampler = 0.5, find_sampler("Restart")
    sigmas = sampler.sigmas("Automatic", TABLE, 40)
    noise = Coefficients(len(sigmas))
    center = noise.constant(MU)

    def denoise(x, sigma):
        return center + (x - center) * (spread**2 / (spread**2 + sigma**2))

    x, memory = center + noise() * math.sqrt(spread**2 + sigmas[0] ** 2), ()
    for index in range(len(sigmas) - 2):
        x, memory = sampler.step(Move(denoise, noise, sigmas, index), x, memory)
    assert deviation(x) == pytest.approx(math.sqrt(spread**2 + sigmas[-2] ** 2), rel=0.02)
    assert np.count_nonzero(x[2:]) == 2  # two rises' noise, too
    assert abs(x[1]) < 0.5 * deviation(x)


def test_the_documentation_has_what_is_measured():
    """Else: python -m tests.engine.convergence."""
    assert convergence.documented() == convergence.table()
