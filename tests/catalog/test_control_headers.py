"""What a file that steers is told to be, and with what it goes."""

from dataclasses import replace
from pathlib import Path

import diffusers
import pytest
import torch

from webui.catalog.control_models import goes_with, steerable
from webui.catalog.entry import Identity, ModelFile
from webui.catalog.headers import Header, TensorInfo
from webui.catalog.identify import recognise


def told(**shapes):
    return recognise(Header({name: TensorInfo(shape, "F16") for name, shape in shapes.items()}))


def of(network):
    return told(**{name: tuple(weight.shape) for name, weight in network.state_dict().items()})


@pytest.fixture(autouse=True)
def without_memory():
    with torch.device("meta"):
        yield


SD2 = {"cross_attention_dim": 1024, "use_linear_projection": True, "attention_head_dim": [5, 10, 20, 20]}
SDXL = {
    "cross_attention_dim": 2048,
    "use_linear_projection": True,
    "block_out_channels": (320, 640, 1280),
    "down_block_types": ("DownBlock2D", "CrossAttnDownBlock2D", "CrossAttnDownBlock2D"),
    "attention_head_dim": [5, 10, 20],
    "addition_embed_type": "text_time",
    "addition_time_embed_dim": 256,
    "projection_class_embeddings_input_dim": 2816,
}


@pytest.mark.parametrize(
    ("config", "family", "context"),
    [({"cross_attention_dim": 768}, "sd1", 768), (SD2, "sd2", 1024), (SDXL, "sdxl", 2048)],
)
def test_controlnets_tell_their_family_and_widths(config, family, context):
    found = of(diffusers.ControlNetModel(**config))
    assert (found.kind, found.family, found.layout, found.problem) == (
        "controlnet",
        family,
        "diffusers",
        None,
    )
    assert (found.context, found.channels) == (context, 320)


def test_a_union():
    found = of(diffusers.ControlNetUnionModel(**SDXL, addition_embed_type_num_heads=64))
    assert (found.kind, found.family, found.variant, found.problem) == ("controlnet", "sdxl", "union", None)


@pytest.mark.parametrize(
    ("config", "family"),
    [
        ({}, "sd1"),
        ({"in_channels": 1}, "sd1"),
        ({"adapter_type": "light_adapter", "channels": [320, 640, 1280]}, "sd1"),
        ({"adapter_type": "full_adapter_xl", "downscale_factor": 16}, "sdxl"),
        ({"adapter_type": "full_adapter_xl", "downscale_factor": 16, "in_channels": 1}, "sdxl"),
    ],
)
def test_adapters_tell_their_family(config, family):
    found = of(diffusers.T2IAdapter(**config))
    assert (found.kind, found.family, found.problem, found.channels) == ("t2i-adapter", family, None, 320)


@pytest.mark.parametrize(
    ("shapes", "family"),
    [
        ({"input_blocks.1.1.proj_in.down": (64, 320, 1, 1)}, "sd1"),
        ({"input_blocks.4.1.proj_in.down": (256, 640)}, "sd2"),
        ({"label_emb.0.0.down": (256, 2816), "input_blocks.4.1.proj_in.down": (256, 640)}, "sdxl"),
    ],
)
def test_a_control_lora_can_be_used(shapes, family):
    own = {"lora_controlnet": (0,), "zero_convs.0.0.weight": (320, 320, 1, 1)}
    text = {"input_blocks.4.1.transformer_blocks.0.attn2.to_k.down": (256, 2048)}
    found = told(**own, **shapes, **text)
    assert (found.kind, found.family, found.variant) == ("controlnet", family, "control-lora")
    assert (found.problem, found.context, found.channels) == (None, 2048, 320)


@pytest.mark.parametrize(
    ("shapes", "words"),
    [
        ({"lllite_unet_input_blocks_4_1.conditioning1.0.weight": (8, 8)}, "ControlNet-LLLite"),
        ({"control_model.input_hint_block.0.weight": (16, 3, 3, 3), "difference": (0,)}, "holds differences"),
        ({"controlnet_cond_embedding.conv_in.weight": (16, 6, 3, 3)}, "maps of 6 channels"),
        ({"controlnet_cond_embedding.conv_in.weight": (16, 3, 3, 3), "ctrl_to_base.0.weight": (8,)}, "XS"),
        (
            {
                "controlnet_cond_embedding.conv_in.weight": (16, 3, 3, 3),
                "down_blocks.0.motion_modules.0.norm.weight": (8,),
            },
            "SparseCtrl",
        ),
        ({"style_embedding": (1, 8, 1024), "proj": (1024, 768)}, "style adapter"),
        ({"transformer_layes.0.ln_1.weight": (8,), "task_embedding.canny": (8,)}, "CoAdapter"),
        ({"controlnet_x_embedder.weight": (8, 64), "controlnet_blocks.0.weight": (8, 8)}, "steers Flux"),
        ({"controlnet_blocks.0.weight": (8, 8), "pos_embed.proj.weight": (8, 16)}, "steers SD 3"),
    ],
)
def test_what_cant_be_used_says_why(shapes, words):
    found = told(**shapes)
    assert found.kind in ("controlnet", "t2i-adapter")
    assert words in found.problem
    assert found.problem.endswith(".")


def model(name, kind="controlnet", **identity):
    return ModelFile(name, Path(name), kind, Identity(kind, **identity))


REAL = model("sd15", "checkpoint", family="sd1", context=768, channels=320)
DEMO = model("demo", "checkpoint", family="sd1", context=192, channels=128)
XL = model("xl", "checkpoint", family="sdxl", context=2048, channels=320)
CANNY = model("canny", family="sd1", context=768, channels=320)


def test_what_goes_together():
    assert goes_with(CANNY, REAL) is None
    assert goes_with(model("adapter", "t2i-adapter", family="sd1", channels=320), REAL) is None
    assert goes_with(model("unknown"), XL) is None, "what isn't told is taken to go"
    assert goes_with(model("lora", "lora", family="flux"), model("flux", "checkpoint", family="flux")) is None


def test_another_family_is_told():
    said = 'The ControlNet "canny" is for SD 1.x, and "xl" is SDXL. Choose one for SDXL.'
    assert goes_with(CANNY, XL) == said


@pytest.mark.parametrize(
    "other",
    [CANNY, model("adapter", "t2i-adapter", family="sd1", channels=320), model("l", "lora", context=768)],
)
def test_another_width_is_told(other):
    assert 'another width than that of "demo"' in goes_with(other, DEMO)


def test_what_is_broken_and_what_cant_be_steered_is_told():
    assert goes_with(replace(CANNY, problem="It is broken."), REAL) == "It is broken."
    flux = model("flux", "checkpoint", family="flux")
    assert "is Flux, which control images can't steer" in steerable(flux)
    assert goes_with(model("any"), flux) == steerable(flux)


def test_the_demo_model_tells_its_widths(demo):
    assert (demo.identity.context, demo.identity.channels) == (192, 128)
