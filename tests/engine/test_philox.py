"""Philox, held against Random123's published numbers and those of a real CUDA generator."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from webui.engine.philox import PhiloxGenerator, normals, philox

# Random123's kat_vectors: counter, key and result of philox4x32 with 10 rounds.
KNOWN = [
    (
        "00000000 00000000 00000000 00000000",
        "00000000 00000000",
        "6627e8d5 e169c58d bc57ac4c 9b00dbd8",
    ),
    (
        "ffffffff ffffffff ffffffff ffffffff",
        "ffffffff ffffffff",
        "408f276d 41c83b0e a20bc7c6 6d5451fd",
    ),
    (
        "243f6a88 85a308d3 13198a2e 03707344",
        "a4093822 299f31d0",
        "d16cfe09 94fdcceb 5001e420 24126ea1",
    ),
]
CUDA_SEED_0 = [-0.9247, -0.4253, -2.6438, 0.1452, -0.1209, -0.5797]
CUDA_SEED_0 += [-0.6229, -0.3284, -1.0745, -0.3631, -1.6711, 2.2655]


def words(text):
    return tuple(int(word, 16) for word in text.split())


@pytest.mark.parametrize(("counter", "key", "result"), KNOWN)
def test_published_vectors(counter, key, result):
    columns = tuple(np.array([word, 0], dtype=np.uint64) for word in words(counter))
    assert tuple(int(word[0]) for word in philox(columns, words(key))) == words(result)


@pytest.mark.parametrize("shape", [(12,), (3, 4), (1, 2, 6)])
def test_numbers_of_a_cuda_generator(shape):
    drawn = PhiloxGenerator(0).draw(shape)
    assert drawn.dtype == torch.float32
    assert drawn.shape == shape
    np.testing.assert_allclose(drawn.flatten(), CUDA_SEED_0, atol=5e-5)


def test_later_calls_go_on():
    generator = PhiloxGenerator(7)
    first, second = generator.draw((4, 8, 8)), generator.draw((4, 8, 8))
    assert not torch.equal(first, second)
    assert torch.equal(second.flatten(), torch.from_numpy(normals(256, 7, 1)))


def test_a_state_is_seed_and_position_as_cuda_keeps_them():
    generator = PhiloxGenerator(2**63 + 5)
    generator.draw((3,)), generator.draw((3,))
    state = generator.state()
    assert state.dtype == torch.uint8
    assert state.numpy().view("<u8").tolist() == [2**63 + 5, 8]
    following = generator.draw((3,))
    other = PhiloxGenerator(0)
    other.restore(state)
    assert torch.equal(other.draw((3,)), following)


def test_they_are_normal():
    drawn = normals(200_000, 11, 0).astype(np.float64)
    for power, moment in [(1, 0), (2, 1), (3, 0), (4, 3)]:
        assert abs((drawn**power).mean() - moment) < 0.06
    assert abs(np.corrcoef(drawn[:-1], drawn[1:])[0, 1]) < 0.01


@settings(max_examples=40, deadline=None)
@given(st.integers(-(2**70), 2**70))
def test_any_seed_counts_by_its_lowest_64_bits(seed):
    drawn = PhiloxGenerator(seed).draw((2, 3))
    assert torch.isfinite(drawn).all()
    assert torch.equal(drawn, PhiloxGenerator(seed % 2**64).draw((2, 3)))
    if seed % 2**64 != (seed + 2**32) % 2**32:
        assert not torch.equal(drawn, PhiloxGenerator(seed % 2**32).draw((2, 3)))
