"""Sampling can stop after any step and go on, bit for bit: with every sampler, and with the demo model."""

import io

import pytest
import torch

from tests.engine.waves import START, Waves, two_heaps
from webui.engine.conditioning import Conditioning
from webui.engine.denoiser import Denoiser
from webui.engine.encoding import PromptEncoder
from webui.engine.guidance import Guidance
from webui.engine.noise_source import NoiseSource, Seeds
from webui.engine.samplers.options import SamplerOptions
from webui.engine.samplers.schedules import NoiseTable
from webui.engine.samplers.table import SAMPLER_NAMES, find_sampler
from webui.engine.sampling import begin, finished, walk
from webui.prompting.prepared import PicturePrompt

CPU = torch.device("cpu")
TABLE = NoiseTable.scaled_linear()
SHAPE = (4, 8, 8)
STEPS = 5


@pytest.fixture(autouse=True)
def inference_mode():
    with torch.inference_mode():
        yield


def noise_of(*seeds):
    return NoiseSource(Seeds(seeds), SHAPE, CPU)


def through_a_file(state):
    stream = io.BytesIO()
    torch.save(state, stream)
    stream.seek(0)
    return torch.load(stream, weights_only=False)


def states_of(sampler, sigmas, noise, denoise, options):
    start = begin(sampler, sigmas, noise, options)
    return [start, *walk(sampler, sigmas, start, noise, denoise, options)]


def goes_on(kept, states, sampler, sigmas, denoise, options):
    """Whether a walk taken up at `kept`, by someone who knows the seeds beside it, ends as the first did."""
    other = noise_of(*range(1, 1 + len(kept.x)))
    resumed = list(walk(sampler, sigmas, through_a_file(kept), other, denoise, options))
    last = (resumed or [kept])[-1]
    return len(resumed) == len(states) - 1 - kept.done and same(last, states[-1])


def same(a, b):
    tensors = [(a.x, b.x), *zip(a.memory, b.memory, strict=True), *zip(a.noise, b.noise, strict=True)]
    counts = [(a.index, b.index), (a.done, b.done), (a.progress, b.progress)]
    return all(torch.equal(x, y) for x, y in tensors) and all(x == y for x, y in counts)


@pytest.mark.parametrize("name", SAMPLER_NAMES)
@pytest.mark.parametrize("steps", [4, 21])
def test_stopping_and_going_on_is_bit_identical(name, steps):
    sampler, options = find_sampler(name), SamplerOptions(s_churn=2)
    sigmas = sampler.sigmas("Automatic", TABLE, steps, options)
    states = states_of(sampler, sigmas, noise_of(1, 2), two_heaps, options)
    assert [state.done for state in states] == list(range(len(states)))
    for kept in states[:: 1 if steps == 4 else 6]:
        assert goes_on(kept, states, sampler, sigmas, two_heaps, options)


@pytest.mark.parametrize("name", ["DPM++ 2M", "Euler a", "DPM++ SDE", "UniPC", "DDIM CFG++"])
def test_so_it_is_with_a_model(name, model):
    sampler, options = find_sampler(name), SamplerOptions()
    sigmas = sampler.sigmas("Automatic", model.noise_table, STEPS)
    said = Conditioning(PromptEncoder(model), [PicturePrompt("a 3d panda on a blue background", "flat")] * 2)

    def denoiser():
        return Denoiser(model, said, Guidance(4.0))

    states = states_of(sampler, sigmas, noise_of(1, 2), denoiser(), options)
    assert len(states) == STEPS + 1
    for kept in (states[0], states[3]):
        assert goes_on(kept, states, sampler, sigmas, denoiser(), options)


@pytest.mark.parametrize("name", SAMPLER_NAMES)
def test_a_state_is_left_as_it_was(name):
    """From one state one can go on twice: nothing writes into it."""
    sampler, options, noise = find_sampler(name), SamplerOptions(), noise_of(1)
    sigmas = sampler.sigmas("Automatic", TABLE, STEPS)
    walked = walk(sampler, sigmas, begin(sampler, sigmas, noise), noise, two_heaps, options)
    next(walked), next(walked)
    state = next(walked)
    before = through_a_file(state)
    list(walked)
    assert same(state, before)


@pytest.mark.parametrize("name", [name for name in SAMPLER_NAMES if name != "DPM adaptive"])
def test_a_picture_does_not_depend_on_what_is_drawn_beside_it(name):
    sampler, options = find_sampler(name), SamplerOptions()
    sigmas = sampler.sigmas("Automatic", TABLE, STEPS)
    alone = states_of(sampler, sigmas, noise_of(5), two_heaps, options)[-1]
    beside = states_of(sampler, sigmas, noise_of(3, 5, 9), two_heaps, options)[-1]
    torch.testing.assert_close(alone.x[0], beside.x[1], rtol=0, atol=1e-5)


@pytest.mark.parametrize("name", SAMPLER_NAMES)
def test_progress_rises_to_1(name):
    sampler, options = find_sampler(name), SamplerOptions()
    sigmas = sampler.sigmas("Automatic", TABLE, 24)
    states = states_of(sampler, sigmas, noise_of(5), two_heaps, options)
    progress = [state.progress for state in states]
    assert progress[0] == 0
    assert progress[-1] == 1
    assert progress == sorted(progress)
    assert max(progress[:-1]) < 1
    if total := sampler.total_steps(sigmas):
        assert progress == pytest.approx([done / total for done in range(total + 1)])


def test_noise_that_only_raises_the_level_is_no_step():
    """Restart and TCD add noise between steps; who counts steps, or stops after one, doesn't notice."""
    for name, steps, rises in [("Restart", 20, 1), ("Restart", 36, 2), ("TCD", 4, 3)]:
        sampler, asked = find_sampler(name), []
        sigmas = sampler.sigmas("Automatic", TABLE, steps)

        def watched(x, sigma, asked=asked):
            asked.append(sigma)
            return two_heaps(x, sigma)

        states = states_of(sampler, sigmas, noise_of(5), watched, SamplerOptions())
        assert len(sigmas) - 1 == steps + rises
        assert (len(states) - 1, sampler.total_steps(sigmas)) == (steps, steps)
        assert states[-1].index == len(sigmas) - 1
        starts = asked if sampler.evaluations == 1 else None
        assert starts in (None, [sigmas[state.index] for state in states[:-1]])


def test_brownian_noise_spans_the_sigmas():
    noise = Waves()
    sampler = find_sampler("DPM++ 2M SDE")
    sigmas = sampler.sigmas("Automatic", TABLE, 10)
    states_of(sampler, sigmas, noise, two_heaps, SamplerOptions())
    assert noise.spanned == (pytest.approx(TABLE.lowest), pytest.approx(TABLE.highest))
    assert noise.drawn == 0


def test_other_seeds_give_other_noise_on_the_way():
    """With the same beginning, too: what is added differs."""
    for name in ("Euler a", "DPM++ SDE", "LCM"):
        sampler = find_sampler(name)
        sigmas = sampler.sigmas("Automatic", TABLE, STEPS)
        start = begin(sampler, sigmas, noise_of(5))
        ends = []
        for seed in (5, 6):
            noise = noise_of(seed)
            noise.first()
            state = begin(sampler, sigmas, noise_of(5))
            state = type(state)(start.x, 0, (), noise.states())
            *_, last = walk(sampler, sigmas, state, noise, two_heaps)
            ends.append(last.x)
        assert float((ends[0] - ends[1]).abs().max()) > 0.01, name


def test_a_schedule_that_ends_above_zero_is_scaled_to_the_picture():
    state = begin(find_sampler("DDIM"), [2.0, 0.75], Waves())
    assert torch.equal(finished(state, [2.0, 0.75]), state.x / 1.25)
    assert torch.equal(finished(state, [2.0, 0.0]), state.x)
    assert torch.equal(begin(find_sampler("Euler"), [2.0, 0.75], Waves()).x, START * 2)
