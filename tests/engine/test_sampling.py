"""Sampling with the demo model: it can stop after any step and go on, bit for bit."""

import io

import pytest
import torch

from webui.engine.denoiser import Denoiser
from webui.engine.encoding import PromptEncoder
from webui.engine.samplers.table import SAMPLER_NAMES, find_sampler
from webui.engine.sampling import Noise, begin, finished, walk

CPU = torch.device("cpu")
STEPS = 5
SHAPE = (4, 8, 8)


@pytest.fixture(autouse=True)
def inference_mode():
    with torch.inference_mode():
        yield


@pytest.fixture(scope="module")
def conditioning(model):
    with torch.inference_mode():
        return PromptEncoder(model).encode("a 3d panda on a blue background", "")


def through_a_file(state):
    stream = io.BytesIO()
    torch.save(state, stream)
    stream.seek(0)
    return torch.load(stream, weights_only=False)


@pytest.mark.parametrize("name", SAMPLER_NAMES)
def test_stopping_and_going_on_is_bit_identical(name, model, conditioning):
    sampler = find_sampler(name)
    sigmas = sampler.sigmas("Automatic", model.noise_table, STEPS)
    noise = Noise([1, 2], SHAPE, CPU)
    states = [begin(sampler, sigmas, noise)]
    states += walk(sampler, sigmas, states[0], noise, Denoiser(model, conditioning, 4.0, 2))
    assert [state.index for state in states] == list(range(STEPS + 1))
    for kept in states:
        other_noise = Noise([8, 9], SHAPE, CPU)  # as if in another process: nothing is left of the first walk
        denoise = Denoiser(model, conditioning, 4.0, 2)
        resumed = list(walk(sampler, sigmas, through_a_file(kept), other_noise, denoise))
        assert len(resumed) == STEPS - kept.index
        assert torch.equal((resumed or [kept])[-1].x, states[-1].x)


def test_a_state_is_left_as_it_was(model, conditioning):
    """From one state one can go on twice: nothing writes into it."""
    sampler = find_sampler("UniPC")
    sigmas = sampler.sigmas("Automatic", model.noise_table, STEPS)
    noise = Noise([1], SHAPE, CPU)
    denoise = Denoiser(model, conditioning, 4.0, 1)
    walked = walk(sampler, sigmas, begin(sampler, sigmas, noise), noise, denoise)
    next(walked), next(walked)
    state = next(walked)
    before = through_a_file(state)
    list(walked)
    assert torch.equal(state.x, before.x)
    assert all(torch.equal(a, b) for a, b in zip(state.memory, before.memory, strict=True))
    assert all(torch.equal(a, b) for a, b in zip(state.noise, before.noise, strict=True))


def test_noise_depends_on_its_seed_only():
    alone, beside = Noise([5], SHAPE, CPU), Noise([3, 5, 9], SHAPE, CPU)
    for _ in range(3):
        row, rows = alone(), beside()
        assert torch.equal(row[0], rows[1])
        assert not torch.equal(rows[0], rows[1])


def test_noise_of_a_seed_is_torchs():
    expected = torch.randn(SHAPE, generator=torch.Generator("cpu").manual_seed(2**53 - 1))
    assert torch.equal(Noise([2**53 - 1], SHAPE, CPU)()[0], expected)


def test_noise_goes_back_to_where_it_stood():
    noise = Noise([5, 6], SHAPE, CPU)
    noise()
    states = noise.states()
    second = noise()
    noise()
    noise.restore(states)
    assert torch.equal(noise(), second)


def test_begins_at_the_first_sigma():
    expected = Noise([5], SHAPE, CPU)()
    for name, variance in [
        ("Euler", 3.0**2),
        ("DPM++ 2M", 3.0**2),
        ("DDIM", 1 + 3.0**2),
        ("UniPC", 1 + 3.0**2),
    ]:
        x = begin(find_sampler(name), [3.0, 1.0, 0.0], Noise([5], SHAPE, CPU)).x
        torch.testing.assert_close(x, expected * variance**0.5)


def test_a_schedule_that_ends_above_zero_is_scaled_to_the_picture():
    sampler = find_sampler("DDIM")
    state = begin(sampler, [2.0, 0.75], Noise([5], SHAPE, CPU))
    assert torch.equal(finished(state, [2.0, 0.75]), state.x / 1.25)
    assert torch.equal(finished(state, [2.0, 0.0]), state.x)
