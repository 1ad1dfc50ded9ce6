"""Blending by a mask's greys."""

from itertools import pairwise

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from webui.engine.soft_inpainting import SoftBlend, mixed
from webui.engine.start import Start
from webui.params import GenerationParams

HEIGHT, WIDTH = 12, 16


def random(seed, batch=1):
    return torch.randn((batch, 4, HEIGHT, WIDTH), generator=torch.Generator().manual_seed(seed))


ORIGINAL, CLEAN = random(1), random(2, batch=2)
RAMP = torch.linspace(0, 1, WIDTH).expand(1, 1, HEIGHT, WIDTH)


def grey(value):
    return torch.full((1, 1, HEIGHT, WIDTH), value)


@given(st.floats(0, 8), st.floats(0, 8), st.floats(1, 32), st.floats(0, 20))
def test_black_keeps_and_white_changes_whatever_the_numbers(power, scale, detail, sigma):
    blend = SoftBlend(power, scale, detail)
    made = blend.blended(ORIGINAL, CLEAN, RAMP, sigma)
    assert torch.isfinite(made).all()
    assert torch.equal(made[..., 0], ORIGINAL[..., 0].expand(2, -1, -1))
    torch.testing.assert_close(made[..., -1], CLEAN[..., -1])


def test_the_original_has_its_say_while_there_is_much_noise():
    def far(sigma):
        return float((SoftBlend().blended(ORIGINAL, CLEAN, grey(0.5), sigma) - ORIGINAL).abs().mean())

    distances = [far(sigma) for sigma in (14.0, 5.0, 1.0, 0.1)]
    assert distances == sorted(distances)
    assert distances[0] < 0.1 * distances[-1]


def test_the_weight_is_the_power_of_the_mask_that_the_numbers_say():
    detail = 1.0
    made = SoftBlend(2.0, 0.5, detail).blended(ORIGINAL, CLEAN, grey(0.7), 1.5)
    weight = torch.full_like(RAMP, 0.7 ** (1.5**2 * 0.5))
    torch.testing.assert_close(made, mixed(ORIGINAL, CLEAN, weight, detail))


def test_mixing_keeps_the_length_that_a_mean_would_lose():
    one = torch.tensor([3.0, 0.0, 0.0, 0.0]).reshape(1, 4, 1, 1)
    other = torch.tensor([0.0, 1.0, 0.0, 0.0]).reshape(1, 4, 1, 1)
    half = torch.full((1, 1, 1, 1), 0.5)
    for power, length in [(1.0, 2.0), (4.0, ((81 + 1) / 2) ** 0.25)]:
        made = mixed(one, other, half, power)
        assert float(made.norm()) == pytest.approx(length, rel=1e-4)
        assert float(made[0, 0] / made[0, 1]) == pytest.approx(3.0)


@pytest.mark.parametrize("detail", [1.0, 4.0])
def test_it_is_continuous_in_the_mask(detail):
    """Greys that are ten times nearer to each other give pictures that are nearer, too, everywhere."""
    blend = SoftBlend(1.0, 1.0, detail)

    def jump(count):
        made = [blend.blended(ORIGINAL, CLEAN, grey(i / count), 1.0) for i in range(count + 1)]
        return max(float((b - a).abs().max()) for a, b in pairwise(made))

    assert jump(1000) < 0.6 * jump(100) < 2


def test_it_is_continuous_in_the_mask_in_the_last_blend():
    blend = SoftBlend(influence=0.5)
    greys = [i / 100 for i in range(101)]
    shares = [blend.changed(ORIGINAL, CLEAN, grey(value)) for value in greys]
    steps = [float((b - a).abs().max()) for a, b in pairwise(shares)]
    assert max(steps) < 0.1


def test_what_has_not_changed_is_taken_from_the_original():
    same = SoftBlend().changed(ORIGINAL, ORIGINAL, grey(1.0))
    assert float(same.max()) == 0
    other = SoftBlend().changed(ORIGINAL, ORIGINAL + 3, grey(1.0))
    assert float(other.min()) > 0.99
    half = ORIGINAL.clone()
    half[..., WIDTH // 2 :] += 3
    share = SoftBlend().changed(ORIGINAL, half, grey(1.0))
    assert float(share[..., : WIDTH // 2 - 4].max()) < 0.01
    assert float(share[..., WIDTH // 2 + 4 :].min()) > 0.99


def test_a_higher_threshold_takes_less_and_the_mask_may_have_its_say():
    def taken(**numbers):
        return float(SoftBlend(**numbers).changed(ORIGINAL, ORIGINAL + 0.25, RAMP).mean())

    assert taken(threshold=0.2) > taken(threshold=0.5) > taken(threshold=2.0)
    own = SoftBlend(influence=1.0).changed(ORIGINAL, ORIGINAL + 0.25, RAMP)
    assert float(own[..., 0].max()) < 0.01
    assert float(own[..., -1].min()) > 0.99


def test_what_changed_in_a_small_place_only_is_taken_there():
    spot = ORIGINAL.clone()
    spot[..., 6, 8] += 3
    share = SoftBlend().changed(ORIGINAL, spot, grey(1.0))
    assert float(share[..., 6, 8]) > 0.9
    assert float(share[..., :, :3].max()) == 0


@given(st.floats(0, 8), st.floats(0, 1), st.floats(0, 8), st.floats(0, 8), st.sampled_from([0.0, 0.3, 1.0]))
def test_the_last_blend_is_a_share_whatever_the_numbers(scale, influence, threshold, contrast, value):
    blend = SoftBlend(scale=scale, influence=influence, threshold=threshold, contrast=contrast)
    share = blend.changed(ORIGINAL, CLEAN, grey(value))
    assert share.shape == (2, 1, HEIGHT, WIDTH)
    assert torch.isfinite(share).all()
    assert float(share.min()) >= 0
    assert float(share.max()) <= 1


def test_a_start_blends_softly_if_it_is_told_to():
    blend = SoftBlend.of(GenerationParams(mask_blend_scale=1.5))
    assert blend == SoftBlend(scale=1.5)
    start = Start(ORIGINAL, 0.5, mask=RAMP, soft=blend)
    torch.testing.assert_close(start.kept(CLEAN, 2.0), blend.blended(ORIGINAL, CLEAN, RAMP, 2.0))
    assert start.finished(CLEAN) is CLEAN
