"""Mixing noises and keeping a composition, held against A1111's formulas written out for single numbers."""

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from webui.engine.variations import laid_into, mixed


def noise(seed, *shape):
    return torch.randn(shape or (4, 8, 6), generator=torch.Generator().manual_seed(seed))


def column(a, b, strength):
    """Two columns of one channel on their arc, number by number."""
    length = math.hypot(*a), math.hypot(*b)
    angle = math.acos(sum(x * y for x, y in zip(a, b, strict=True)) / length[0] / length[1])
    near, far = math.sin((1 - strength) * angle), math.sin(strength * angle)
    return [(near * x + far * y) / math.sin(angle) for x, y in zip(a, b, strict=True)]


@pytest.mark.parametrize("strength", [0.1, 0.5, 0.93])
def test_each_column_of_each_channel_goes_along_its_own_arc(strength):
    first, second = noise(1), noise(2)
    result = mixed(strength, first, second)
    for channel in range(4):
        for x in range(6):
            expected = column(first[channel, :, x].tolist(), second[channel, :, x].tolist(), strength)
            torch.testing.assert_close(result[channel, :, x], torch.tensor(expected), rtol=1e-4, atol=1e-5)


def test_the_ends_are_the_noises_themselves():
    torch.testing.assert_close(mixed(1.0, noise(1), noise(2)), noise(2))
    torch.testing.assert_close(mixed(0.0, noise(1), noise(2)), noise(1))


def test_a_mixture_is_noise_as_strong_as_its_parts():
    result = mixed(0.5, noise(1, 4, 64, 64), noise(2, 4, 64, 64))
    assert abs(result.std() - 1) < 0.03
    straight = torch.lerp(noise(1, 4, 64, 64), noise(2, 4, 64, 64), 0.5)
    assert straight.std() < 0.75


def test_noises_that_are_alike_are_mixed_in_a_straight_line():
    torch.testing.assert_close(mixed(0.3, noise(1), noise(1)), noise(1))
    other = noise(1) + noise(2) * 0.001
    assert torch.equal(mixed(0.3, noise(1), other), torch.lerp(noise(1), other, 0.3))


def test_a_column_that_both_share_is_no_hole():
    first, second = noise(1), noise(2)
    second[0, :, 0], second[1, :, 2] = first[0, :, 0], -first[1, :, 2]
    assert torch.isfinite(mixed(0.4, first, second)).all()


@pytest.mark.parametrize(
    ("size", "room", "where", "taken"),
    [
        (4, 8, slice(2, 6), slice(0, 4)),
        (4, 7, slice(1, 5), slice(0, 4)),
        (8, 4, slice(0, 4), slice(2, 6)),
        # A1111 rounds the margin down and takes it from both sides, so that a row is left of the ground.
        (11, 8, slice(0, 7), slice(2, 9)),
        (2, 1, slice(0, 0), slice(0, 0)),
    ],
)
def test_smaller_and_larger_noise_lies_in_the_middle(size, room, where, taken):
    inner, ground = noise(1, 2, 5, size), noise(2, 2, 5, room)
    kept = ground.clone()
    result = laid_into(inner, ground)
    assert torch.equal(ground, kept)
    kept[:, :, where] = inner[:, :, taken]
    assert torch.equal(result, kept)
    turned = laid_into(inner.transpose(1, 2), ground.transpose(1, 2))
    assert torch.equal(turned, result.transpose(1, 2))


@settings(max_examples=60, deadline=None)
@given(*[st.integers(1, 40)] * 4)
def test_any_sizes_fit(height, width, room_height, room_width):
    inner, ground = noise(1, 1, height, width), torch.zeros(1, room_height, room_width)
    result = laid_into(inner, ground)
    assert result.shape == ground.shape
    taken = (result != 0).sum()
    most = min(height, room_height) * min(width, room_width)
    assert most - height - width - room_height - room_width <= taken <= most
