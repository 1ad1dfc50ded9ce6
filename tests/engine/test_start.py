"""Starting in the middle of a way: every sampler, from latents that are a picture already."""

from itertools import pairwise

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from tests.engine.waves import Waves, two_heaps
from webui.engine.noise_source import NoiseSource, Seeds
from webui.engine.samplers.cut import Cut
from webui.engine.samplers.options import SamplerOptions
from webui.engine.samplers.schedules import NoiseTable
from webui.engine.samplers.table import SAMPLER_NAMES, SCHEDULE_NAMES, find_sampler
from webui.engine.sampling import begin, begin_from, finished, walk
from webui.engine.start import Start

CPU = torch.device("cpu")
TABLE = NoiseTable.scaled_linear()
SHAPE = (4, 8, 8)
PICTURE = torch.sin(torch.arange(256.0)).reshape(1, *SHAPE).sign()  # where two_heaps has its heaps


def levels_of(name, steps, cut=None, options=SamplerOptions()):  # noqa: B008
    return find_sampler(name).sigmas("Automatic", TABLE, steps, options, cut=cut)


def drawn(name, cut, seeds=(1, 2), picture=PICTURE):
    sampler, sigmas = find_sampler(name), levels_of(name, cut.steps, cut)
    noise = NoiseSource(Seeds(seeds), SHAPE, CPU)
    state = begin_from(picture, noise, sigmas[0])
    whole = levels_of(name, cut.steps)
    *_, last = walk(sampler, sigmas, state, noise, two_heaps, SamplerOptions(), whole)
    return finished(last, sigmas)


# How much of the way is gone: A1111's rule


@pytest.mark.parametrize(
    ("steps", "strength", "walked"),
    [(20, 0.75, 16), (20, 0.5, 11), (20, 1.0, 20), (20, 0.999, 20), (20, 0.01, 1), (1, 0.4, 1), (20, 0.0, 0)],
)
def test_the_share_of_the_steps_and_one_more(steps, strength, walked):
    assert Cut.of(steps, strength) == Cut(steps, walked)


@pytest.mark.parametrize(
    ("steps", "strength", "whole"), [(20, 0.75, 26), (20, 0.5, 40), (20, 1.0, 20), (150, 0.1, 1500)]
)
def test_exactly_as_many_steps_as_were_asked_for(steps, strength, whole):
    assert Cut.of(steps, strength, exact=True) == Cut(whole, steps)


def test_a_schedule_with_too_few_levels_keeps_to_the_noise_that_the_strength_means():
    cut, table = Cut.of(20, 0.01, exact=True), NoiseTable.scaled_linear()
    sigmas = find_sampler("DDIM").sigmas("Automatic", table, 20, cut=cut)
    assert len(sigmas) - 1 == 10
    assert table.timestep(sigmas[0]) == pytest.approx(10, abs=1)


def test_a_tiny_strength_asks_for_no_endless_schedule():
    assert Cut.of(150, 1e-300, exact=True).steps <= 10_000
    assert Cut.of(150, 1e-300) == Cut(150, 1)


@given(st.integers(1, 150), st.floats(0.0005, 1), st.booleans(), st.sampled_from(SAMPLER_NAMES), st.data())
def test_every_cut_leaves_a_way_that_can_be_gone(steps, strength, exact, name, data):
    """However few the steps and whatever the schedule: some way down, from no higher than the whole's."""
    sampler = find_sampler(name)
    schedule = data.draw(st.sampled_from([each for each in SCHEDULE_NAMES if each != "Beta"]))
    cut = Cut.of(steps, strength, exact=exact)
    sigmas = sampler.sigmas(schedule, TABLE, steps, cut=cut)
    whole = sampler.sigmas(schedule, TABLE, cut.steps)
    assert len(sigmas) >= 2
    assert sigmas[0] <= max(whole) * 1.0001
    assert sigmas[-1] < sigmas[0]
    assert (sampler.total_steps(sigmas) or 1) >= 1
    if not sampler.path and not sampler.spans:
        assert sigmas == whole[-len(sigmas) :]


@pytest.mark.parametrize("name", SAMPLER_NAMES)
def test_less_strength_begins_with_less_noise(name):
    begun = [levels_of(name, 20, Cut.of(20, strength))[0] for strength in (0.1, 0.4, 0.7, 1.0)]
    assert begun == sorted(begun)
    assert len(set(begun)) == 4
    assert begun[-1] == pytest.approx(levels_of(name, 20)[0])


def test_what_restart_goes_again_is_settled_for_what_is_left():
    assert find_sampler("Restart").total_steps(levels_of("Restart", 40, Cut.of(40, 0.25))) == 11
    sigmas = levels_of("Restart", 40, Cut.of(40, 0.75))
    assert find_sampler("Restart").total_steps(sigmas) == 31
    assert sum(b > a for a, b in pairwise(sigmas)) == 1  # of 40 it would be two
    assert sigmas[0] == pytest.approx(find_sampler("Heun").sigmas("Karras", TABLE, 40)[9])


@pytest.mark.parametrize("name", ["DPM fast", "DPM adaptive"])
def test_those_that_lay_their_steps_themselves_begin_at_the_uniform_level(name):
    sigmas = levels_of(name, 20, Cut.of(20, 0.5))
    assert sigmas[0] == pytest.approx(find_sampler("Euler").sigmas("Uniform", TABLE, 20)[9])
    assert sigmas[-1] == pytest.approx(TABLE.lowest)


# Every sampler from there


@pytest.mark.parametrize("name", SAMPLER_NAMES)
@pytest.mark.parametrize(("steps", "strength"), [(1, 0.5), (6, 0.3), (6, 1.0), (30, 0.8)])
def test_every_sampler_goes_on_from_a_picture(name, steps, strength):
    made = drawn(name, Cut.of(steps, strength))
    assert made.shape == (2, *SHAPE)
    assert torch.isfinite(made).all()
    assert float(made.abs().max()) < 30
    assert torch.equal(made, drawn(name, Cut.of(steps, strength)))
    assert not torch.equal(made[0], made[1])


@pytest.mark.parametrize("name", SAMPLER_NAMES)
def test_without_strength_it_comes_to_what_it_began_with(name):
    far = []
    for strength in (0.4, 0.1, 0.01):
        made = drawn(name, Cut.of(20, strength, exact=True))
        far.append(float((made - PICTURE).abs().mean()))
    # About the noise that even the last steps have; LCM knows none below 0.17 and adds it anew at each.
    assert far[2] < (0.4 if name == "LCM" else 0.15)
    assert far[2] < far[0]


@pytest.mark.parametrize("name", [name for name in SAMPLER_NAMES if name != "DPM adaptive"])
def test_a_picture_drawn_on_does_not_depend_on_what_is_drawn_beside_it(name):
    cut = Cut.of(6, 0.6)
    beside, alone = drawn(name, cut, seeds=(3, 5)), drawn(name, cut, seeds=(5,))
    torch.testing.assert_close(beside[1:], alone, rtol=0, atol=1e-5)


def test_a_brownian_path_leads_over_the_whole_way():
    """So a seed's noise at a level is the same from wherever one begins, as it is in A1111."""
    noise, cut = Waves(), Cut.of(10, 0.5)
    sampler = find_sampler("DPM++ 2M SDE")
    sigmas = levels_of("DPM++ 2M SDE", 10, cut)
    state = begin_from(torch.zeros(1, 1, 2, 2), noise, sigmas[0])
    list(walk(sampler, sigmas, state, noise, two_heaps, whole=levels_of("DPM++ 2M SDE", 10)))
    assert noise.spanned == (pytest.approx(TABLE.lowest), pytest.approx(TABLE.highest))


def test_at_full_strength_there_is_as_much_noise_as_without_a_picture():
    noise = NoiseSource(Seeds((1,)), SHAPE, CPU)
    sigmas = levels_of("Euler", 20, Cut.of(20, 1.0))
    assert sigmas == levels_of("Euler", 20)
    alone, on_picture = begin(find_sampler("Euler"), sigmas, noise), begin_from(PICTURE, noise, sigmas[0])
    assert float((on_picture.x - alone.x).std() / alone.x.std()) < 0.1


def test_more_or_less_noise_than_the_model_is_told_of():
    unit = Waves().first()
    latents = torch.ones_like(unit)
    torch.testing.assert_close(begin_from(latents, Waves(), 2.0).x, latents + unit * 2)
    torch.testing.assert_close(begin_from(latents, Waves(), 2.0, multiplier=0.5).x, latents + unit)
    torch.testing.assert_close(
        begin_from(latents, Waves(), 2.0, multiplier=0.5, extra=1.0).x, latents + unit * 1.5
    )


# Where it may change


def test_outside_the_mask_the_start_stays_at_every_step():
    mask = (torch.arange(8) < 3).float().expand(1, 1, 8, 8)
    start = Start(PICTURE, 0.7, mask=mask)
    clean = torch.full((2, *SHAPE), 5.0)
    for kept in (start.kept(clean, 3.0), start.finished(clean)):
        assert torch.equal(kept[..., 3:], PICTURE[..., 3:].expand(2, -1, -1, -1))
        assert torch.equal(kept[..., :3], clean[..., :3])
    assert Start(PICTURE, 0.7).kept(clean, 3.0) is clean
