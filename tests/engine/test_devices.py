"""Which device is chosen. What torch sees is set here, so that machines with and without a GPU agree."""

import pytest
import torch

from webui.config import Config
from webui.engine import devices
from webui.engine.protocol import EngineError
from webui.engine.trial import Preference
from webui.settings import Settings


@pytest.fixture
def gpus(monkeypatch):
    def gpus(count):
        monkeypatch.setattr(torch.cuda, "is_available", lambda: count > 0)
        monkeypatch.setattr(torch.cuda, "device_count", lambda: count)

    matmul = torch.backends.cuda.matmul
    before, matmul.allow_tf32 = matmul.allow_tf32, False
    yield gpus
    matmul.allow_tf32 = before


CPU, GPU = torch.device("cpu"), torch.device("cuda", 0)


def place(device, *, trial=None, no_half=False, **settings):
    return devices.place(device, Config(no_half=no_half), Settings(**settings), trial or Preference())


def test_the_cpu_draws_where_there_is_no_gpu(gpus):
    gpus(0)
    assert devices.choose_device(Config()) == CPU


@pytest.mark.parametrize("device_id", [None, 0, 1])
def test_the_cpu_if_asked_for(gpus, device_id):
    gpus(1)
    assert devices.choose_device(Config(use_cpu=True, device_id=device_id)) == CPU


@pytest.mark.parametrize(("device_id", "index"), [(None, 0), (0, 0), (1, 1)])
def test_a_gpu_draws(gpus, device_id, index):
    gpus(2)
    assert devices.choose_device(Config(device_id=device_id)) == torch.device("cuda", index)
    assert torch.backends.cuda.matmul.allow_tf32


@pytest.mark.parametrize("dtype", ["fp32", "bf16"])
@pytest.mark.parametrize("last", [True, False])
def test_a_cpu_computes_as_the_trial_showed_to_be_quicker(dtype, last):
    placed = place(CPU, trial=Preference(dtype=dtype, channels_last=last))
    assert (placed.dtype, placed.channels_last) == (devices.DTYPES[dtype], last)


def test_a_gpu_computes_in_16_bits_with_channels_last():
    assert place(GPU) == devices.Placement(GPU, torch.float16, channels_last=True)


def test_what_is_set_comes_first():
    assert place(CPU, precision="fp16", channels_last="On") == devices.Placement(CPU, torch.float16, True)
    assert place(GPU, precision="bf16", channels_last="Off") == devices.Placement(GPU, torch.bfloat16, False)


@pytest.mark.parametrize("precision", ["Automatic", "fp16"])
def test_no_half_comes_before_all(precision):
    assert place(GPU, no_half=True, precision=precision).dtype == torch.float32


@pytest.mark.parametrize("device_id", [2, -1])
def test_a_gpu_that_is_not_there(gpus, device_id):
    gpus(2)
    with pytest.raises(EngineError, match=rf"^There is no GPU number {device_id}; torch sees 2\.$"):
        devices.choose_device(Config(device_id=device_id))


def test_a_gpu_where_there_is_none(gpus):
    gpus(0)
    with pytest.raises(EngineError, match=r"^--device-id names a GPU, but torch sees none"):
        devices.choose_device(Config(device_id=0))
