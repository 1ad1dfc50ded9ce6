import numpy as np
import pytest
import torch
from PIL import ExifTags, Image
from safetensors.torch import load_file

from tests.conftest import Recorder
from tests.training.conftest import CPU
from tests.training.test_trainer import same
from webui.catalog.catalog import Catalog
from webui.engine.control import names
from webui.engine.protocol import Control as Unit
from webui.engine.protocol import EngineError, Order
from webui.params import GenerationParams
from webui.params.control import ControlUnit
from webui.params.training import TrainParams
from webui.training.__main__ import given
from webui.training.control import STATE, ControlTraining, train_control
from webui.training.control_network import Control
from webui.training.latents import framed

HINT = (4, 8, 8, 16)


@pytest.fixture
def run(tmp_path, demo, examples):
    def run(name, rank, steps=2, **fields):
        train = TrainParams(
            name=name, dataset="x", steps=steps, batch_size=2, resolution=64, learning_rate=1e-2,
            lr_scheduler="Constant", **fields,
        )  # fmt: skip
        training = ControlTraining(
            demo, train, examples, lambda _, image: image, tmp_path / name,
            tmp_path / "ControlNet" / f"{name}.safetensors", rank, HINT,
        )  # fmt: skip
        train_control(training, CPU, lambda _: None)
        return training

    return run


def test_a_control_lora_is_in_stabilitys_layout(run, model):
    tensors = load_file(run("edges", 4, steps=1).result)
    assert tensors["lora_controlnet"].numel() == 0
    shapes = {name: tuple(tensor.shape) for name, tensor in tensors.items()}
    assert shapes["input_blocks.1.0.in_layers.2.up"] == (128, 4, 1, 1)
    assert shapes["input_blocks.1.0.in_layers.2.down"] == (4, 128, 3, 3)
    assert shapes["input_blocks.3.1.transformer_blocks.0.attn2.to_k.up"] == (160, 4)
    assert shapes["input_blocks.2.0.op.down"] == (4, 128, 3, 3)
    assert shapes["time_embed.2.down"][0] == 4
    assert shapes["input_hint_block.0.weight"] == (4, 3, 3, 3)
    assert shapes["zero_convs.5.0.weight"] == (192, 192, 1, 1)
    assert shapes["middle_block_out.0.bias"] == (192,)
    assert "middle_block.2.out_layers.3.up" in shapes
    # Read by the engine's names, every tensor belongs to a layer of the network.
    network = Control(model.unet, 0, 0, HINT).network
    layers = {name for name, _ in network.named_modules()}
    read = names.renamed({name: t for name, t in tensors.items() if name != "lora_controlnet"}, 1)
    assert {name.rpartition(".")[0] for name in read} <= layers


@pytest.mark.parametrize(("rank", "variant"), [(4, "control-lora"), (0, "")])
def test_the_engine_draws_with_what_was_trained(run, engine, demo, rank, variant):
    training = run("edges", rank, steps=3)
    found = Catalog.over([training.result.parent], "controlnet").files("controlnet")[0]
    assert (found.problem, found.identity.family, found.identity.variant) == (None, "sd1", variant)
    params = GenerationParams(prompt="red heart", width=64, height=64, steps=3, cfg_scale=4)
    unit = Unit(ControlUnit(model=found.name), Image.linear_gradient("L").convert("RGB"), found)
    plain, steered = Recorder(), Recorder()
    engine.draw(Order(params, demo, 1), plain)
    engine.draw(Order(params, demo, 1, controls=(unit,)), steered)
    assert abs(plain.images[0] - steered.images[0]).mean() > 0.5


def test_before_it_has_learned_anything_it_gives_nothing(model):
    control = Control(model.unet, 4, 0, HINT)
    with torch.no_grad():
        down, middle = control.network(
            torch.randn(1, 4, 8, 8), 500, torch.randn(1, 77, 192), torch.rand(1, 3, 64, 64), return_dict=False
        )
    assert all(not tensor.any() for tensor in (*down, middle))


def test_only_changes_are_trained(model):
    control = Control(model.unet, 4, 0, HINT)
    assert not any(name.endswith("original") for name in control.parameters)
    weights = sum(parameter.numel() for parameter in control.parameters.values())
    assert weights < 0.1 * sum(parameter.numel() for parameter in control.network.parameters())
    whole = Control(model.unet, 0, 0, HINT)
    assert set(whole.parameters) == {name for name, _ in whole.network.named_parameters()}


def test_a_run_goes_on_as_if_it_had_not_stopped(run):
    whole = run("whole", 4, steps=4)
    run("broken", 4, steps=2)
    broken = run("broken", 4, steps=4)
    assert same(load_file(broken.folder / STATE), load_file(whole.folder / STATE))
    assert same(load_file(broken.result), load_file(whole.result))


def test_ready_made_maps_are_cropped_as_their_pictures(tmp_path):
    for folder in ("pictures", "maps"):
        (tmp_path / folder).mkdir()
    file, map_file = tmp_path / "pictures" / "a.png", tmp_path / "maps" / "a.png"
    Image.linear_gradient("L").resize((100, 210)).save(file)
    Image.linear_gradient("L").resize((50, 105)).save(map_file)
    (picture,) = framed([file], 64, Recorder(), buckets=False)
    made = given(tmp_path / "maps")(file, picture)
    assert (made.size, made.mode) == ((64, 64), "RGB")
    assert abs(np.asarray(made, float) - np.asarray(picture, float)).max() < 6
    turned = Image.Exif()
    turned[ExifTags.Base.Orientation] = 6
    Image.linear_gradient("L").resize((100, 210)).transpose(Image.Transpose.ROTATE_90).save(file, exif=turned)
    (upright,) = framed([file], 64, Recorder(), buckets=False)
    assert abs(np.asarray(upright, float) - np.asarray(picture, float)).max() < 2
    assert given(tmp_path / "maps")(file, upright).tobytes() == made.tobytes()
    Image.new("L", (64, 64)).save(map_file)
    with pytest.raises(EngineError, match=r"a\.png is of another shape than its picture: 64x64 and 100x210"):
        given(tmp_path / "maps")(file, picture)
