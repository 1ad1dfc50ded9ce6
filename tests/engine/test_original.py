"""Checkpoints in one file, beside diffusers' own reading of them and the networks they were written from."""

import logging

import pytest
import torch
from diffusers import StableDiffusionPipeline, StableDiffusionXLImg2ImgPipeline, StableDiffusionXLPipeline
from diffusers.models.unets.unet_2d_condition import UNet2DConditionModel
from safetensors.torch import load_file, save_file

from tests import tiny
from tests.tiny import original as layout
from webui.catalog.headers import Header, TensorInfo
from webui.catalog.identify import recognise
from webui.engine import original
from webui.engine.weights import WeightsError, load

WRITERS = {
    "sd1": tiny.write_sd1,
    "sd2": tiny.write_sd2,
    "sdxl": tiny.write_sdxl,
    "sdxl-refiner": tiny.write_sdxl_refiner,
}
PIPELINES = {
    "sd1": StableDiffusionPipeline,
    "sd2": StableDiffusionPipeline,
    "sdxl": StableDiffusionXLPipeline,
    "sdxl-refiner": StableDiffusionXLImg2ImgPipeline,
}
IDS = torch.tensor([[49406, 320, 1125, 539, 320, 2368, 49407, *[0] * 70]])


def shapes_of(weights):
    return {name: tuple(weight.shape) for name, weight in weights.items()}


def part_from(weights, part, family):
    """Without `fill`, so that whatever is missing or too much raises."""
    config = original.configs(family, shapes_of(weights))[part]
    own = {name: weight for name, weight in weights.items() if original.part_of(name, family) == part}
    network = original.build(part, config)
    network.load_state_dict(original.convert(part, family, own, config), assign=True)
    original.settle(network)
    return network


def assert_same(network, other):
    ours, theirs = network.state_dict(), other.state_dict()
    assert ours.keys() == theirs.keys()
    assert all(torch.equal(ours[name], theirs[name]) for name in ours)


def run(part, network):
    torch.manual_seed(0)
    if part == "vae":
        return network(torch.rand(1, 3, 32, 32)).sample
    if part == "text_encoder":
        return network(IDS).last_hidden_state
    if part == "text_encoder_2":
        return network(IDS).text_embeds
    config = network.config
    width = (config.projection_class_embeddings_input_dim or 0) - tiny.networks.TEXT_WIDTH_2
    numbers = max(0, width) // (config.addition_time_embed_dim or 1)
    added = {"text_embeds": torch.rand(1, tiny.networks.TEXT_WIDTH_2), "time_ids": torch.rand(1, numbers)}
    listened = torch.rand(1, 77, config.cross_attention_dim)
    latents = torch.rand(1, config.in_channels, 8, 8)
    return network(latents, 500, listened, added_cond_kwargs=added).sample


def assert_alike(part, network, other):
    # Mapped weights may lie at odd addresses, for which torch sums in another order.
    torch.testing.assert_close(run(part, network), run(part, other), rtol=1e-4, atol=1e-5)


VARIANTS = [
    *((family, "") for family in WRITERS),
    ("sd1", "inpaint"),
    ("sd1", "pix2pix"),
    ("sd2", "inpaint"),
    ("sdxl", "inpaint"),
    ("sdxl", "pix2pix"),
]


@pytest.mark.parametrize(("family", "variant"), VARIANTS)
def test_what_is_written_is_read_bit_for_bit(family, variant, tmp_path):
    file = tmp_path / "model.safetensors"
    networks = WRITERS[family](file, **({"variant": variant} if variant else {}))
    weights = load(file)
    assert set(networks.parts) == set(original.PARTS[family])
    for part, written in networks.parts.items():
        network = part_from(weights, part, family)
        assert_same(network, written)
        assert_alike(part, network, written)
        if part == "unet":
            assert network.config.in_channels == {"": 4, "inpaint": 9, "pix2pix": 8}[variant]


@pytest.mark.parametrize("family", WRITERS)
def test_diffusers_reads_the_same_from_the_file(family, tmp_path):
    file, configs = tmp_path / "model.safetensors", tmp_path / "configs"
    WRITERS[family](file, seed=3)
    tiny.write_folder(configs, family, weights=False)
    theirs = PIPELINES[family].from_single_file(str(file), config=str(configs), local_files_only=True)
    weights = load(file)
    for part in original.PARTS[family]:
        assert_same(part_from(weights, part, family), getattr(theirs, part))


@pytest.mark.parametrize("family", WRITERS)
def test_folders_of_diffusers_hold_the_same_networks(family, tmp_path):
    networks = tiny.write_folder(tmp_path, family)
    for part, written in networks.parts.items():
        (file,) = (tmp_path / part).glob("*.safetensors")
        network = original.build(part, dict(written.config.to_dict() if "text" in part else written.config))
        original.fill(network, original.renamed(network, load_file(file)), part)
        assert_alike(part, network, written)


def test_a_pickle_holds_the_same(tmp_path):
    tiny.write_sd1(tmp_path / "model.safetensors")
    tiny.write_sd1(tmp_path / "model.ckpt")
    weights, pickled = load(tmp_path / "model.safetensors"), load(tmp_path / "model.ckpt")
    for part in original.PARTS["sd1"]:
        assert_same(part_from(pickled, part, "sd1"), part_from(weights, part, "sd1"))


def test_averages_of_training_are_left_alone(tmp_path):
    networks = tiny.write_sd1(tmp_path / "model.safetensors", ema=True)
    weights = load(tmp_path / "model.safetensors")
    assert any(name.startswith("model_ema.") for name in weights)
    assert_same(part_from(weights, "unet", "sd1"), networks.parts["unet"])


@pytest.mark.parametrize("family", WRITERS)
def test_no_weight_is_copied_but_the_projection(family, tmp_path):
    WRITERS[family](tmp_path / "model.safetensors")
    weights = load(tmp_path / "model.safetensors")
    storages = {weight.untyped_storage().data_ptr() for weight in weights.values()}
    for part in original.PARTS[family]:
        for name, weight in part_from(weights, part, family).state_dict().items():
            copied = weight.untyped_storage().data_ptr() not in storages
            assert copied == (name == "text_projection.weight")
            assert weight.is_contiguous()


# What files of other origins look like


def test_sd1_files_that_leave_out_text_model(tmp_path):
    networks = tiny.make("sd1")
    weights = {
        name.replace("transformer.text_model.", "transformer."): weight
        for name, weight in tiny.weights_of(networks).items()
    }
    assert "cond_stage_model.transformer.embeddings.token_embedding.weight" in weights
    assert_same(part_from(weights, "text_encoder", "sd1"), networks.parts["text_encoder"])


def test_prefixes_that_some_files_shorten():
    networks = tiny.make("sdxl")
    weights = {
        name.removeprefix("model.").replace("first_stage_model.", "vae."): weight
        for name, weight in tiny.weights_of(networks).items()
    }
    identity = recognise(Header({n: TensorInfo(tuple(w.shape), "F32") for n, w in weights.items()}))
    assert (identity.kind, identity.family, identity.problem) == ("checkpoint", "sdxl", None)
    for part, written in networks.parts.items():
        assert_same(part_from(weights, part, "sdxl"), written)


def test_sd2_files_without_the_last_layer():
    """Files that diffusers' scripts wrote hold but the 23 layers that are used."""
    networks = tiny.make("sd2")
    weights = {
        name: weight
        for name, weight in tiny.weights_of(networks).items()
        if ".resblocks.23." not in name and not name.endswith("text_projection")
    }
    assert_same(part_from(weights, "text_encoder", "sd2"), networks.parts["text_encoder"])


@pytest.mark.parametrize(
    ("key", "family", "part"),
    [
        ("model.diffusion_model.input_blocks.0.0.weight", "sd1", "unet"),
        ("input_blocks.0.0.weight", "sdxl", "unet"),
        ("out.2.bias", "sd1", "unet"),
        ("diffusion_model.input_blocks.0.0.weight", "sd1", "unet"),
        ("diffusion_model.v_pred", "sd1", None),
        ("first_stage_model.decoder.conv_in.weight", "sd2", "vae"),
        ("vae.decoder.conv_in.weight", "sdxl", "vae"),
        ("vae.loss.logvar", "sd1", None),
        ("decoder.conv_in.weight", "sd1", "vae"),
        ("first_stage_model.loss.discriminator.main.0.weight", "sd1", None),
        ("cond_stage_model.transformer.text_model.final_layer_norm.weight", "sd1", "text_encoder"),
        ("cond_stage_model.transformer.text_model.embeddings.position_ids", "sd1", None),
        ("cond_stage_model.transformer.text_projection.weight", "sd1", None),
        ("cond_stage_model.model.ln_final.weight", "sd2", "text_encoder"),
        ("cond_stage_model.model.logit_scale", "sd2", None),
        (
            "conditioner.embedders.0.transformer.text_model.encoder.layers.0.mlp.fc1.bias",
            "sdxl",
            "text_encoder",
        ),
        ("conditioner.embedders.1.model.text_projection", "sdxl", "text_encoder_2"),
        ("conditioner.embedders.1.model.logit_scale", "sdxl", None),
        ("conditioner.embedders.0.model.ln_final.bias", "sdxl-refiner", "text_encoder_2"),
        ("model_ema.diffusion_modelinput_blocks00weight", "sd1", None),
        ("model_ema.decay", "sd1", None),
        ("alphas_cumprod", "sd1", None),
        ("v_pred", "sdxl", None),
    ],
)
def test_which_part_a_weight_belongs_to(key, family, part):
    assert original.part_of(key, family) == part


# A VAE in a file of its own


@pytest.mark.parametrize("prefix", ["", "first_stage_model."])
def test_a_vae_alone(prefix, tmp_path):
    written = tiny.write_vae(tmp_path / "vae.safetensors", prefix=prefix)
    vae = original.vae_alone(tmp_path / "vae.safetensors")
    assert_same(vae, written)
    assert_alike("vae", vae, written)


def test_a_vae_alone_in_diffusers_layout(tmp_path):
    written = tiny.make_vae("sd1")
    save_file(written.state_dict(), tmp_path / "vae.safetensors")
    assert_same(original.vae_alone(tmp_path / "vae.safetensors"), written)


def test_the_vae_of_a_whole_checkpoint(tmp_path):
    networks = tiny.write_sdxl(tmp_path / "model.safetensors")
    assert_same(original.vae_alone(tmp_path / "model.safetensors", "sdxl"), networks.parts["vae"])


def test_a_vae_alone_takes_the_scaling_of_its_checkpoints_family(tmp_path):
    tiny.write_vae(tmp_path / "vae.safetensors")
    scalings = {
        family: original.vae_alone(tmp_path / "vae.safetensors", family).config.scaling_factor
        for family in WRITERS
    }
    assert scalings == {"sd1": 0.18215, "sd2": 0.18215, "sdxl": 0.13025, "sdxl-refiner": 0.13025}


def test_a_file_without_a_vae(tmp_path):
    save_file({"lora_unet_down.weight": torch.zeros(2)}, tmp_path / "lora.safetensors")
    with pytest.raises(WeightsError, match="holds no VAE"):
        original.vae_alone(tmp_path / "lora.safetensors")


def test_half_a_vae(tmp_path):
    tiny.write_vae(tmp_path / "vae.safetensors")
    decoder = {
        name: w for name, w in load_file(tmp_path / "vae.safetensors").items() if "encoder" not in name
    }
    save_file(decoder, tmp_path / "half.safetensors")
    with pytest.raises(WeightsError, match=r"^its vae (lacks|does not fit)"):
        original.vae_alone(tmp_path / "half.safetensors")


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("attn_implementation", "someone/kernel"),
        ("_attn_implementation", "someone/kernel"),
        ("experts_implementation", "someone/kernel"),
        ("auto_map", {"AutoModel": "modelling.Model"}),
        ("return_dict", False),
    ],
)
def test_a_folder_s_config_can_not_have_code_fetched(field, value):
    config = tiny.make("sd1").parts["text_encoder"].config.to_dict()
    plain = original.build("text_encoder", config).config
    encoder = original.build("text_encoder", {**config, field: value})
    assert encoder.config._attn_implementation == plain._attn_implementation
    assert encoder.config.to_dict() == plain.to_dict()


def test_older_folders_name_attention_and_text_encoders_otherwise():
    networks = tiny.make("sd1")
    olds = {"to_q": "query", "to_k": "key", "to_v": "value", "to_out.0": "proj_attn"}
    older = {}
    for name, weight in networks.parts["vae"].state_dict().items():
        for new, old in olds.items():
            name = name.replace(f".{new}.", f".{old}.")
        older[name] = weight
    assert "encoder.mid_block.attentions.0.query.weight" in older
    vae = original.build("vae", dict(networks.parts["vae"].config))
    vae.load_state_dict(original.renamed(vae, older), assign=True)
    assert_same(vae, networks.parts["vae"])

    written = networks.parts["text_encoder"]
    encoder = original.build("text_encoder", written.config.to_dict())
    older = layout.clip(written.state_dict())
    assert {"text_model.embeddings.position_ids", "text_model.final_layer_norm.bias"} <= older.keys()
    encoder.load_state_dict(original.renamed(encoder, older), assign=True)
    assert_same(encoder, written)


# What is missing or too much


def damaged(part, change):
    weights = tiny.weights_of(tiny.make("sdxl"))
    change(weights)
    config = original.configs("sdxl", shapes_of(weights))[part]
    own = {name: weight for name, weight in weights.items() if original.part_of(name, "sdxl") == part}
    return original.fill(original.build(part, config), original.convert(part, "sdxl", own, config), part)


@pytest.mark.parametrize(
    ("part", "key", "count"),
    [
        ("unet", "model.diffusion_model.input_blocks.0.0.weight", 1),
        ("unet", "model.diffusion_model.label_emb.0.0.bias", 4),
        ("unet", "model.diffusion_model.middle_block.1.proj_in.weight", 1),
        ("vae", "first_stage_model.decoder.up.1.block.0.conv1.weight", 1),
        ("text_encoder", "conditioner.embedders.0.transformer.text_model.final_layer_norm.bias", 1),
        ("text_encoder_2", "conditioner.embedders.1.model.transformer.resblocks.3.attn.in_proj_weight", 3),
        ("text_encoder_2", "conditioner.embedders.1.model.text_projection", 1),
    ],
)
def test_missing_weights_are_told(part, key, count):
    what = part.replace("_", " ")
    with pytest.raises(WeightsError, match=rf"^its {what} lacks {count} of the weights, [\w.]+ for one$"):
        damaged(part, lambda weights: weights.pop(key))


def test_a_weight_of_another_shape_is_told():
    def change(weights):
        weights["model.diffusion_model.out.0.weight"] = torch.zeros(7)

    with pytest.raises(WeightsError, match=r"^its unet does not fit: size mismatch for conv_norm_out.weight"):
        damaged("unet", change)


@pytest.mark.parametrize(
    ("part", "key"),
    [
        ("unet", "model.diffusion_model.input_blocks.0.1.lora.weight"),
        ("vae", "first_stage_model.decoder.extra.weight"),
        ("text_encoder", "conditioner.embedders.0.transformer.text_model.encoder.extra.weight"),
        ("text_encoder_2", "conditioner.embedders.1.model.transformer.extra.weight"),
    ],
)
def test_weights_that_nothing_knows_are_told_in_the_log(part, key, caplog):
    with caplog.at_level(logging.WARNING):
        damaged(part, lambda weights: weights.update({key: torch.zeros(2)}))
    assert f"1 weights of a {part.replace('_', ' ')} were left out" in caplog.text


# Full size, without memory


PARAMETERS = {
    ("sd1", "unet"): 859_520_964,
    ("sd1", "vae"): 83_653_863,
    ("sd1", "text_encoder"): 123_060_480,
    ("sd2", "unet"): 865_910_724,
    ("sd2", "text_encoder"): 340_387_840,
    ("sdxl", "unet"): 2_567_463_684,
    ("sdxl", "text_encoder"): 123_060_480,
    ("sdxl", "text_encoder_2"): 694_659_840,
}
"""As published with the models, and as everyone who loads them counts."""


@pytest.mark.parametrize(("family", "part"), PARAMETERS)
def test_the_families_networks_are_of_the_published_size(family, part):
    network = original.build(part, original.configs_of(family)[part])
    assert sum(weight.numel() for weight in network.parameters()) == PARAMETERS[family, part]


def full_size(family):
    configs = original.configs_of(family)
    networks = tiny.Networks(
        family, {part: original.build(part, configs[part]) for part in original.PARTS[family]}
    )
    with torch.device("meta"):
        return networks, tiny.weights_of(networks)


@pytest.mark.parametrize("family", WRITERS)
def test_shapes_of_a_full_size_file_tell_its_family_s_own_configs(family):
    networks, weights = full_size(family)
    found, known = original.configs(family, shapes_of(weights)), original.configs_of(family)
    assert found["scheduler"] == known["scheduler"]
    for part, network in networks.parts.items():
        told = {name: value for name, value in found[part].items() if known[part].get(name, value) != value}
        assert told.keys() <= {"transformer_layers_per_block"}  # a list where one number says the same
        own = {name: weight for name, weight in weights.items() if original.part_of(name, family) == part}
        converted = original.convert(part, family, own, found[part])
        assert shapes_of(converted) == shapes_of(network.state_dict())


PRUNED = {
    "SSD-1B": {
        "transformer_layers_per_block": [1, [2, 2], [4, 4]],
        "reverse_transformer_layers_per_block": [[4, 4, 10], [2, 1, 1], 1],
        "mid_block_type": "UNetMidBlock2D",
    },
    "Segmind Vega": {
        "transformer_layers_per_block": [1, 1, 2],
        "reverse_transformer_layers_per_block": [[2, 2, 2], [1, 1, 1], 1],
        "mid_block_type": "UNetMidBlock2D",
    },
    "KOALA 700M": {
        "layers_per_block": 1,
        "transformer_layers_per_block": [1, 2, 5],
        "mid_block_type": None,
    },
}


@pytest.mark.parametrize("model", PRUNED)
def test_pruned_models_are_recognised_by_their_shapes(model):
    with torch.device("meta"):
        pruned = UNet2DConditionModel.from_config({**original.configs_of("sdxl")["unet"], **PRUNED[model]})
    weights = {f"model.diffusion_model.{name}": w for name, w in layout.unet(pruned.state_dict()).items()}
    config = original.configs("sdxl", shapes_of(weights))["unet"]
    assert config["mid_block_type"] == PRUNED[model]["mid_block_type"]
    converted = original.convert("unet", "sdxl", weights, config)
    assert shapes_of(converted) == shapes_of(original.build("unet", config).state_dict())
    assert shapes_of(converted) == shapes_of(pruned.state_dict())


def test_a_part_that_is_not_in_the_file_keeps_the_family_s_config():
    assert original.configs("sdxl", {}) == original.configs_of("sdxl")


def test_nothing_stays_without_values_unnoticed():
    network = torch.nn.Module()
    network.register_buffer("table", torch.empty(3, device="meta"), persistent=False)
    with pytest.raises(RuntimeError, match="table is in no file"):
        original.settle(network)
