"""The step cache: exact where it must be, shallow where it may be, and gone when it is done."""

import pytest
import torch
from diffusers import DDIMScheduler, UNet2DConditionModel

from webui.config import BUILT_IN_CHECKPOINTS, DEMO
from webui.engine.stepcache import StepCache, usable

TIMESTEP = torch.tensor([500])


@pytest.fixture(scope="module")
def demo_unet():
    folder = BUILT_IN_CHECKPOINTS / DEMO / "unet"
    return UNet2DConditionModel.from_pretrained(
        folder, local_files_only=True, torch_dtype=torch.float32
    ).eval()


@pytest.fixture(scope="module")
def sdxl():
    """SDXL's UNet in small: no attention in the first block, two layers in each, sizes embedded."""
    torch.manual_seed(0)
    return UNet2DConditionModel(
        sample_size=16,
        block_out_channels=(32, 64, 64),
        layers_per_block=2,
        down_block_types=("DownBlock2D", "CrossAttnDownBlock2D", "CrossAttnDownBlock2D"),
        up_block_types=("CrossAttnUpBlock2D", "CrossAttnUpBlock2D", "UpBlock2D"),
        transformer_layers_per_block=(1, 1, 2),
        attention_head_dim=(2, 4, 4),
        cross_attention_dim=32,
        use_linear_projection=True,
        addition_embed_type="text_time",
        addition_time_embed_dim=8,
        projection_class_embeddings_input_dim=6 * 8 + 16,
    ).eval()


@pytest.fixture(scope="module")
def two_levels():
    """A UNet whose last block is one of those that FreeU changes."""
    torch.manual_seed(0)
    return UNet2DConditionModel(
        sample_size=16,
        block_out_channels=(32, 64),
        layers_per_block=2,
        down_block_types=("CrossAttnDownBlock2D", "DownBlock2D"),
        up_block_types=("UpBlock2D", "CrossAttnUpBlock2D"),
        attention_head_dim=4,
        cross_attention_dim=32,
    ).eval()


@torch.inference_mode()
def call(unet, *, batch=2, side=16, seed=0, timestep=TIMESTEP, **named):
    generator = torch.Generator().manual_seed(seed)
    latents = torch.randn(batch, 4, side, side, generator=generator)
    text = torch.randn(batch, 77, unet.config.cross_attention_dim, generator=generator)
    if unet.config.addition_embed_type == "text_time":
        added = {"text_embeds": torch.ones(batch, 16), "time_ids": torch.ones(batch, 6)}
        named = {"added_cond_kwargs": added, **named}
    return unet(latents, timestep, encoder_hidden_states=text, return_dict=False, **named)[0]


def second_call(unet, layers=0, **named):
    """What a shallow run gives on the very input of the full run before it."""
    with StepCache(unet, 2, layers) as cache:
        cache.next_step()
        full = call(unet, **named)
        cache.next_step()
        assert cache.shallow
        return full, call(unet, **named)


def residuals(unet, side=16):
    """A ControlNet's output for `unet`: one tensor for each skip connection, and one for the middle."""
    shapes, hooks = [], []
    for block in [unet.conv_in, *unet.down_blocks]:
        hooks.append(
            block.register_forward_hook(
                lambda _, __, out: shapes.extend(
                    [s.shape for s in out[1]] if type(out) is tuple else [out.shape]
                )
            )
        )
    call(unet, side=side)
    for hook in hooks:
        hook.remove()
    down = [torch.full(shape, 0.1) for shape in shapes]
    return {"down_block_additional_residuals": down, "mid_block_additional_residual": down[-1]}


def state(unet):
    return {name: dict(vars(module)) for name, module in unet.named_modules()}


@pytest.mark.parametrize("unet", ["demo_unet", "sdxl", "two_levels"])
@pytest.mark.parametrize("layers", [0, 1, 9])
def test_on_the_same_input_a_shallow_run_gives_what_the_full_one_gave(request, unet, layers):
    unet = request.getfixturevalue(unet)
    plain = call(unet)
    full, shallow = second_call(unet, layers)
    assert torch.equal(full, plain)
    assert torch.equal(shallow, plain)


@pytest.mark.parametrize("unet", ["demo_unet", "sdxl"])
@pytest.mark.parametrize("layers", [0, 2])
def test_a_controlnet_is_heard_in_shallow_runs_too(request, unet, layers):
    unet = request.getfixturevalue(unet)
    control = residuals(unet)
    plain = call(unet, **control)
    assert not torch.allclose(plain, call(unet), atol=1e-3)
    full, shallow = second_call(unet, layers, **control)
    assert torch.equal(full, plain)
    assert torch.equal(shallow, plain)


@pytest.mark.parametrize("unet", ["demo_unet", "sdxl"])
@pytest.mark.parametrize("layers", [0, 2])
def test_a_t2i_adapter_does_too(request, unet, layers):
    unet = request.getfixturevalue(unet)
    widths = unet.config.block_out_channels
    with_attention = unet.config.down_block_types[0].startswith("Cross")

    def adapter():  # the UNet takes from the list
        sides = [16, 8, 4] if with_attention else [8, 8, 4]
        return {
            "down_intrablock_additional_residuals": [
                torch.full((2, width, side, side), 0.1) for width, side in zip(widths, sides, strict=True)
            ]
        }

    plain = call(unet, **adapter())
    assert not torch.allclose(plain, call(unet), atol=1e-3)
    with StepCache(unet, 2, layers) as cache:
        cache.next_step()
        assert torch.equal(call(unet, **adapter()), plain)
        cache.next_step()
        assert torch.equal(call(unet, **adapter()), plain)


@pytest.mark.parametrize("layers", [0, 1, 2])
def test_freeu_does_not_spoil_what_is_kept(two_levels, layers):
    two_levels.enable_freeu(s1=0.9, s2=0.2, b1=1.3, b2=1.4)
    try:
        plain = call(two_levels)
        with StepCache(two_levels, 4, layers) as cache:
            for _ in range(4):
                cache.next_step()
                assert torch.equal(call(two_levels), plain)
    finally:
        two_levels.disable_freeu()
    assert not torch.equal(call(two_levels), plain)


def test_only_every_nth_evaluation_runs_the_deep_layers(demo_unet):
    runs = []
    hook = demo_unet.mid_block.resnets[0].register_forward_hook(lambda *_: runs.append(len(evaluations)))
    evaluations: list[bool] = []
    with StepCache(demo_unet, 3) as cache:
        for _ in range(7):
            cache.next_step()
            evaluations.append(cache.shallow)
            call(demo_unet)
    hook.remove()
    assert evaluations == [False, True, True, False, True, True, False]
    assert runs == [1, 4, 7]


def test_an_interval_of_one_changes_nothing_at_all(demo_unet):
    before = state(demo_unet)
    with StepCache(demo_unet, 1) as cache:
        cache.next_step()
        assert state(demo_unet) == before
        cache.next_step()
        assert not cache.shallow


@pytest.mark.parametrize("changed", [{"batch": 1}, {"batch": 4}, {"side": 24}, {"side": 20}])
def test_a_changed_batch_or_size_is_computed_in_full(demo_unet, changed):
    plain = call(demo_unet, seed=5, **changed)
    with StepCache(demo_unet, 9) as cache:
        cache.next_step()
        call(demo_unet, seed=4)
        cache.next_step()
        assert cache.shallow
        assert torch.equal(call(demo_unet, seed=5, **changed), plain)
        cache.next_step()
        assert torch.equal(call(demo_unet, seed=5, **changed), plain)


def test_each_call_of_an_evaluation_has_its_own_memory(demo_unet):
    first, second = call(demo_unet, seed=1), call(demo_unet, seed=2)
    with StepCache(demo_unet, 2) as cache:
        for _ in range(2):
            cache.next_step()
            assert torch.equal(call(demo_unet, seed=1), first)
            assert torch.equal(call(demo_unet, seed=2), second)


def test_a_call_that_the_last_full_evaluation_did_not_make_is_full(demo_unet):
    plain = call(demo_unet, seed=2)
    with StepCache(demo_unet, 2) as cache:
        for calls in (2, 0, 1):
            cache.next_step()
            for _ in range(calls):
                call(demo_unet, seed=1)
        cache.next_step()
        call(demo_unet, seed=1)
        assert torch.equal(call(demo_unet, seed=2), plain)


def test_without_next_step_every_run_is_full(demo_unet):
    with StepCache(demo_unet, 2):
        for seed in (1, 2):
            assert torch.equal(call(demo_unet, seed=seed), torch_plain(demo_unet, seed))


def torch_plain(unet, seed):
    """The UNet's own output, computed by a copy of it that was never wrapped."""
    twin = UNet2DConditionModel.from_config(unet.config).eval()
    twin.load_state_dict(unet.state_dict())
    return call(twin, seed=seed)


def test_after_reset_the_next_evaluation_is_full(demo_unet):
    plain = call(demo_unet, seed=3)
    with StepCache(demo_unet, 5) as cache:
        cache.next_step()
        call(demo_unet, seed=1)
        cache.reset()
        cache.next_step()
        assert torch.equal(call(demo_unet, seed=3), plain)


def test_the_unet_is_left_as_it_was(demo_unet):
    before = state(demo_unet)
    second_call(demo_unet)
    assert state(demo_unet) == before


def test_it_is_left_so_after_an_exception_too(demo_unet):
    before, plain = state(demo_unet), call(demo_unet)
    with pytest.raises(RuntimeError, match="no memory"):
        fail_in_the_middle(demo_unet)
    assert state(demo_unet) == before
    assert torch.equal(call(demo_unet), plain)


def fail_in_the_middle(unet):
    with StepCache(unet, 2) as cache:
        cache.next_step()
        fail_once(unet.mid_block, lambda: call(unet))


def test_a_run_that_failed_leaves_nothing_to_reuse(demo_unet):
    """As when memory runs out in the middle of a full run, and the caller tries once more."""
    plain = call(demo_unet)
    with StepCache(demo_unet, 2) as cache:
        cache.next_step()
        with pytest.raises(RuntimeError, match="no memory"):
            fail_once(demo_unet.mid_block, lambda: call(demo_unet))
        cache.next_step()
        assert torch.equal(call(demo_unet), plain)


def fail_once(module, run):
    def fail(*_):
        raise RuntimeError("no memory")

    hook = module.resnets[0].register_forward_pre_hook(fail)
    try:
        run()
    finally:
        hook.remove()


def test_a_forward_that_someone_else_put_there_is_called_and_put_back(demo_unet):
    block, calls = demo_unet.mid_block, []
    own = block.forward

    def watched(*given, **named):
        calls.append(1)
        return own(*given, **named)

    block.forward = watched
    try:
        second_call(demo_unet)
        assert block.forward is watched
        assert calls == [1]
    finally:
        del block.forward


@torch.inference_mode()
def sample(unet, interval, seed, steps=12):
    scheduler = DDIMScheduler.from_pretrained(BUILT_IN_CHECKPOINTS / DEMO / "scheduler")
    scheduler.set_timesteps(steps)
    latents = torch.randn(1, 4, 16, 16, generator=torch.Generator().manual_seed(seed))
    text = torch.zeros(1, 77, unet.config.cross_attention_dim)
    with StepCache(unet, interval) as cache:
        for timestep in scheduler.timesteps:
            cache.next_step()
            out = unet(latents, timestep, encoder_hidden_states=text, return_dict=False)[0]
            latents = scheduler.step(out, timestep, latents, return_dict=False)[0]
    return latents


def test_the_picture_changes_little_and_more_with_the_interval(demo_unet):
    plain, other = sample(demo_unet, 1, seed=1), sample(demo_unet, 1, seed=2)
    changes = [(sample(demo_unet, interval, seed=1) - plain).abs().mean() for interval in (2, 4)]
    assert 0 < changes[0] < changes[1] < 0.5 * (other - plain).abs().mean()


def test_other_networks_are_refused(demo_unet):
    assert usable(demo_unet)
    assert not usable(torch.nn.Linear(1, 1))
    odd = UNet2DConditionModel(
        sample_size=8,
        block_out_channels=(32, 32),
        down_block_types=("KDownBlock2D", "DownBlock2D"),
        up_block_types=("UpBlock2D", "KUpBlock2D"),
        cross_attention_dim=32,
        attention_head_dim=4,
        norm_num_groups=8,
    )
    assert not usable(odd)
    with pytest.raises(ValueError, match="SD 1, SD 2 and SDXL"):
        StepCache(odd, 2)
    with pytest.raises(ValueError, match="interval"):
        StepCache(demo_unet, 0)
