"""Noise by seeds: as A1111 draws it, whoever else is in the batch, and again from any state."""

import io

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from webui.engine.brownian import BrownianTree
from webui.engine.noise_source import NoiseSource, Seeds
from webui.engine.philox import PhiloxGenerator
from webui.engine.variations import laid_into, mixed

CPU = torch.device("cpu")
SHAPE = (4, 8, 6)
SOURCES = ["CPU", "NV", "GPU"]
LOWEST, HIGHEST = 0.03, 14.6


def source(*seeds, kind="CPU", ensd=0, shape=SHAPE, **how):
    return NoiseSource(Seeds(seeds, **how), shape, CPU, kind, ensd)


def randn(seed, shape=SHAPE, calls=1):
    generator = torch.Generator().manual_seed(seed)
    return [torch.randn(shape, generator=generator) for _ in range(calls)][-1]


def everything(noise):
    """All that a source can give."""
    noise.span(LOWEST, HIGHEST)
    return torch.stack([noise.first(), noise(), noise(), noise.between(9.0, 2.0)])


@pytest.mark.parametrize("kind", SOURCES)
@pytest.mark.parametrize("how", [{}, {"strength": 0.3}, {"strength": 0.3, "resize_from": (5, 9)}])
def test_a_picture_does_not_depend_on_what_is_drawn_beside_it(kind, how):
    alone = everything(source(5, subseeds=(105,), kind=kind, ensd=3, **how))
    beside = everything(source(3, 5, 9, subseeds=(103, 105, 109), kind=kind, ensd=3, **how))
    assert torch.equal(alone[:, 0], beside[:, 1])
    for each in beside:
        assert not torch.equal(each[0], each[1])


@pytest.mark.parametrize("seed", [0, 7, 2**53 - 1])
def test_noise_of_the_cpu_is_torchs(seed):
    noise = source(seed)
    assert torch.equal(noise.first()[0], randn(seed))
    assert torch.equal(noise()[0], randn(seed, calls=2))
    assert torch.equal(noise()[0], randn(seed, calls=3))


@pytest.mark.parametrize("kind", ["NV", "GPU"])
def test_noise_of_gpus_is_philoxs(kind):
    noise, expected = source(7, kind=kind), PhiloxGenerator(7)
    for drawn in (noise.first(), noise(), noise()):
        assert torch.equal(drawn[0], expected.draw(SHAPE))


def test_first_begins_anew():
    noise = source(5, ensd=31337)
    first, second = noise.first(), noise()
    noise()
    assert torch.equal(noise.first(), first)
    assert torch.equal(noise(), second)


def test_variations_are_mixed_of_two_seeds():
    noise = source(5, 5, subseeds=(70, 71), strength=0.25)
    first = noise.first()
    assert torch.equal(first[0], mixed(0.25, randn(5), randn(70)))
    assert torch.equal(first[1], mixed(0.25, randn(5), randn(71)))
    assert torch.equal(noise(), torch.stack([randn(5, calls=2)] * 2))  # steps know only the seed


def test_without_strength_the_variation_seed_does_not_matter():
    assert torch.equal(source(5, subseeds=(70,)).first(), source(5).first())


@pytest.mark.parametrize("size", [(4, 4), (9, 11), (4, 12), (6, 7)])
def test_a_composition_of_another_size_is_kept(size):
    width, height = size
    inner = (4, height, width)
    noise = source(5, resize_from=size)
    assert torch.equal(noise.first()[0], laid_into(randn(5, inner), randn(5)))
    assert torch.equal(noise()[0], randn(5, calls=2))
    varied = source(5, subseeds=(70,), strength=0.4, resize_from=size).first()[0]
    assert torch.equal(varied, laid_into(mixed(0.4, randn(5, inner), randn(70, inner)), randn(5)))


@pytest.mark.parametrize("size", [None, (6, 8), (0, 8), (-1, 5)])
def test_the_same_size_or_none_changes_nothing(size):
    assert torch.equal(source(5, resize_from=size).first(), source(5).first())


def test_ensd_is_added_for_all_noise_after_the_first():
    noise = source(5, 6, ensd=31337)
    assert torch.equal(noise.first(), source(5, 6).first())
    assert torch.equal(noise(), torch.stack([randn(5 + 31337), randn(6 + 31337)]))
    assert torch.equal(noise()[0], randn(5 + 31337, calls=2))


@pytest.mark.parametrize("kind", SOURCES)
def test_noise_goes_back_to_where_it_stood_even_elsewhere(kind):
    noise = source(5, 6, kind=kind, ensd=11)
    noise.first()
    noise()
    kept = through_a_file(noise.states())
    expected = noise(), noise()
    noise.restore(kept)
    assert torch.equal(noise(), expected[0])
    other = source(8, 9, kind=kind)
    other.restore(kept)
    assert torch.equal(other(), expected[0])
    assert torch.equal(other(), expected[1])


def through_a_file(states):
    stream = io.BytesIO()
    torch.save(states, stream)
    stream.seek(0)
    return torch.load(stream, weights_only=True)


def test_a_state_is_left_as_it_was():
    noise = source(5)
    states = noise.states()
    before = [state.clone() for state in states]
    noise.restore(states)
    noise()
    assert all(torch.equal(a, b) for a, b in zip(states, before, strict=True))


@pytest.mark.parametrize("kind", SOURCES)
def test_brownian_paths_are_drawn_from_the_same_source(kind):
    noise = source(5, 6, kind=kind, ensd=31337)
    noise.span(LOWEST, HIGHEST)
    draw = randn if kind == "CPU" else lambda seed: PhiloxGenerator(seed).draw(SHAPE)
    for sigma, following in [(14.0, 9.0), (9.0, 2.0)]:
        expected = [BrownianTree(seed, LOWEST, HIGHEST, draw).between(sigma, following) for seed in (5, 6)]
        assert torch.equal(noise.between(sigma, following), torch.stack(expected))


def test_paths_and_streams_do_not_disturb_each_other():
    plain, asked = source(5), source(5)
    asked.span(LOWEST, HIGHEST)
    piece = asked.between(9.0, 2.0)
    assert torch.equal(asked(), plain())
    assert torch.equal(asked.between(9.0, 2.0), piece)


def test_without_a_span_there_is_no_path():
    with pytest.raises(RuntimeError, match="span"):
        source(5).between(9.0, 2.0)


@settings(max_examples=30, deadline=None)
@given(
    seed=st.integers(-1, 2**65),
    subseed=st.integers(-(2**65), 2**65),
    ensd=st.integers(-(2**53), 2**53),
    kind=st.sampled_from(SOURCES),
)
def test_any_seeds_give_noise(seed, subseed, ensd, kind):
    drawn = everything(source(seed, subseeds=(subseed,), strength=0.5, ensd=ensd, kind=kind, shape=(1, 2, 3)))
    assert torch.isfinite(drawn).all()


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA GPU")
def test_nv_gives_what_a_cuda_device_gives():
    device, seeds = torch.device("cuda"), Seeds((0, 7, 2**53 - 1))
    real, computed = (NoiseSource(seeds, (4, 64, 64), device, kind) for kind in ("GPU", "NV"))
    torch.testing.assert_close(real.first(), computed.first(), rtol=0, atol=2e-5)
    torch.testing.assert_close(real(), computed(), rtol=0, atol=2e-5)
    computed.restore(real.states())
    torch.testing.assert_close(real(), computed(), rtol=0, atol=2e-5)
