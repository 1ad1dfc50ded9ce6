"""Token merging: which tokens, into which, and back; only where it should; and nothing left of it."""

import math

import pytest
import torch
from diffusers import UNet2DConditionModel
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.engine.networks import demo_unet, noise, run, state
from webui.engine import storage
from webui.engine.stepcache import StepCache
from webui.engine.token_merging import TokenMerging, matching, usable


@pytest.fixture(scope="module")
def unet():
    return demo_unet()


@pytest.fixture(scope="module")
def sdxl():
    """Without attention at full resolution."""
    torch.manual_seed(0)
    return UNet2DConditionModel(
        sample_size=16,
        block_out_channels=(32, 64),
        down_block_types=("DownBlock2D", "CrossAttnDownBlock2D"),
        up_block_types=("CrossAttnUpBlock2D", "UpBlock2D"),
        attention_head_dim=4,
        cross_attention_dim=32,
    ).eval()


def by_hand(tokens, height, width, ratio):
    """{place: the places it is merged with}, of one picture, by the paper's words."""
    takers = [row * width + column for row in range(0, height - 1, 2) for column in range(0, width - 1, 2)]
    givers = [place for place in range(height * width) if place not in takers]
    unit = [token / token.norm() for token in tokens.double()]
    likeness = {(a, b): float(unit[a] @ unit[b]) for a in givers for b in takers}
    into = {a: max(takers, key=lambda b: likeness[a, b]) for a in givers}
    merged = sorted(givers, key=lambda a: -likeness[a, into[a]])[: int(height * width * ratio)]
    groups = {place: [place] for place in range(height * width)}
    for taker in takers:
        group = [taker, *(a for a in merged if into[a] == taker)]
        groups.update(dict.fromkeys(group, group))
    return groups


@settings(max_examples=40, deadline=None)
@given(st.integers(2, 7), st.integers(2, 7), st.floats(0, 0.9), st.integers(0, 999))
def test_alike_tokens_become_their_mean(height, width, ratio, seed):
    x = noise(2, height * width, 5, seed=seed)
    match = matching(x, height, width, ratio)
    merged = match.merge(x)
    assert merged.shape[1] == height * width - match.merged.shape[1]
    back = match.unmerge(merged)
    for row, expected in zip(back, x, strict=True):
        for place, group in by_hand(expected, height, width, ratio).items():
            torch.testing.assert_close(row[place], expected[group].mean(0))


@pytest.mark.parametrize(("ratio", "left"), [(0.0, 96), (0.25, 72), (0.5, 48), (0.75, 24), (0.9, 24)])
def test_the_ratio_is_the_share_that_is_merged(ratio, left):
    x = noise(3, 96, 8)
    assert matching(x, 8, 12, ratio).merge(x).shape == (3, left, 8)


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16, torch.float16])
def test_a_plain_surface_is_merged_without_loss(dtype):
    """All givers go to the first taker: their sum would be beyond what 16 bits hold."""
    x = torch.full((1, 64 * 64, 8), 60.0, dtype=dtype)
    match = matching(x, 64, 64, 0.75)
    assert (match.into == 0).all()
    torch.testing.assert_close(match.unmerge(match.merge(x)), x, rtol=0.01, atol=0)


def test_in_parts_as_at_once(monkeypatch):
    x = noise(2, 30 * 20, 8)
    match = matching(x, 30, 20, 0.5)
    merged = match.merge(x)
    monkeypatch.setattr("webui.engine.token_merging.CHUNK", 37)
    parts = matching(x, 30, 20, 0.5)
    assert torch.equal(parts.merged, match.merged)
    assert torch.equal(parts.into, match.into)
    torch.testing.assert_close(parts.merge(x), merged)


def tokens_seen(unet, **size):
    """How many tokens each self-attention gets."""
    seen, hooks = [], []
    for name, module in unet.named_modules():
        if name.endswith("attn1.to_q"):
            hooks.append(module.register_forward_pre_hook(lambda _, given: seen.append(given[0].shape[1])))
    run(unet, **size)
    for hook in hooks:
        hook.remove()
    return seen


@pytest.mark.parametrize(("height", "width"), [(16, 16), (20, 12), (17, 9)])
def test_only_attention_at_full_resolution_sees_fewer_tokens(unet, height, width):
    full = height * width
    plain = tokens_seen(unet, height=height, width=width)
    with TokenMerging(unet, 0.5):
        merged = tokens_seen(unet, height=height, width=width)
    assert plain.count(full) == 3
    assert merged == [math.ceil(full / 2) if count == full else count for count in plain]


@pytest.mark.parametrize(("height", "width"), [(16, 16), (20, 12), (17, 9)])
def test_the_output_is_another_but_alike_and_always_the_same(unet, height, width):
    plain, other = (run(unet, height=height, width=width, seed=seed) for seed in (0, 1))
    with TokenMerging(unet, 0.5):
        merged = run(unet, height=height, width=width)
        assert torch.equal(run(unet, height=height, width=width), merged)
    with TokenMerging(unet, 0.1):
        little = run(unet, height=height, width=width)
    assert (
        0 < (little - plain).abs().mean() < (merged - plain).abs().mean() < (other - plain).abs().mean() / 2
    )


def test_a_picture_does_not_depend_on_what_is_drawn_beside_it(unet):
    latents = noise(3, 4, 16, 16)
    text = noise(3, 77, unet.config.cross_attention_dim)

    @torch.inference_mode()
    def call(rows):
        return unet(latents[rows], 500, encoder_hidden_states=text[rows], return_dict=False)[0]

    with TokenMerging(unet, 0.5):
        together = call([0, 1, 2])
        for place in range(3):
            torch.testing.assert_close(call([place])[0], together[place], rtol=0, atol=1e-4)


def test_a_size_may_follow_another(unet):
    with TokenMerging(unet, 0.5):
        small = run(unet)
        run(unet, height=24, width=16)
        assert torch.equal(run(unet), small)
        named = {"timestep": 500, "encoder_hidden_states": noise(2, 77, 192, seed=100), "return_dict": False}
        with torch.inference_mode():
            assert torch.equal(unet(sample=noise(2, 4, 16, 16), **named)[0], small)


def test_a_ratio_of_zero_changes_nothing_at_all(unet):
    before, plain = state(unet), run(unet)
    with TokenMerging(unet, 0.0):
        assert state(unet) == before
        assert torch.equal(run(unet), plain)


def test_without_attention_at_full_resolution_nothing_changes(unet, sdxl):
    assert usable(unet)
    assert not usable(sdxl)
    assert not usable(torch.nn.Linear(1, 1))
    plain = run(sdxl)
    with TokenMerging(sdxl, 0.7):
        assert torch.equal(run(sdxl), plain)


def test_nothing_is_left_of_it(unet):
    before, plain = state(unet), run(unet)
    with TokenMerging(unet, 0.5) as merging:
        assert not torch.equal(run(unet), plain)
        assert not merging._likeness
    assert state(unet) == before
    assert torch.equal(run(unet), plain)


def test_a_run_that_failed_leaves_nothing_either(unet):
    before, block = state(unet), unet.down_blocks[0].attentions[0].transformer_blocks[0]
    with TokenMerging(unet, 0.5) as merging:
        expected = run(unet)
        fails = block.attn1.register_forward_pre_hook(fail)
        with pytest.raises(RuntimeError, match="no memory"):
            run(unet)
        fails.remove()
        assert torch.equal(run(unet), expected)
        fails = block.attn1.register_forward_pre_hook(fail)
        with pytest.raises(RuntimeError, match="no memory"):
            run(unet)
        fails.remove()
        assert merging._likeness
    assert not merging._likeness
    assert state(unet) == before


def fail(*_):
    raise RuntimeError("no memory")


@pytest.mark.parametrize("cache_first", [True, False])
def test_with_a_step_cache(unet, cache_first):
    with TokenMerging(unet, 0.5):
        expected = run(unet)
    adapters = [StepCache(unet, 3), TokenMerging(unet, 0.5)]
    cache, before = adapters[0], state(unet)
    first, second = adapters if cache_first else adapters[::-1]
    with first, second:
        for _ in range(4):
            cache.next_step()
            assert torch.equal(run(unet), expected)
    assert state(unet) == before


def test_compiled_blocks_run_uncompiled_meanwhile():
    unet = demo_unet()
    with TokenMerging(unet, 0.5):
        expected = run(unet)
    unet.down_blocks[0].attentions[0].transformer_blocks[0].compile(backend="eager")
    plain, before = run(unet), state(unet)
    with TokenMerging(unet, 0.5):
        torch.testing.assert_close(run(unet), expected)
    assert state(unet) == before
    torch.testing.assert_close(run(unet), plain)


def test_however_the_weights_are_held():
    unet = demo_unet().to(memory_format=torch.channels_last)
    storage.store_fp8(unet)
    storage.stream(unet, torch.device("cpu"))
    plain = run(unet)
    with TokenMerging(unet, 0.5):
        assert not torch.allclose(run(unet), plain, atol=0.01)
    assert torch.equal(run(unet), plain)
