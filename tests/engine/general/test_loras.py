"""LoRAs on diffusers' pipelines: equal to merged weights, and gone without a trace."""

import numpy as np
import pytest
import torch

from tests.conftest import Recorder
from tests.engine.adapters.loras import catalog_of, low_rank, random, touched, write
from tests.engine.general import tiny
from webui.config import Config
from webui.engine.local import LocalEngine
from webui.engine.protocol import Order
from webui.params import GenerationParams
from webui.settings import SettingsStore

ENDINGS = ("attn.to_q", "attn.to_v", "attn.to_out.0", "ff.net.2", "proj_mlp")


def pipeline():
    """A tiny Flux, always of the same weights."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        return tiny.flux()


@pytest.fixture(scope="module")
def flux(tmp_path_factory):
    """A tiny Flux as a folder, with a folder of LoRAs beside."""
    folder = tmp_path_factory.mktemp("flux")
    pipeline().save_pretrained(folder / "checkpoints" / "flux")
    return folder


@pytest.fixture(scope="module")
def catalog(flux):
    (flux / "loras").mkdir()
    return catalog_of(flux / "checkpoints", flux / "loras")


@pytest.fixture(scope="module")
def draw(flux, catalog):
    settings = SettingsStore(flux / "settings.json")
    settings.update({"precision": "fp32", "channels_last": "Off"})
    engine = LocalEngine(Config(data_dir=flux, use_cpu=True), settings, catalog)

    def draw(prompt, checkpoint="flux"):
        observer = Recorder()
        params = GenerationParams(prompt=prompt, width=64, height=64, steps=2, cfg_scale=3.5)
        engine.draw(Order(params, catalog.find(checkpoint), 5), observer)
        return observer

    return draw


def made(network, seed=0):
    return {
        path: low_rank(module, 2, seed + 2 * number, scale=0.3)
        for number, (path, module) in enumerate(touched(network, ENDINGS).items())
    }


def peft(factors, prefix="transformer."):
    return {
        f"{prefix}{path}.lora_{side}.weight": tensor
        for path, pair in factors.items()
        for side, tensor in zip("AB", pair, strict=True)
    }


@pytest.fixture(scope="module")
def factors(flux, catalog):
    factors = made(pipeline().transformer)
    write(flux / "loras" / "style.safetensors", peft(factors))
    catalog.refresh()
    return factors


def test_it_is_as_if_merged(flux, catalog, factors, draw):
    plain, drawn = draw("a cat"), draw("a cat <lora:style:0.7>")
    assert drawn.notices == plain.notices
    changed = pipeline()
    with torch.no_grad():
        for path, (down, up) in factors.items():
            changed.transformer.get_submodule(path).weight += 0.7 * up @ down
    changed.save_pretrained(flux / "checkpoints" / "merged")
    catalog.refresh()
    expected = draw("a cat", "merged").images[0]
    assert np.abs(drawn.images[0] - expected).max() <= 1
    assert np.abs(drawn.images[0] - plain.images[0]).mean() > 0.5
    assert (draw("a cat").images[0] == plain.images[0]).all()


def test_the_text_encoders_hear_otherwise_and_are_not_remembered(flux, catalog, draw):
    network = pipeline().text_encoder
    pairs = {
        path: low_rank(module, 2, number, scale=0.5)
        for number, (path, module) in enumerate(touched(network, ("q_proj", "v_proj", "fc1")).items())
    }
    write(flux / "loras" / "words.safetensors", peft(pairs, "text_encoder."))
    catalog.refresh()
    plain = draw("a cat").images[0]
    drawn = draw("a cat <lora:words:1>")
    assert not any("words" in notice for notice in drawn.notices)
    assert (drawn.images[0] != plain).any()
    assert (draw("a cat").images[0] == plain).all()


def test_kohyas_names_are_renamed_by_diffusers(flux, catalog, factors, draw):
    """Trainers name Flux's modules as its first release does: one matrix for queries, keys and values."""
    layers = {path for path in factors if path.startswith("transformer_blocks.0.attn.to_")}
    assert layers
    width = next(iter(factors.values()))[0].shape[1]
    down, up = random(2, width), random(3 * width, 2)
    stem = "lora_unet_double_blocks_0_img_attn_qkv"
    tensors = {
        f"{stem}.lora_down.weight": down,
        f"{stem}.lora_up.weight": up,
        f"{stem}.alpha": torch.tensor(2.0),
    }
    write(flux / "loras" / "kohya.safetensors", tensors)
    catalog.refresh()
    drawn = draw("a cat <lora:kohya:1>")
    assert not any("kohya" in notice for notice in drawn.notices)
    assert (drawn.images[0] != draw("a cat").images[0]).any()


def test_what_doesnt_fit_is_told(flux, catalog, factors, draw):
    more = peft(factors) | {
        "transformer.transformer_blocks.77.attn.to_q.lora_A.weight": torch.zeros(2, 8),
        "transformer.transformer_blocks.77.attn.to_q.lora_B.weight": torch.zeros(8, 2),
    }
    write(flux / "loras" / "more.safetensors", more)
    catalog.refresh()
    notices = draw("a cat <lora:more:1>").notices
    told = f'LoRA "more": 1 of {len(factors) + 1} transformer modules not loaded'
    assert any(notice.startswith(told) for notice in notices), notices
    assert any("There is no LoRA" in notice for notice in draw("a cat <lora:absent:1>").notices)


def test_block_weights_and_steps_are_left_out_and_that_is_told(flux, catalog, factors, draw):
    network = pipeline().text_encoder
    pairs = {path: low_rank(module, 2, 3, 0.5) for path, module in touched(network, ("q_proj",)).items()}
    write(flux / "loras" / "both.safetensors", peft(factors) | peft(pairs, "text_encoder."))
    catalog.refresh()
    whole = draw("a cat <lora:both:1>")
    chosen = draw("a cat <lora:both:1:lbw=NONE:stop=1>")
    assert (chosen.images[0] == whole.images[0]).all()
    told = [notice for notice in chosen.notices if "all blocks and steps" in notice]
    assert len(told) == 1
    assert told[0].startswith('LoRA "both": ')
    assert not any("all blocks and steps" in notice for notice in whole.notices)
