"""Transformers of Flux and SD 3 alone in a file, drawn from with what lies in the folders beside."""

import pytest
import torch
from diffusers import (
    FlowMatchEulerDiscreteScheduler,
    FluxPipeline,
    FluxTransformer2DModel,
    SD3Transformer2DModel,
    StableDiffusion3Pipeline,
)
from safetensors.torch import save_file
from transformers import CLIPTextModel

from tests.engine.general import originals
from tests.engine.general.conftest import Recorder
from tests.engine.general.tiny_text import t5_tokenizer
from tests.engine.general.tiny_vaes import vae
from webui.catalog.catalog import Catalog
from webui.catalog.folders import T5_TOKENIZER, model_folders
from webui.catalog.index import ModelIndex
from webui.catalog.model_settings import ModelSettingsStore
from webui.config import Config
from webui.engine.general.tokenizers import clip_tokenizer
from webui.engine.local import LocalEngine
from webui.engine.protocol import Order
from webui.params import GenerationParams, InvalidParamsError
from webui.settings import SettingsStore

FLUX = {
    "patch_size": 1,
    "in_channels": 64,
    "num_layers": 2,
    "num_single_layers": 2,
    "attention_head_dim": 32,
    "num_attention_heads": 2,
    "joint_attention_dim": 128,
    "pooled_projection_dim": 32,
    "axes_dims_rope": (4, 14, 14),
}
SD3 = {
    "sample_size": 128,
    "patch_size": 2,
    "in_channels": 16,
    "out_channels": 16,
    "num_layers": 2,
    "attention_head_dim": 64,
    "num_attention_heads": 1,
    "joint_attention_dim": 128,
    "caption_projection_dim": 64,
    "pooled_projection_dim": 96,
    "pos_embed_max_size": 32,
    "qk_norm": "rms_norm",
    "dual_attention_layers": (0,),
}
"""With what SD 3.5 medium brought: normed queries and keys, a second attention in the first blocks."""


@pytest.fixture(scope="module")
def networks():
    torch.manual_seed(0)
    made = {
        "dev": FluxTransformer2DModel(**FLUX, guidance_embeds=True),
        "schnell": FluxTransformer2DModel(**FLUX, guidance_embeds=False),
        "sd3": SD3Transformer2DModel(**SD3),
        "flux vae": vae(16, scaling_factor=0.3611, shift_factor=0.1159),
        "sd3 vae": vae(16, scaling_factor=1.5305, shift_factor=0.0609),
        "clip_l": originals.clip(32),
        "clip_g": originals.clip(64),
        "t5": originals.t5(),
    }
    for network in made.values():
        for weight in network.parameters():
            torch.nn.init.normal_(weight, std=0.1)
    return made


def flux_pipeline(networks, name):
    clip = CLIPTextModel(networks["clip_l"].config)
    weights = networks["clip_l"].state_dict().items()
    clip.load_state_dict({key.removeprefix("text_model."): weight for key, weight in weights}, strict=False)
    dev = name == "dev"
    return FluxPipeline(
        scheduler=FlowMatchEulerDiscreteScheduler(shift=3.0 if dev else 1.0, use_dynamic_shifting=dev),
        vae=networks["flux vae"],
        text_encoder=clip,
        tokenizer=clip_tokenizer("<|endoftext|>"),
        text_encoder_2=networks["t5"],
        tokenizer_2=t5_tokenizer(),
        transformer=networks[name],
    )


def sd3_pipeline(networks):
    return StableDiffusion3Pipeline(
        scheduler=FlowMatchEulerDiscreteScheduler(shift=3.0),
        vae=networks["sd3 vae"],
        text_encoder=networks["clip_l"],
        tokenizer=clip_tokenizer("<|endoftext|>"),
        text_encoder_2=networks["clip_g"],
        tokenizer_2=clip_tokenizer("!"),
        text_encoder_3=networks["t5"],
        tokenizer_3=t5_tokenizer(),
        transformer=networks["sd3"],
    )


def saved(file, weights, prefix=""):
    file.parent.mkdir(parents=True, exist_ok=True)
    save_file({prefix + name: weight.contiguous().clone() for name, weight in weights.items()}, file)


@pytest.fixture(scope="module")
def models(networks, tmp_path_factory):
    """A model folder: diffusers folders, the same transformers alone, and the files that complete them."""
    home = tmp_path_factory.mktemp("models")
    checkpoints, alone = home / "Stable-diffusion", home / "diffusion_models"
    for name in ("dev", "schnell"):
        flux_pipeline(networks, name).save_pretrained(checkpoints / f"folder-{name}")
        saved(alone / f"flux1-{name}.safetensors", originals.flux(networks[name]))
    sd3_pipeline(networks).save_pretrained(checkpoints / "folder-sd3")
    saved(checkpoints / "flux1-forge.safetensors", originals.flux(networks["dev"]), "model.diffusion_model.")
    saved(checkpoints / "flux1-diffusers.safetensors", networks["dev"].state_dict())
    saved(alone / "sd3.5_medium.safetensors", originals.sd3(networks["sd3"]))
    saved(checkpoints / "sd3-forge.safetensors", originals.sd3(networks["sd3"]), "model.diffusion_model.")
    saved(alone / "sd3-diffusers.safetensors", networks["sd3"].state_dict())
    saved(home / "VAE" / "ae.safetensors", originals.vae(networks["flux vae"]))
    saved(home / "VAE" / "sd3" / "diffusion_pytorch_model.safetensors", networks["sd3 vae"].state_dict())
    for name in ("clip_l", "clip_g", "t5"):
        saved(home / "text_encoder" / f"{name}.safetensors", networks[name].state_dict())
    t5_tokenizer().save_pretrained(home / T5_TOKENIZER)
    return home


@pytest.fixture(scope="module")
def catalog(models):
    config = Config(data_dir=models, models_dir=models)
    return Catalog(model_folders(config), ModelIndex(), ModelSettingsStore())


@pytest.fixture(scope="module")
def drawn(models, catalog, tmp_path_factory):
    """What a checkpoint draws, as the server has it drawn: the catalog chooses the VAE."""
    data = tmp_path_factory.mktemp("data")
    config = Config(data_dir=data, models_dir=models, use_cpu=True, hashing=False)
    settings = SettingsStore(config.settings_file)
    settings.update({"precision": "fp32", "channels_last": "Off"})
    engine = LocalEngine(config, settings, catalog)

    def draw(name, **fields):
        checkpoint, recorder = catalog.find(name), Recorder()
        params = GenerationParams(**{"prompt": "a cat", "width": 64, "height": 64, "steps": 2} | fields)
        engine.draw(Order(params, checkpoint, 7, catalog.find_vae(params.vae, checkpoint)), recorder)
        assert recorder.notices == []
        return recorder

    return draw


@pytest.mark.parametrize(
    ("alone", "folder"),
    [
        ("flux1-dev", "folder-dev"),
        ("flux1-forge", "folder-dev"),
        ("flux1-diffusers", "folder-dev"),
        ("flux1-schnell", "folder-schnell"),
        ("sd3.5_medium", "folder-sd3"),
        ("sd3-forge", "folder-sd3"),
        ("sd3-diffusers", "folder-sd3"),
    ],
)
def test_a_transformer_alone_draws_what_the_whole_folder_draws(drawn, alone, folder):
    ours = drawn(alone)
    assert ours.bytes == drawn(folder).bytes
    assert ours.bytes != drawn(alone, prompt="a dog").bytes
    assert ours.images[0].std() > 10


def test_the_vae_that_the_catalog_chose_is_told(drawn):
    assert "VAE: ae.safetensors" in drawn("flux1-dev").pictures[0].infotext
    assert "VAE: diffusion_pytorch_model.safetensors" in drawn("sd3-diffusers").pictures[0].infotext


def test_another_vae_gives_another_picture(drawn):
    other = "sd3/diffusion_pytorch_model.safetensors"
    assert drawn("flux1-dev", vae=other).bytes != drawn("flux1-dev").bytes


def test_none_is_no_vae_for_them(drawn):
    with pytest.raises(InvalidParamsError, match=r"holds no VAE\. Choose one under SD VAE"):
        drawn("flux1-dev", vae="None")
