"""Brownian paths, held against torchsde's tree in the hands of k-diffusion's formula."""

import itertools
import math
import warnings

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from webui.engine.brownian import BrownianTree

LOWEST, HIGHEST = 0.0291675, 14.614642
SHAPE = (4, 3, 2)


def draw(seed):
    return torch.randn(SHAPE, generator=torch.Generator().manual_seed(seed))


def tree(entropy=5, lowest=LOWEST, highest=HIGHEST):
    return BrownianTree(entropy, lowest, highest, draw)


def assert_same(ours, theirs):
    """But for the last bit: torch's and numpy's square roots differ there."""
    torch.testing.assert_close(ours, theirs, rtol=3e-7, atol=0)


def single(sigma):
    return torch.tensor(sigma, dtype=torch.float32)


class Reference:
    """k-diffusion's BrownianTreeNoiseSampler for one picture, over torchsde."""

    def __init__(self, entropy, lowest=LOWEST, highest=HIGHEST):
        from torchsde import BrownianTree

        ends = single(lowest), single(highest)
        self.tree = BrownianTree(ends[0], torch.zeros(SHAPE), ends[1], entropy=entropy)

    def between(self, sigma, following):
        begin, end = single(sigma), single(following)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # it tells of sigmas that 32 bits put beyond the ends
            change = self.tree(min(begin, end), max(begin, end))
        return change * (1 if begin < end else -1) / (end - begin).abs().sqrt()


sigmas = st.floats(LOWEST, HIGHEST)


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 2**53), st.lists(st.tuples(sigmas, sigmas), min_size=1, max_size=6))
def test_it_is_torchsdes(entropy, questions):
    ours, theirs = tree(entropy), Reference(entropy)
    for sigma, following in questions:
        if abs(sigma - following) > 1e-4:
            assert_same(ours.between(sigma, following), theirs.between(sigma, following))


def test_a_whole_walk_is_torchsdes():
    walk = [*np.geomspace(HIGHEST, LOWEST, 20)]
    ours, theirs = tree(), Reference(5)
    for sigma, following in itertools.pairwise(walk):
        assert_same(ours.between(sigma, following), theirs.between(sigma, following))


@pytest.mark.parametrize(("lowest", "highest"), [(0.002, 80.0), (0.0413, 4518.0), (1e-5, 10_000.0)])
def test_other_spans_too(lowest, highest):
    ours, theirs = tree(3, lowest, highest), Reference(3, lowest, highest)
    middle = math.sqrt(lowest * highest)
    for sigma, following in [(highest, middle), (middle, lowest), (highest / 3, middle)]:
        assert_same(ours.between(sigma, following), theirs.between(sigma, following))


@settings(max_examples=10, deadline=None)
@given(st.lists(st.tuples(sigmas, sigmas), min_size=2, max_size=8), st.randoms())
def test_the_order_of_questions_does_not_matter(questions, random):
    asked = tree()
    answers = {question: asked.between(*question) for question in questions}
    random.shuffle(questions)
    other = tree()
    for question in questions:
        assert torch.equal(other.between(*question), answers[question])
        assert torch.equal(asked.between(*question), answers[question])


@settings(max_examples=25, deadline=None)
@given(sigmas, sigmas, sigmas)
def test_pieces_add_up(first, second, third):
    path = tree()

    def change(begin, end):
        return path.between(begin, end) * math.sqrt(abs(end - begin))

    torch.testing.assert_close(
        change(first, second) + change(second, third), change(first, third), rtol=0, atol=0.01
    )


def test_pieces_are_independent_unit_noise():
    walk = np.geomspace(HIGHEST, LOWEST, 12)
    paths = [BrownianTree(seed, LOWEST, HIGHEST, draw_many) for seed in range(3)]
    pieces = torch.stack(
        [torch.cat([path.between(*step) for path in paths]) for step in itertools.pairwise(walk)]
    )
    assert ((pieces.std(1) - 1).abs() < 0.05).all()
    correlations = torch.corrcoef(pieces) - torch.eye(len(pieces))
    assert correlations.abs().max() < 0.08


def draw_many(seed):
    return torch.randn(2000, generator=torch.Generator().manual_seed(seed))


def test_the_way_back_is_the_way_there_mirrored():
    path = tree()
    assert torch.equal(path.between(9.0, 2.0), -path.between(2.0, 9.0))


def test_over_no_distance_there_is_none():
    assert torch.equal(tree().between(3.0, 3.0), torch.zeros(SHAPE))
    assert torch.equal(tree(lowest=7.0, highest=7.0).between(7.0, 0.0), torch.zeros(SHAPE))


def test_beyond_the_span_lies_nothing():
    path, length = tree(), HIGHEST - LOWEST
    whole = path.between(HIGHEST, LOWEST) * math.sqrt(length)
    torch.testing.assert_close(path.between(99.0, 0.0) * math.sqrt(99.0), whole)


def test_a_step_draws_no_more_than_it_needs_and_keeps_little():
    seeds = []

    def counted(seed):
        seeds.append(seed)
        return draw(seed)

    path = BrownianTree(1, LOWEST, HIGHEST, counted)
    walk = np.geomspace(HIGHEST, LOWEST, 20)
    path.between(walk[0], walk[1])
    before = len(seeds)
    path.between(walk[1], walk[2])
    assert len(seeds) - before < 30  # the path to walk[1] is known; a whole one has 24
    for step in itertools.pairwise(walk):
        path.between(*step)
    assert len(path._halves) == 64


@pytest.mark.parametrize("entropy", [-1, -31337, 2**64, 2**80 + 3])
def test_any_entropy_counts_by_its_lowest_64_bits(entropy):
    assert torch.equal(tree(entropy).between(9.0, 2.0), tree(entropy % 2**64).between(9.0, 2.0))
