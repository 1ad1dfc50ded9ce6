"""ControlNets from files of every layout."""

import pytest
import torch

from tests.tiny import controls as tiny
from webui.engine.control.controlnets import control_lora, controlnet
from webui.engine.control.loading import unet_config
from webui.engine.weights import WeightsError


@torch.inference_mode()
def run(network, unet):
    """All that it adds, for made-up latents, text and map."""
    generator = torch.Generator().manual_seed(1)
    rows, width = 2, unet.config.cross_attention_dim
    latents, text = (torch.randn(rows, *shape, generator=generator) for shape in ((4, 8, 8), (77, width)))
    added = None
    if unet.config.addition_embed_type:
        pooled = network.add_embedding.linear_1.in_features - 6 * unet.config.addition_time_embed_dim
        added = {"text_embeds": torch.ones(rows, pooled), "time_ids": torch.full((rows, 6), 64.0)}
    hint = torch.rand(rows, 3, 64, 64, generator=generator)
    shown = {"controlnet_cond": hint}
    if hasattr(network, "task_embedding"):
        kind = torch.zeros(rows, len(network.task_embedding))
        kind[:, 3] = 1
        shown = {"controlnet_cond": [hint], "control_type": kind, "control_type_idx": [3]}
    down, middle = network(
        latents, torch.tensor([500]), text, added_cond_kwargs=added, return_dict=False, **shown
    )
    return [*down, middle]


def same(one, other, unet):
    pairs = zip(run(one, unet), run(other, unet), strict=True)
    return all(torch.equal(mine, theirs) for mine, theirs in pairs)


@pytest.mark.parametrize("family", ["sd1", "sd2", "sdxl"])
def test_each_layout_gives_the_same_bits(tmp_path, models, family):
    model = models[family]
    network = tiny.make_controlnet(model.unet, seed=3)
    tiny.write_controlnet(tmp_path / "a.pth", network)
    tiny.write_controlnet(tmp_path / "b.safetensors", network, prefix="")
    tiny.write_diffusers(tmp_path / "c.safetensors", network)
    for name in ("a.pth", "b.safetensors", "c.safetensors"):
        loaded = controlnet(tmp_path / name, unet_config(model.checkpoint))
        assert same(loaded, network, model.unet), name


def test_a_file_with_a_whole_checkpoint_beside_it(tmp_path, sd1):
    """As the first ControlNets were published."""
    network = tiny.make_controlnet(sd1.unet)
    weights = {f"control_model.{name}": weight for name, weight in tiny.original_names(network).items()}
    weights["model.diffusion_model.input_blocks.0.0.weight"] = torch.zeros(3)
    weights["input_blocks.0.0.weight"] = torch.zeros(3)
    tiny.save(weights, tmp_path / "a.pth", torch.float32)
    assert same(controlnet(tmp_path / "a.pth", unet_config(sd1.checkpoint)), network, sd1.unet)


@pytest.mark.parametrize("kinds", [6, 8])
def test_a_union(tmp_path, sdxl, kinds):
    network = tiny.make_union(sdxl.unet, kinds)
    tiny.write_diffusers(tmp_path / "a.safetensors", network)
    loaded = controlnet(tmp_path / "a.safetensors", unet_config(sdxl.checkpoint))
    assert loaded.config.num_control_type == kinds
    assert same(loaded, network, sdxl.unet)


@pytest.mark.parametrize("family", ["sd1", "sdxl"])
def test_a_control_lora_is_the_controlnet_with_its_products_added(tmp_path, models, family):
    unet = models[family].unet
    merged = tiny.write_control_lora(tmp_path / "a.safetensors", unet)
    before = {name: weight.clone() for name, weight in unet.state_dict().items()}
    loaded = control_lora(tmp_path / "a.safetensors", unet, torch.float32)
    for mine, theirs in zip(run(loaded, unet), run(merged, unet), strict=True):
        torch.testing.assert_close(mine, theirs, rtol=1e-4, atol=1e-4)
    plain = tiny.make_controlnet(unet)
    assert not same(loaded, plain, unet), "the products were left out"
    assert all(torch.equal(weight, before[name]) for name, weight in unet.state_dict().items())


def test_the_heads_are_those_of_the_unet(tmp_path, sd1):
    tiny.write_controlnet(tmp_path / "a.safetensors", tiny.make_controlnet(sd1.unet))
    config = unet_config(sd1.checkpoint) | {"attention_head_dim": 4}
    attention = controlnet(tmp_path / "a.safetensors", config).down_blocks[0].attentions[0]
    assert attention.transformer_blocks[0].attn1.heads == 4


def test_the_one_for_shuffled_pictures_averages(tmp_path, sd1):
    tiny.write_controlnet(tmp_path / "a.safetensors", tiny.make_controlnet(sd1.unet))
    pooled = controlnet(tmp_path / "a.safetensors", unet_config(sd1.checkpoint), pooled=True)
    assert {tuple(each.shape[2:]) for each in run(pooled, sd1.unet)} == {(1, 1)}


def broken(network, **changes):
    weights = tiny.original_names(network) | changes
    return {name: weight for name, weight in weights.items() if weight is not None}


@pytest.mark.parametrize(
    "changes",
    [
        {"input_blocks.1.0.in_layers.2.weight": None},
        {"input_blocks.1.0.in_layers.2.weight": torch.zeros(3, 3)},
        {"input_blocks.900.0.in_layers.2.weight": torch.zeros(3, 3)},
        {"input_hint_block.2.weight": None, "input_hint_block.2.bias": None},
        {"zero_convs.0.0.weight": torch.zeros(1)},
        {"input_blocks.0.0.weight": torch.zeros(())},
    ],
)
def test_broken_files_are_told(tmp_path, sd1, changes):
    tiny.save(broken(tiny.make_controlnet(sd1.unet), **changes), tmp_path / "a.safetensors", torch.float32)
    with pytest.raises(WeightsError):
        controlnet(tmp_path / "a.safetensors", unet_config(sd1.checkpoint))


def test_a_control_lora_for_another_unet(tmp_path, sd1, sdxl):
    tiny.write_control_lora(tmp_path / "a.safetensors", sdxl.unet)
    with pytest.raises(WeightsError, match="another shape"):
        control_lora(tmp_path / "a.safetensors", sd1.unet, torch.float32)
