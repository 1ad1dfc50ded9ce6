"""Whatever a file calls the modules of a model, the same are found."""

import pytest
import torch

from tests import tiny
from tests.engine.adapters.loras import factors, kohya, random, write
from tests.loading import load
from tests.tiny import original
from webui.catalog.catalog import Catalog
from webui.engine.adapters.bodies import Body
from webui.engine.adapters.fitting import fit

DOWN, UP = ".lora_down.weight", ".lora_up.weight"


def named(made, unet, text, down, up, separator="_", rename=lambda path: path):
    """Factors under names made so: prefix, path, ending."""
    tensors = {}
    for (part, path), (low, high) in made.items():
        prefix = unet if part == "unet" else text[part]
        stem = prefix + rename(path).replace(".", separator)
        tensors |= {stem + down: low, stem + up: high}
    return tensors


def processors(made):
    """diffusers' names from before it used PEFT: of a UNet attention alone."""
    made = {place: each for place, each in made.items() if "attn" in place[1] or place[0] != "unet"}
    tensors = {}
    for (part, path), (down, up) in made.items():
        if part == "unet":
            owner, _, name = path.removesuffix(".0").rpartition(".")
            stem = f"unet.{owner}.processor.{name}_lora"
        else:
            stem = f"text_encoder.text_model.{path}.lora_linear_layer"
        tensors |= {f"{stem}.down.weight": down, f"{stem}.up.weight": up}
    return tensors


SCHEMES = {
    "kohya": kohya,
    "OneTrainer": lambda made: named(
        made, "lora_unet.", {"text_encoder": "lora_te.text_model."}, DOWN, UP, "."
    ),
    "te1": lambda made: named(made, "lora_unet_", {"text_encoder": "lora_te1_text_model_"}, DOWN, UP),
    "PEFT": lambda made: named(
        made, "unet.", {"text_encoder": "text_encoder.text_model."}, ".lora_A.weight", ".lora_B.weight", "."
    ),
    "PEFT, no level": lambda made: named(
        made, "unet.", {"text_encoder": "text_encoder."}, ".lora_A.weight", ".lora_B.weight", "."
    ),
    "PEFT, adapters": lambda made: named(
        made,
        "base_model.model.unet.",
        {"text_encoder": "base_model.model.text_encoder.text_model."},
        ".lora_A.default.weight",
        ".lora_B.default.weight",
        ".",
    ),
    "lora.down": lambda made: named(
        made, "unet.", {"text_encoder": "text_encoder."}, ".lora.down.weight", ".lora.up.weight", "."
    ),
    "LyCORIS": lambda made: named(made, "lycoris_", {"text_encoder": "lycoris_text_model_"}, DOWN, UP),
}


@pytest.fixture(scope="module")
def places(model):
    return Body.of(model).places()


def found(tensors, places, folder):
    lora = fit(write(folder / "x.safetensors", tensors), places, torch.float32)
    return lora, {
        (part, place.path.removeprefix("text_model."))
        for part, pieces in lora.parts.items()
        for place in pieces
    }


@pytest.mark.parametrize("scheme", SCHEMES)
def test_all_ways_of_naming_find_the_same_modules(model, places, tmp_path, scheme):
    made = factors(model, 2)
    lora, homes = found(SCHEMES[scheme](made), places, tmp_path)
    assert lora.notices == ()
    assert homes == {(part, path.removeprefix("text_model.")) for part, path in made}


def test_old_processors_find_theirs(model, places, tmp_path):
    lora, homes = found(processors(factors(model, 2)), places, tmp_path)
    assert lora.notices == ()
    assert any(path.endswith("to_out.0") for _, path in homes)


@pytest.mark.parametrize("family", ["sd1", "sd2", "sdxl"])
def test_the_first_releases_names_find_every_module(tmp_path, family):
    """Every layer of a UNet, renamed by what writes the tests' checkpoints."""
    checkpoints = tmp_path / "checkpoints"
    getattr(tiny, f"write_{family}")(checkpoints / "x.safetensors")
    model = load(Catalog.over([checkpoints]).find("x"))
    weights = model.unet.state_dict()
    renamed = zip(weights, original.unet(weights), strict=True)
    names = {name: own for name, own in renamed if name.endswith(".weight") and weights[name].ndim > 1}
    tensors = {
        f"lora_unet_{own.removesuffix('.weight').replace('.', '_')}.diff": weights[name].clone()
        for name, own in names.items()
    }
    lora, homes = found(tensors, Body.of(model).places(), tmp_path)
    assert lora.notices == ()
    assert {path for _, path in homes} == {name.removesuffix(".weight") for name in names}


def test_sdxl_has_two_text_encoders(tmp_path):
    checkpoints = tmp_path / "checkpoints"
    tiny.write_sdxl(checkpoints / "x.safetensors")
    model = load(Catalog.over([checkpoints]).find("x"))
    made = factors(model, 2)
    assert {part for part, _ in made} == {"unet", "text_encoder", "text_encoder_2"}
    kohyas = {"text_encoder": "lora_te1_text_model_", "text_encoder_2": "lora_te2_text_model_"}
    pefts = {"text_encoder": "text_encoder.", "text_encoder_2": "text_encoder_2."}
    bare = {(part, path.removeprefix("text_model.")): each for (part, path), each in made.items()}
    for tensors in (
        named(bare, "lora_unet_", kohyas, DOWN, UP),
        named(made, "unet.", pefts, ".lora_A.weight", ".lora_B.weight", "."),
    ):
        lora, homes = found(tensors, Body.of(model).places(), tmp_path)
        assert lora.notices == ()
        assert homes == set(bare)


def test_what_found_no_home_is_counted_and_named(model, places, tmp_path):
    made = factors(model, 2)
    tensors = kohya(made)
    for layer in (90, 91):
        stem = f"lora_te_text_model_encoder_layers_{layer}_self_attn_q_proj"
        tensors |= {stem + DOWN: random(2, 192), stem + UP: random(192, 2)}
    lora, _ = found(tensors, places, tmp_path)
    count = sum(part == "text_encoder" for part, _ in made) + 2
    assert lora.notices == (
        f'2 of {count} text-encoder modules not loaded: "encoder_layers_90_self_attn_q_proj", '
        '"encoder_layers_91_self_attn_q_proj" are not in this model.',
    )
    assert lora.count == len(made)


def test_another_shape_is_told(model, places, tmp_path):
    tensors = kohya(factors(model, 2, text=()))
    stem = next(name for name in tensors if name.endswith(DOWN)).removesuffix(DOWN)
    tensors[stem + DOWN] = random(2, 7)
    lora, _ = found(tensors, places, tmp_path)
    assert len(lora.notices) == 1
    assert lora.notices[0].startswith("1 of ")
    assert "has another shape than the module here" in lora.notices[0]


@pytest.mark.parametrize(
    ("ending", "told"),
    [
        (".lora_down.weight", "lacks its other half (down alone)"),
        (".vera_lambda", "is of a kind that can't be applied (vera_lambda)"),
        (".hada_w1_a", "is of a kind that can't be applied (hada_w1_a)"),
    ],
)
def test_a_kind_that_cant_be_applied_is_told(places, tmp_path, ending, told):
    stem = "lora_unet_mid_block_attentions_0_transformer_blocks_0_attn1_to_q"
    lora, _ = found({stem + ending: random(4, 4)}, places, tmp_path)
    assert lora.count == 0
    assert lora.notices[0].startswith("fits none of this model's modules")
    assert told in lora.notices[0]


def test_huge_shapes_take_no_memory(places, tmp_path):
    """A Kronecker product of two small matrices could have 10^18 numbers."""
    stem = "lora_unet_mid_block_attentions_0_transformer_blocks_0_attn1_to_q"
    tensors = {f"{stem}.lokr_w1": torch.zeros(30_000, 30), f"{stem}.lokr_w2": torch.zeros(30, 30_000)}
    lora, _ = found(tensors, places, tmp_path)
    assert lora.count == 0
    assert "has another shape" in lora.notices[0]
