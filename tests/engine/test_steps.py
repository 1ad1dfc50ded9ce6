"""Samplers' steps beside other people's: k-diffusion's numbers, diffusers' schedulers, the papers' rules.

How well they converge is in test_convergence.py.
"""

import itertools
import math

import numpy as np
import pytest
import torch
from diffusers import (
    DDIMScheduler,
    DDPMScheduler,
    DEISMultistepScheduler,
    DPMSolverMultistepScheduler,
    EulerDiscreteScheduler,
    HeunDiscreteScheduler,
    LCMScheduler,
    SASolverScheduler,
    TCDScheduler,
    UniPCMultistepScheduler,
)

from tests.engine.k_diffusion import PLAIN, SIGMAS, TUNED
from tests.engine.waves import START, Waves, two_heaps
from webui.engine.samplers import adaptive, euler, restart
from webui.engine.samplers.move import Move, ancestral_split, churned
from webui.engine.samplers.options import SamplerOptions
from webui.engine.samplers.schedules import NoiseTable
from webui.engine.samplers.table import SAMPLER_NAMES, SAMPLERS, SCHEDULE_NAMES, find_sampler
from webui.engine.sampling import SamplingState, begin, finished, walk

TABLE = NoiseTable.scaled_linear()
SHAPE = (1, 4, 8, 8)
NOISE = torch.randn(SHAPE, generator=torch.Generator().manual_seed(0), dtype=torch.float64)


class Drawn(Waves):
    """Random numbers, as diffusers draws them."""

    def __init__(self):
        super().__init__()
        self.generator = torch.Generator().manual_seed(5)

    def __call__(self):
        return torch.randn(SHAPE, generator=self.generator, dtype=torch.float64)


def run(name, sigmas, x, noise=None, options=None, denoise=two_heaps):
    """The latents at the end of a walk from `x`."""
    noise = noise or Waves()
    start = SamplingState(x, 0, (), noise.states())
    *_, last = walk(find_sampler(name), sigmas, start, noise, denoise, options or SamplerOptions())
    return last.x


@pytest.mark.parametrize(("expected", "tuned"), [(PLAIN, False), (TUNED, True)])
@pytest.mark.parametrize("name", PLAIN)
def test_k_diffusions_numbers(name, expected, tuned):
    options = (
        SamplerOptions(eta=0.7, s_noise=1.01, s_churn=6, s_tmin=0.3, s_tmax=8) if tuned else SamplerOptions()
    )
    sampler = find_sampler(name)
    sigmas = sampler.sigmas("Automatic", TABLE, 8, options) if sampler.fixed else SIGMAS
    result = run(name, sigmas, START * sigmas[0], options=options)
    np.testing.assert_allclose(result.flatten(), expected[name], rtol=0, atol=2e-8)


# diffusers' schedulers take a model's output; with prediction_type "sample" that is the clean picture. All
# but those of k-diffusion's making hold the latents scaled down by sqrt(1 + sigma²).

TRAINED = {
    "beta_start": 0.00085,
    "beta_end": 0.012,
    "beta_schedule": "scaled_linear",
    "prediction_type": "sample",
}
UNSCALED = (EulerDiscreteScheduler, HeunDiscreteScheduler)


def theirs(scheduler, count, **options):
    """diffusers' result, the scheduler's own latents."""
    scheduler.set_timesteps(count)
    x = NOISE * float(scheduler.init_noise_sigma)
    for index, timestep in enumerate(scheduler.timesteps):
        sigma = sigma_of(scheduler, index, timestep)
        scale = 1 if isinstance(scheduler, UNSCALED) else math.sqrt(1 + sigma**2)
        scheduler.scale_model_input(x, timestep)
        x = scheduler.step(two_heaps(x * scale, sigma), timestep, x, return_dict=False, **options)[0]
    return x


def sigma_of(scheduler, index, timestep):
    if hasattr(scheduler, "sigmas"):
        return float(scheduler.sigmas[index])
    alpha = scheduler.alphas_cumprod.double()[timestep]
    return float(((1 - alpha) / alpha) ** 0.5)


def ours(name, sigmas, start, noise=None, options=None):
    return run(name, sigmas, NOISE * start, noise, options) / math.sqrt(1 + sigmas[-1] ** 2)


def at_timesteps(timesteps, last=0.0):
    """Sigmas of whole timesteps, then `last`."""
    return [*TABLE.sigma(np.asarray(timesteps, dtype=np.float64)).tolist(), last]


def variance_start(sigmas):
    return math.sqrt(1 + sigmas[0] ** 2)


def near(mine, expected, atol=1e-5):
    torch.testing.assert_close(mine, expected, rtol=0, atol=atol)


@pytest.mark.parametrize("count", [2, 7, 20])
@pytest.mark.parametrize(
    ("schedule", "options"),
    [("Uniform", {"timestep_spacing": "linspace"}), ("Karras", {"use_karras_sigmas": True})],
)
@pytest.mark.parametrize(
    ("name", "kind"), [("Euler", EulerDiscreteScheduler), ("Heun", HeunDiscreteScheduler)]
)
def test_euler_and_heun_are_diffusers(schedule, options, count, name, kind):
    sigmas = find_sampler(name).sigmas(schedule, TABLE, count)
    scheduler = kind(**TRAINED, **options)
    scheduler.set_timesteps(count)
    near(ours(name, sigmas, float(scheduler.init_noise_sigma)), theirs(scheduler, count))


@pytest.mark.parametrize("count", [2, 5, 20])
def test_ddim_is_diffusers(count):
    sampler = find_sampler("DDIM")
    sigmas = sampler.sigmas("Automatic", TABLE, count)
    scheduler = DDIMScheduler(
        **TRAINED, timestep_spacing="leading", steps_offset=1, set_alpha_to_one=False, clip_sample=False
    )
    near(ours("DDIM", sigmas, sampler.start(sigmas[0])), theirs(scheduler, count))


@pytest.mark.parametrize("eta", [0.4, 1.0])
def test_ddim_adds_diffusers_noise(eta):
    scheduler = DDIMScheduler(
        **TRAINED, timestep_spacing="leading", steps_offset=1, set_alpha_to_one=False, clip_sample=False
    )
    sigmas = find_sampler("DDIM").sigmas("Automatic", TABLE, 10)
    expected = theirs(scheduler, 10, eta=eta, generator=Drawn().generator)
    near(ours("DDIM", sigmas, variance_start(sigmas), Drawn(), SamplerOptions(eta=eta)), expected)


@pytest.mark.parametrize("count", [2, 7, 20])
def test_dpmpp_2m_is_diffusers(count):
    scheduler = DPMSolverMultistepScheduler(**TRAINED, use_karras_sigmas=True)
    result = theirs(scheduler, count)
    sigmas = find_sampler("DPM++ 2M").sigmas("Karras", TABLE, count)
    np.testing.assert_allclose(sigmas, scheduler.sigmas, rtol=1e-4)
    near(ours("DPM++ 2M", sigmas, variance_start(sigmas)), result)  # A1111, and Darkroom, begin at sigma


@pytest.mark.parametrize("count", [2, 3, 7, 20])
@pytest.mark.parametrize("variant", ["bh1", "bh2"])
@pytest.mark.parametrize("order", [1, 2, 3, 5])
def test_unipc_is_diffusers(count, variant, order):
    scheduler = UniPCMultistepScheduler(
        **TRAINED, solver_order=order, solver_type=variant, final_sigmas_type="sigma_min"
    )
    result = theirs(scheduler, count)
    sigmas = [float(sigma) for sigma in scheduler.sigmas]
    options = SamplerOptions(uni_pc_order=order, uni_pc_variant=variant)
    near(ours("UniPC", sigmas, variance_start(sigmas), options=options), result)


@pytest.mark.parametrize("count", [15, 30])
def test_deis_is_diffusers(count):
    scheduler = DEISMultistepScheduler(
        **TRAINED, solver_order=3, use_karras_sigmas=True, lower_order_final=False
    )
    result = theirs(scheduler, count)
    sigmas = [float(sigma) for sigma in scheduler.sigmas]
    walked = find_sampler("DEIS").sigmas("Automatic", TABLE, count)[:-1]
    np.testing.assert_allclose(sigmas[:-1], walked, rtol=1e-4)
    near(ours("DEIS", sigmas, variance_start(sigmas)), result, 1e-4)  # theirs count in 32 bits


@pytest.mark.parametrize("count", [3, 8, 20])
@pytest.mark.parametrize("eta", [0.0, 1.0])
def test_sa_solver_is_diffusers(count, eta):
    scheduler = SASolverScheduler(
        **TRAINED, predictor_order=3, corrector_order=3, tau_func=lambda t: eta if 200 <= t <= 800 else 0
    )
    expected = theirs(scheduler, count, generator=Drawn().generator)
    sigmas = [float(sigma) for sigma in scheduler.sigmas]
    near(ours("SA-Solver", sigmas, variance_start(sigmas), Drawn(), SamplerOptions(eta=eta)), expected, 1e-4)


@pytest.mark.parametrize("count", [2, 7, 20])
def test_ddpm_is_diffusers(count):
    scheduler = DDPMScheduler(**TRAINED, clip_sample=False)
    expected = theirs(scheduler, count, generator=Drawn().generator)
    sigmas = at_timesteps(scheduler.timesteps)
    near(ours("DDPM", sigmas, variance_start(sigmas), Drawn()), expected)


@pytest.mark.parametrize("count", [1, 4, 8])
def test_lcm_is_diffusers(count):
    """Though diffusers scales at the boundary, too."""
    scheduler = LCMScheduler(**TRAINED)
    expected = theirs(scheduler, count, generator=Drawn().generator)
    sigmas = at_timesteps(scheduler.timesteps)
    near(ours("LCM", sigmas, variance_start(sigmas), Drawn()), expected)


@pytest.mark.parametrize("count", [1, 4, 8, 30])
@pytest.mark.parametrize("eta", [None, 0.0, 0.5, 1.0])
def test_tcd_is_diffusers(count, eta):
    sampler, options = find_sampler("TCD"), SamplerOptions(eta=eta)
    given = {} if eta is None else {"eta": eta}
    expected = theirs(TCDScheduler(**TRAINED), count, generator=Drawn().generator, **given)
    sigmas = sampler.sigmas("Automatic", TABLE, count, options)
    assert sampler.total_steps(sigmas) == count
    near(ours("TCD", sigmas, sampler.start(sigmas[0]), Drawn(), options), expected)


def test_plms_is_the_papers():
    """Liu et al., arXiv:2202.09778, eq. 12, written out in the paper's own scaling."""
    sigmas = find_sampler("PLMS").sigmas("Automatic", TABLE, 10)

    def moved(x, noise, sigma, following):
        clean = x - sigma * noise
        return clean + following * noise

    x, past = NOISE * variance_start(sigmas), []
    for sigma, following in itertools.pairwise(sigmas):
        now = (x - two_heaps(x, sigma)) / sigma
        known = [now, *past]
        if not past:
            ahead = moved(x, now, sigma, following)
            used = (now + (ahead - two_heaps(ahead, following)) / following) / 2
        elif len(past) == 1:
            used = (3 * known[0] - known[1]) / 2
        elif len(past) == 2:
            used = (23 * known[0] - 16 * known[1] + 5 * known[2]) / 12
        else:
            used = (55 * known[0] - 59 * known[1] + 37 * known[2] - 9 * known[3]) / 24
        x, past = moved(x, used, sigma, following), known[:3]
    near(run("PLMS", sigmas, NOISE * variance_start(sigmas)), x, atol=1e-9)


def test_cfgpp_keeps_the_noise_of_the_unconditional_prediction():
    """Chung et al., arXiv:2406.08070, algorithm 2, with x = sqrt(a) picture + sqrt(1 - a) noise."""

    class Guided:
        unconditional = None

        def __call__(self, x, sigma):
            wanted, self.unconditional = two_heaps(x, sigma) + 0.3, two_heaps(x, sigma) - 0.1
            return self.unconditional + 0.6 * (wanted - self.unconditional)

    sigmas = find_sampler("DDIM CFG++").sigmas("Automatic", TABLE, 5)
    x = NOISE
    for sigma, following in itertools.pairwise(sigmas):
        a, later = 1 / (1 + sigma**2), 1 / (1 + following**2)
        guided = Guided()
        clean = guided(x / math.sqrt(a), sigma)
        noise = (x - math.sqrt(a) * guided.unconditional) / math.sqrt(1 - a)
        x = math.sqrt(later) * clean + math.sqrt(1 - later) * noise
    mine = run("DDIM CFG++", sigmas, NOISE * variance_start(sigmas), denoise=Guided())
    near(mine / math.sqrt(1 + sigmas[-1] ** 2), x, atol=1e-9)


def test_cfgpp_without_guidance_is_ddim():
    sigmas = find_sampler("DDIM").sigmas("Automatic", TABLE, 10)
    near(run("DDIM CFG++", sigmas, NOISE * 14), run("DDIM", sigmas, NOISE * 14), atol=1e-12)


def test_ddpm_is_euler_a_in_other_words():
    sigmas = find_sampler("Euler a").sigmas("Karras", TABLE, 10)
    near(run("DDPM", sigmas, NOISE * 14, Drawn()), run("Euler a", sigmas, NOISE * 14, Drawn()), atol=1e-12)


def test_restart_goes_up_and_down_as_a1111_does():
    """Xu et al., arXiv:2306.14878: with 20 steps nine of them twice, after noise up to about sigma 2."""
    sampler = find_sampler("Restart")
    for steps, rises in [(1, 0), (19, 0), (20, 1), (35, 1), (36, 2), (150, 2)]:
        sigmas = sampler.sigmas("Automatic", TABLE, steps)
        up = [(a, b) for a, b in itertools.pairwise(sigmas) if b > a]
        assert len(up) == rises
        assert sampler.total_steps(sigmas) == steps
        assert all(
            low == pytest.approx(0.1, rel=0.4) and high == pytest.approx(2, rel=0.4) for low, high in up
        )
        assert sigmas[0] == pytest.approx(TABLE.highest)
        assert sigmas[-1] == 0


def test_restart_without_restarts_is_heun():
    sigmas = find_sampler("Heun").sigmas("Karras", TABLE, 12)
    assert find_sampler("Restart").sigmas("Karras", TABLE, 12) == sigmas
    near(run("Restart", sigmas, NOISE * 14), run("Heun", sigmas, NOISE * 14), atol=0)


def test_a_rise_adds_what_is_missing():
    move = Move(two_heaps, Waves(), [0.5, 2.0], 0, SamplerOptions(s_noise=1.1))
    expected = START + Waves()() * (1.1 * math.sqrt(2**2 - 0.5**2))
    torch.testing.assert_close(restart.restart(move, START, ())[0], expected)


def test_dpm_adaptive_keeps_to_its_tolerance():
    """Without noise the result is near the exact one, found with very many steps."""
    sampler, options = find_sampler("DPM adaptive"), SamplerOptions(eta=0.0)
    sigmas = sampler.sigmas("Automatic", TABLE, 20, options)
    assert sigmas == [TABLE.highest, TABLE.lowest]
    mine = run("DPM adaptive", sigmas, NOISE * sigmas[0], Drawn(), options)
    exact = run("Heun", np.geomspace(*sigmas, 2000).tolist(), NOISE * sigmas[0])
    assert float((mine - exact).abs().max()) < 0.1


def test_dpm_adaptive_ends_whatever_the_model_says():
    """A model that gives nothing but noise never satisfies it; so at some point it goes on regardless."""
    generator = torch.Generator().manual_seed(1)
    noise, asked = Drawn(), []

    def nonsense(x, sigma):
        asked.append(sigma)
        return torch.randn(x.shape, generator=generator, dtype=x.dtype) * 100

    sampler = find_sampler("DPM adaptive")
    sigmas = sampler.sigmas("Automatic", TABLE, 20)
    states = list(walk(sampler, sigmas, SamplingState(NOISE, 0, (), noise.states()), noise, nonsense))
    assert len(states) == adaptive.MOST
    assert len(asked) == 3 * adaptive.MOST
    assert states[-1].progress == 1
    assert torch.isfinite(states[-1].x).all()


@pytest.mark.parametrize("value", [math.nan, math.inf, 1e30])
def test_dpm_adaptive_gives_up_on_a_broken_model(value):
    noise = Drawn()
    sigmas = find_sampler("DPM adaptive").sigmas("Automatic", TABLE, 20)
    start = SamplingState(NOISE.float(), 0, (), noise.states())
    walked = walk(find_sampler("DPM adaptive"), sigmas, start, noise, lambda x, sigma: x * 0 + value)
    assert len(list(walked)) <= adaptive.MOST


@pytest.mark.parametrize("count", range(1, 14))
def test_dpm_fast_asks_as_often_as_it_was_told(count):
    sampler, asked = find_sampler("DPM fast"), []
    sigmas = sampler.sigmas("Karras", TABLE, count)

    def watched(x, sigma):
        asked.append(sigma)
        return two_heaps(x, sigma)

    x = run("DPM fast", sigmas, NOISE * sigmas[0], Drawn(), denoise=watched)
    assert asked == sigmas[:-1]
    assert len(asked) == count
    assert torch.isfinite(x).all()


ENDS_CLEAN = [name for name in SAMPLER_NAMES if name not in ("LMS", "TCD") and not find_sampler(name).fixed]


@pytest.mark.parametrize("name", ENDS_CLEAN)
@pytest.mark.parametrize("scheduler", ["Uniform", "Karras", "Exponential"])
@pytest.mark.parametrize("count", [1, 2, 3, 22])
def test_the_last_step_to_zero_is_the_prediction(name, scheduler, count):
    sampler, seen = find_sampler(name), []

    def watched(x, sigma):
        seen.append(two_heaps(x, sigma))
        return seen[-1]

    sigmas = sampler.sigmas(scheduler, TABLE, count)
    x = run(name, sigmas, NOISE * 14, Drawn() if not sampler.brownian else Flat(), denoise=watched)
    assert torch.isfinite(x).all()
    near(x, seen[-1], atol=1e-12)
    # The last step needs one evaluation only.
    assert len(seen) == sampler.evaluations * (count - 1) + 1


@pytest.mark.parametrize("order", [3, 5, 9])
@pytest.mark.parametrize("variant", ["bh1", "bh2"])
def test_unipc_holds_with_many_short_steps_in_high_orders(order, variant):
    options = SamplerOptions(uni_pc_order=order, uni_pc_variant=variant)
    sigmas = find_sampler("DPM++ 2M").sigmas("Beta", TABLE, 150)[:-1]
    fine = run("UniPC", sigmas, NOISE * sigmas[0], Drawn(), options=options)
    plain = run("UniPC", sigmas, NOISE * sigmas[0], Drawn())
    near(fine, plain, atol=1e-2)


class Flat(Drawn):
    def between(self, sigma, following):
        return torch.full(SHAPE, 0.5, dtype=torch.float64)


@pytest.mark.parametrize("name", SAMPLER_NAMES)
@pytest.mark.parametrize("count", [1, 2, 3, 5, 20, 41])
def test_every_sampler_walks_every_schedule(name, count):
    """To its end, and with enough steps to a picture: the two heaps are at -1 and 1."""
    sampler = find_sampler(name)
    for scheduler in SCHEDULE_NAMES if not sampler.fixed else ["Automatic"]:
        sigmas, noise = sampler.sigmas(scheduler, TABLE, count), Flat()
        start = SamplingState(NOISE * sampler.start(sigmas[0]), 0, (), noise.states())
        *_, last = walk(sampler, sigmas, start, noise, two_heaps)
        assert last.progress == 1
        assert last.index == len(sigmas) - 1
        assert last.done == (sampler.total_steps(sigmas) or last.done)
        assert torch.isfinite(last.x).all()
        if count >= 20:
            assert float(finished(last, sigmas).abs().max()) < 4, scheduler


@pytest.mark.parametrize("name", SAMPLER_NAMES)
def test_keeps_nothing(name):
    """The same step twice gives the same: all that a sampler remembers goes through its memory."""
    sampler = find_sampler(name)
    sigmas = sampler.sigmas("Automatic", TABLE, 6)
    x, memory = NOISE * sigmas[0], ()
    for index in range(len(sigmas) - 1):
        move = Move(two_heaps, Waved(), sigmas, index)
        once, again = sampler.step(move, x, memory), sampler.step(move, x, memory)
        assert torch.equal(once[0], again[0])
        assert all(torch.equal(a, b) for a, b in zip(once[1], again[1], strict=True))
        x, memory = once


class Waved(Flat):
    def __call__(self):
        return NOISE


def test_ancestral_steps_add_what_they_take_away():
    for sigma, following in [(14.6, 9.1), (1.0, 0.99), (0.5, 0.01), (0.03, 0.0)]:
        for eta in (0.0, 0.5, 1.0, 3.0):
            down, up = ancestral_split(sigma, following, eta)
            assert down**2 + up**2 == pytest.approx(following**2)
            assert 0 <= down <= following
    # Ho et al.: the variance added is following² (sigma² - following²) / sigma².
    assert ancestral_split(2.0, 1.0)[1] == pytest.approx(math.sqrt(3 / 4))
    assert ancestral_split(2.0, 1.0, 0.5)[1] == pytest.approx(math.sqrt(3 / 4) / 2)


def test_noise_is_drawn_only_where_it_is_added():
    for name in ("Euler a", "DPM2 a", "DPM++ 2S a", "LCM"):
        noise = Waves()
        run(name, [3.0, 2.0, 1.0, 0.0], START * 3, noise)
        assert noise.drawn == 2, name


def test_churn_raises_the_noise_within_its_range():
    def churn(sigma, **options):
        noise = Waves()
        move = Move(two_heaps, noise, [sigma, 0.0], 0, SamplerOptions(**options))
        x, raised = churned(move, START)
        return x, raised, noise.drawn

    assert churn(2.0)[1:] == (2.0, 0)  # nothing asked for, nothing drawn
    x, raised, drawn = churn(2.0, s_churn=0.2)
    assert (raised, drawn) == (pytest.approx(2.4), 1)
    torch.testing.assert_close(x, START + Waves()() * math.sqrt(2.4**2 - 2**2))
    assert churn(2.0, s_churn=100)[1] == pytest.approx(2 * math.sqrt(2))
    for outside in ({"s_tmin": 3.0}, {"s_tmax": 1.0}):
        x, raised, drawn = churn(2.0, s_churn=0.2, **outside)
        assert (raised, drawn) == (2.0, 1)  # drawn all the same, as k-diffusion does
        assert torch.equal(x, START)


def test_s_noise_scales_what_is_added():
    for name in ("Euler a", "LCM", "DPM++ 2S a", "DPM2 a", "DPM++ 2M SDE", "DPM++ SDE", "SA-Solver"):
        plain, half, none = (
            run(name, [1.5, 1.0], NOISE * 1.5, Flat(), SamplerOptions(s_noise=s), lambda x, sigma: x * 0)
            for s in (1.0, 0.5, 0.0)
        )
        near(half - none, (plain - none) / 2, atol=1e-12)
        assert float((plain - none).abs().max()) > 0.1, name


def test_begins_at_the_first_sigma_or_a_little_above():
    for sampler in SAMPLERS:
        x = begin(sampler, [3.0, 1.0], Waves()).x
        vp = sampler.name in ("DDIM", "DDIM CFG++", "PLMS", "UniPC", "TCD")
        torch.testing.assert_close(x, START * (math.sqrt(10) if vp else 3.0))
        noisier = begin(sampler, [3.0, 1.0], Waves(), SamplerOptions(sgm_noise_multiplier=True)).x
        torch.testing.assert_close(noisier, START * math.sqrt(10))


def test_eta_of_ddim_is_0_unless_set():
    move = Move(two_heaps, Waves(), [2.0, 1.0], 0)
    assert torch.equal(euler.ddim(move, START, ())[0], euler.euler(move, START, ())[0])
    assert not torch.equal(euler.euler_ancestral(move, START, ())[0], euler.euler(move, START, ())[0])
