"""xformers: taken only where a call of it succeeds."""

import sys
from types import SimpleNamespace

import pytest
import torch

from webui.engine.attention import use_xformers
from webui.engine.denoiser import Denoiser
from webui.engine.encoding import PromptEncoder


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
def test_where_it_does_not_work_torchs_attention_stays(monkeypatch, caplog, model, ops, reason):
    if torch.cuda.is_available() and ops is not None:
        pytest.skip("needs a machine where diffusers refuses xformers")
    monkeypatch.setitem(sys.modules, "xformers", SimpleNamespace(ops=ops))
    monkeypatch.setitem(sys.modules, "xformers.ops", ops)
    assert use_xformers(model.unet) is False
    assert attention_of(model.unet) == {"AttnProcessor2_0"}
    (record,) = caplog.records
    assert record.levelname == "WARNING"
    assert reason in record.getMessage()
    assert "\n" not in record.getMessage()
    with torch.inference_mode():
        known = PromptEncoder(model).encode("panda", "")
        clean = Denoiser(model, known, 4.0, 1)(torch.zeros(1, 4, 8, 8), 1.0)
    assert torch.isfinite(clean).all()
