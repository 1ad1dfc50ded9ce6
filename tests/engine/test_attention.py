"""Attention: xformers and the compiler only where a call of them succeeds; slices that give the same."""

import sys
from types import SimpleNamespace

import pytest
import torch
from diffusers import UNet2DConditionModel

from webui.config import BUILT_IN_CHECKPOINTS, DEMO
from webui.engine import attention

CPU = torch.device("cpu")


@pytest.fixture(scope="module")
def unet():
    folder = BUILT_IN_CHECKPOINTS / DEMO / "unet"
    return UNet2DConditionModel.from_pretrained(
        folder, local_files_only=True, torch_dtype=torch.float32
    ).eval()


@torch.inference_mode()
def call(unet):
    latents = torch.linspace(-1, 1, 4 * 8 * 8).reshape(1, 4, 8, 8)
    text = torch.linspace(-1, 1, 77 * 192).reshape(1, 77, 192)
    return unet(latents, torch.tensor([500]), encoder_hidden_states=text, return_dict=False)[0]


def attention_of(unet):
    return {type(processor).__name__ for processor in unet.attn_processors.values()}


def module(call):
    return SimpleNamespace(memory_efficient_attention=call)


def does_not_work_here(*_):
    raise NotImplementedError("No operator found for `memory_efficient_attention_forward`\nwith inputs: ...")


@pytest.mark.parametrize(
    ("ops", "reason"),
    [
        (None, "import of xformers.ops halted"),  # as Python says where it isn't installed
        (module(does_not_work_here), "No operator found"),  # as on the CPU
        (module(lambda query, key, value: query), "xformers"),  # the call works; diffusers still refuses
    ],
)
def test_where_xformers_does_not_work_torchs_attention_stays(monkeypatch, caplog, unet, ops, reason):
    if torch.cuda.is_available() and ops is not None:
        pytest.skip("needs a machine where diffusers refuses xformers")
    monkeypatch.setitem(sys.modules, "xformers", SimpleNamespace(ops=ops))
    monkeypatch.setitem(sys.modules, "xformers.ops", ops)
    plain, before = call(unet), dict(unet.attn_processors)
    attention.use(unet, "xformers")
    assert attention_of(unet) == {"AttnProcessor2_0"}
    (record,) = caplog.records
    assert record.levelname == "WARNING"
    assert reason in record.getMessage()
    assert "\n" not in record.getMessage()
    assert torch.equal(call(unet), plain)
    assert unet.attn_processors == before


def test_slices_give_what_torchs_attention_gives(unet):
    before = dict(unet.attn_processors)
    plain = call(unet)
    attention.use(unet, "Sliced")
    assert attention_of(unet) == {"SlicedAttnProcessor"}
    torch.testing.assert_close(call(unet), plain, rtol=1e-4, atol=1e-4)
    attention.use(unet, "SDPA")
    assert attention_of(unet) == {"AttnProcessor2_0"}
    assert torch.equal(call(unet), plain)
    unet.set_attn_processor(before)


@pytest.mark.parametrize("kind", ["SDPA", "xformers", "Sliced"])
def test_other_networks_keep_their_attention(kind):
    network = torch.nn.Linear(2, 2)
    before = dict(vars(network))
    attention.use(network, kind)
    assert vars(network) == before


def test_a_network_without_repeated_blocks_is_not_compiled(caplog):
    assert attention.compile_blocks(torch.nn.Linear(2, 2), CPU) is False
    assert "no blocks that repeat" in caplog.text


def test_without_a_compiler_the_blocks_stay_as_they_are(monkeypatch, caplog, unet):
    def fails(_):
        raise RuntimeError("InvalidCxxCompiler: No working C++ compiler found\nmore")

    monkeypatch.setattr(torch, "compile", fails)
    assert attention.compile_blocks(unet, CPU) is False
    assert "No working C++ compiler found" in caplog.text
    assert "more" not in caplog.text
    assert not compiled(unet)


def compiled(unet):
    return [each for each in unet.modules() if getattr(each, "_compiled_call_impl", None) is not None]


def test_compiled_blocks_give_the_same():
    """A UNet of one small block, since compiling takes long."""
    torch.manual_seed(0)
    unet = UNet2DConditionModel(
        sample_size=8,
        block_out_channels=(32, 32),
        layers_per_block=1,
        down_block_types=("CrossAttnDownBlock2D", "DownBlock2D"),
        up_block_types=("UpBlock2D", "UpBlock2D"),
        mid_block_type=None,
        cross_attention_dim=192,
        attention_head_dim=4,
    ).eval()
    plain = call(unet)
    if not attention.compile_blocks(unet, CPU):
        pytest.skip("there is no compiler here")
    assert {type(each).__name__ for each in compiled(unet)} == {"BasicTransformerBlock"}
    torch.testing.assert_close(call(unet), plain, rtol=1e-4, atol=1e-4)
